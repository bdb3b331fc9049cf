"""Names at which devices query the status of certificates, and fetch issuer certificates that a server did not send.

OCSP (RFC 6960), CRL (RFC 5280 section 5) and AIA (section 4.2.2.1). `OWN_STATUS` are those of the large makers and
public authorities, from their publications; `STATUS` is MISP's warning list `crl-hostname`, 2026-08-20 (CC0-1.0),
without names of internal networks, directories and whole web sites.
"""

from typing import Final

OWN_STATUS: Final[tuple[bytes, ...]] = tuple(
    b"""
    ocsp.apple.com ocsp2.apple.com crl.apple.com valid.apple.com certs.apple.com pki.goog oneocsp.microsoft.com
    msocsp.com mscrl.microsoft.com crl.microsoft.com amazontrust.com ss2.us lencr.org cacerts.digicert.com
    crt.sectigo.com crt.usertrust.com crt.comodoca.com secure.globalsign.com aia.entrust.net
    """.split()
)

STATUS: Final[tuple[bytes, ...]] = tuple(
    b"""
    br-root-ca1-2020.ocsp.d-trust.net cdn.d-trust-cloudcrl.net cdp.disig.sk cdp.elektronicznypodpis.pl cdp1.disig.sk
    cdp1.pca.dfn.de cdp2.disig.sk cdp2.pca.dfn.de certificates.godaddy.com certificates.starfieldtech.com
    certum-crl.wt.trustasia.com certum.crl.sheca.com commercial.ocsp.identrust.com crl-cpki.telekom.de
    crl-pro.litessl.com crl.anf.es crl.buypass.no crl.certigna.com crl.certigna.fr crl.certsign.ro crl.certum.pl
    crl.cfca.com.cn crl.comodoca.com crl.d-trust.net crl.dhimyotis.com crl.digicert-cn.com
    crl.digicert-validation.com crl.digicert.cn crl.e-szigno.hu crl.emsign.com crl.ensuredca.com crl.entrust.net
    crl.firmaprofesional.com crl.gdca.com.cn crl.global.sheca.com crl.globalsign.com crl.globalsign.net
    crl.godaddy.com crl.harica.gr crl.izenpe.com crl.litessl.com crl.oem.trustca.net crl.pkioverheid.nl
    crl.quovadisglobal.com crl.root-e1.certainly.com crl.root-r1.certainly.com crl.sectigo.com crl.starfieldtech.com
    crl.swisssign.ch crl.swisssign.net crl.trust-provider.com crl.usertrust.com crl.wt.trustasia.com
    crl05.actalis.it crl1.ecert.gov.hk crl1.netlock.hu crl13.actalis.it crl2.microsoft.com crl2.netlock.hu
    crl3.digicert.com crl3.netlock.hu crl4.digicert.com crls.ssl.com crlv1.harica.gr
    d-trust-br-root-ca-1-2020.ocsp.d-trust.net d-trust-br-root-ca-2-2023.ocsp.d-trust.net
    d-trust-ev-root-ca-1-2020.ocsp.d-trust.net d-trust-ev-root-ca-2-2023.ocsp.d-trust.net
    d-trust-root-ca-3-2013.ocsp.d-trust.net d-trust-root-class-3-ca-2-2009.ocsp.d-trust.net
    d-trust-root-class-3-ca-2-ev-2009.ocsp.d-trust.net d-trust-sbr-root-ca-1-2022.ocsp.d-trust.net
    d-trust-sbr-root-ca-2-2022.ocsp.d-trust.net depo.kamusm.gov.tr domorganisatieservicesocsp-g3.pkioverheid.nl
    e.on-group-ca-2-2013.ocsp.d-trust.net eca.hinet.net eon-group-ca-2-2013.ocsp.d-trust.net
    ev-root-ca1-2020.ocsp.d-trust.net grcl2.crl.telesec.de grcl2.ocsp.telesec.de grcl3.crl.telesec.de
    grcl3.ocsp.telesec.de httpcrl.trust.telia.com ocsp-cpki.telekom.de ocsp-pro.litessl.com ocsp-rca.navercorp.com
    ocsp.accv.es ocsp.anf.es ocsp.bjca.cn ocsp.buypass.com ocsp.certsign.ro ocsp.cfca.com.cn ocsp.comodoca.com
    ocsp.dcocsp.cn ocsp.digicert-cn.com ocsp.digicert-validation.com ocsp.digicert.cn ocsp.digicert.com
    ocsp.eca.hinet.net ocsp.elektronicznypodpis.pl ocsp.emsign.com ocsp.ensuredca.com ocsp.entrust.net
    ocsp.firmaprofesional.com ocsp.global.sheca.com ocsp.globalsign.com ocsp.godaddy.com ocsp.harica.gr
    ocsp.izenpe.com ocsp.oem.trustca.net ocsp.pca.dfn.de ocsp.quovadisglobal.com ocsp.sectigo.com ocsp.siemens.com
    ocsp.starfieldtech.com ocsp.telekom.de ocsp.trust-provider.com ocsp.trust.telia.com ocsp.usertrust.com
    ocsp.wisekey.com ocsp.wt.trustasia.com ocsp0336.telesec.de ocsp05.actalis.it ocsp1.ecert.gov.hk ocsp1.netlock.hu
    ocsp13.actalis.it ocsp2.gdca.com.cn ocsp2.globalsign.com ocsp2.netlock.hu ocsp3.netlock.hu
    ocspfnmtrcmca.cert.fnmt.es ocspfnmtssr.cert.fnmt.es ocsps.ssl.com ocspsslkoks1.kamusm.gov.tr pki-crl.atos.net
    pki-ldap.atos.net pki-ocsp.atos.net pki0336.telesec.de pkipro.certsign.ro public.ocsp.identrust.com
    public.wisekey.com rca.navercorp.com repo.bjca.cn repo1.secomtrust.net repository.secomtrust.net
    root-c3-ca2-2009.ocsp.d-trust.net root-c3-ca2-ev-2009.ocsp.d-trust.net root-ca-3-2013.ocsp.d-trust.net
    root-ecdsa.digitalsign.pt root-rsa.digitalsign.pt rootca.twca.com.tw rootca2009-crl1.e-szigno.hu
    rootca2009-crl2.e-szigno.hu rootca2009-crl3.e-szigno.hu rootca2009-ocsp1.e-szigno.hu
    rootca2009-ocsp2.e-szigno.hu rootca2009-ocsp3.e-szigno.hu rootca2017-crl1.e-szigno.hu
    rootca2017-crl2.e-szigno.hu rootca2017-crl3.e-szigno.hu rootca2017-ocsp1.e-szigno.hu
    rootca2017-ocsp2.e-szigno.hu rootca2017-ocsp3.e-szigno.hu rootcar2-ocsp.disig.sk rootocsp-g3.pkioverheid.nl
    rootocsp.twca.com.tw rootocsp2009.e-szigno.hu rtcrl.cybertrust.ne.jp rtocsp.cybertrust.ne.jp
    sceccrootca1.ocsp.secomtrust.net scrootca2.ocsp.secomtrust.net smimersarootca2024.ocsp.secom-cert.jp
    subca.crl.certum.pl subca.ocsp-certum.com tlseccrootca2024.ocsp.secom-cert.jp tlsrootca2023-crl.e-szigno.hu
    tlsrootca2023-ocsp.e-szigno.hu tlsrsarootca2024.ocsp.secom-cert.jp trustasia.crl.certum.pl
    tssmer21.crl.telesec.de tssmer21.ocsp.telesec.de tssmrr23.crl.telesec.de tssmrr23.ocsp.telesec.de
    tstlser20.crl.telesec.de tstlser20.ocsp.telesec.de tstlsrr23.crl.telesec.de tstlsrr23.ocsp.telesec.de
    validation.identrust.com wtca-cafiles.itrus.com.cn wtocsp-cdn.itrus.com.cn
    """.split()
)

CERTIFICATES: Final[tuple[bytes, ...]] = OWN_STATUS + STATUS
