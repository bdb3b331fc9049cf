"""Names where devices ask for the status of a certificate, and for issuers that a server did not send.

OCSP (RFC 6960), CRL (RFC 5280 section 5) and AIA (section 4.2.2.1). `OWN_STATUS` are those of the large makers and
public authorities, from what they publish; `STATUS` is MISP's warning list `crl-hostname`, 2026-08-20 (CC0-1.0),
without names of internal networks, directories and whole web sites.
"""

from typing import Final

OWN_STATUS: Final = (
    b"ocsp.apple.com", b"ocsp2.apple.com", b"crl.apple.com", b"valid.apple.com", b"certs.apple.com", b"pki.goog",
    b"oneocsp.microsoft.com", b"msocsp.com", b"mscrl.microsoft.com", b"crl.microsoft.com", b"amazontrust.com",
    b"ss2.us", b"lencr.org", b"cacerts.digicert.com", b"crt.sectigo.com", b"crt.usertrust.com", b"crt.comodoca.com",
    b"secure.globalsign.com", b"aia.entrust.net",
)  # fmt: skip

STATUS: Final = (
    b"br-root-ca1-2020.ocsp.d-trust.net", b"cdn.d-trust-cloudcrl.net", b"cdp.disig.sk", b"cdp.elektronicznypodpis.pl",
    b"cdp1.disig.sk", b"cdp1.pca.dfn.de", b"cdp2.disig.sk", b"cdp2.pca.dfn.de", b"certificates.godaddy.com",
    b"certificates.starfieldtech.com", b"certum-crl.wt.trustasia.com", b"certum.crl.sheca.com",
    b"commercial.ocsp.identrust.com", b"crl-cpki.telekom.de", b"crl-pro.litessl.com", b"crl.anf.es",
    b"crl.buypass.no", b"crl.certigna.com", b"crl.certigna.fr", b"crl.certsign.ro", b"crl.certum.pl",
    b"crl.cfca.com.cn", b"crl.comodoca.com", b"crl.d-trust.net", b"crl.dhimyotis.com", b"crl.digicert-cn.com",
    b"crl.digicert-validation.com", b"crl.digicert.cn", b"crl.e-szigno.hu", b"crl.emsign.com", b"crl.ensuredca.com",
    b"crl.entrust.net", b"crl.firmaprofesional.com", b"crl.gdca.com.cn", b"crl.global.sheca.com",
    b"crl.globalsign.com", b"crl.globalsign.net", b"crl.godaddy.com", b"crl.harica.gr", b"crl.izenpe.com",
    b"crl.litessl.com", b"crl.oem.trustca.net", b"crl.pkioverheid.nl", b"crl.quovadisglobal.com",
    b"crl.root-e1.certainly.com", b"crl.root-r1.certainly.com", b"crl.sectigo.com", b"crl.starfieldtech.com",
    b"crl.swisssign.ch", b"crl.swisssign.net", b"crl.trust-provider.com", b"crl.usertrust.com",
    b"crl.wt.trustasia.com", b"crl05.actalis.it", b"crl1.ecert.gov.hk", b"crl1.netlock.hu", b"crl13.actalis.it",
    b"crl2.microsoft.com", b"crl2.netlock.hu", b"crl3.digicert.com", b"crl3.netlock.hu", b"crl4.digicert.com",
    b"crls.ssl.com", b"crlv1.harica.gr", b"d-trust-br-root-ca-1-2020.ocsp.d-trust.net",
    b"d-trust-br-root-ca-2-2023.ocsp.d-trust.net", b"d-trust-ev-root-ca-1-2020.ocsp.d-trust.net",
    b"d-trust-ev-root-ca-2-2023.ocsp.d-trust.net", b"d-trust-root-ca-3-2013.ocsp.d-trust.net",
    b"d-trust-root-class-3-ca-2-2009.ocsp.d-trust.net", b"d-trust-root-class-3-ca-2-ev-2009.ocsp.d-trust.net",
    b"d-trust-sbr-root-ca-1-2022.ocsp.d-trust.net", b"d-trust-sbr-root-ca-2-2022.ocsp.d-trust.net",
    b"depo.kamusm.gov.tr", b"domorganisatieservicesocsp-g3.pkioverheid.nl", b"e.on-group-ca-2-2013.ocsp.d-trust.net",
    b"eca.hinet.net", b"eon-group-ca-2-2013.ocsp.d-trust.net", b"ev-root-ca1-2020.ocsp.d-trust.net",
    b"grcl2.crl.telesec.de", b"grcl2.ocsp.telesec.de", b"grcl3.crl.telesec.de", b"grcl3.ocsp.telesec.de",
    b"httpcrl.trust.telia.com", b"ocsp-cpki.telekom.de", b"ocsp-pro.litessl.com", b"ocsp-rca.navercorp.com",
    b"ocsp.accv.es", b"ocsp.anf.es", b"ocsp.bjca.cn", b"ocsp.buypass.com", b"ocsp.certsign.ro", b"ocsp.cfca.com.cn",
    b"ocsp.comodoca.com", b"ocsp.dcocsp.cn", b"ocsp.digicert-cn.com", b"ocsp.digicert-validation.com",
    b"ocsp.digicert.cn", b"ocsp.digicert.com", b"ocsp.eca.hinet.net", b"ocsp.elektronicznypodpis.pl",
    b"ocsp.emsign.com", b"ocsp.ensuredca.com", b"ocsp.entrust.net", b"ocsp.firmaprofesional.com",
    b"ocsp.global.sheca.com", b"ocsp.globalsign.com", b"ocsp.godaddy.com", b"ocsp.harica.gr", b"ocsp.izenpe.com",
    b"ocsp.oem.trustca.net", b"ocsp.pca.dfn.de", b"ocsp.quovadisglobal.com", b"ocsp.sectigo.com", b"ocsp.siemens.com",
    b"ocsp.starfieldtech.com", b"ocsp.telekom.de", b"ocsp.trust-provider.com", b"ocsp.trust.telia.com",
    b"ocsp.usertrust.com", b"ocsp.wisekey.com", b"ocsp.wt.trustasia.com", b"ocsp0336.telesec.de",
    b"ocsp05.actalis.it", b"ocsp1.ecert.gov.hk", b"ocsp1.netlock.hu", b"ocsp13.actalis.it", b"ocsp2.gdca.com.cn",
    b"ocsp2.globalsign.com", b"ocsp2.netlock.hu", b"ocsp3.netlock.hu", b"ocspfnmtrcmca.cert.fnmt.es",
    b"ocspfnmtssr.cert.fnmt.es", b"ocsps.ssl.com", b"ocspsslkoks1.kamusm.gov.tr", b"pki-crl.atos.net",
    b"pki-ldap.atos.net", b"pki-ocsp.atos.net", b"pki0336.telesec.de", b"pkipro.certsign.ro",
    b"public.ocsp.identrust.com", b"public.wisekey.com", b"rca.navercorp.com", b"repo.bjca.cn",
    b"repo1.secomtrust.net", b"repository.secomtrust.net", b"root-c3-ca2-2009.ocsp.d-trust.net",
    b"root-c3-ca2-ev-2009.ocsp.d-trust.net", b"root-ca-3-2013.ocsp.d-trust.net", b"root-ecdsa.digitalsign.pt",
    b"root-rsa.digitalsign.pt", b"rootca.twca.com.tw", b"rootca2009-crl1.e-szigno.hu", b"rootca2009-crl2.e-szigno.hu",
    b"rootca2009-crl3.e-szigno.hu", b"rootca2009-ocsp1.e-szigno.hu", b"rootca2009-ocsp2.e-szigno.hu",
    b"rootca2009-ocsp3.e-szigno.hu", b"rootca2017-crl1.e-szigno.hu", b"rootca2017-crl2.e-szigno.hu",
    b"rootca2017-crl3.e-szigno.hu", b"rootca2017-ocsp1.e-szigno.hu", b"rootca2017-ocsp2.e-szigno.hu",
    b"rootca2017-ocsp3.e-szigno.hu", b"rootcar2-ocsp.disig.sk", b"rootocsp-g3.pkioverheid.nl",
    b"rootocsp.twca.com.tw", b"rootocsp2009.e-szigno.hu", b"rtcrl.cybertrust.ne.jp", b"rtocsp.cybertrust.ne.jp",
    b"sceccrootca1.ocsp.secomtrust.net", b"scrootca2.ocsp.secomtrust.net", b"smimersarootca2024.ocsp.secom-cert.jp",
    b"subca.crl.certum.pl", b"subca.ocsp-certum.com", b"tlseccrootca2024.ocsp.secom-cert.jp",
    b"tlsrootca2023-crl.e-szigno.hu", b"tlsrootca2023-ocsp.e-szigno.hu", b"tlsrsarootca2024.ocsp.secom-cert.jp",
    b"trustasia.crl.certum.pl", b"tssmer21.crl.telesec.de", b"tssmer21.ocsp.telesec.de", b"tssmrr23.crl.telesec.de",
    b"tssmrr23.ocsp.telesec.de", b"tstlser20.crl.telesec.de", b"tstlser20.ocsp.telesec.de",
    b"tstlsrr23.crl.telesec.de", b"tstlsrr23.ocsp.telesec.de", b"validation.identrust.com",
    b"wtca-cafiles.itrus.com.cn", b"wtocsp-cdn.itrus.com.cn",
)  # fmt: skip

CERTIFICATES: Final = OWN_STATUS + STATUS
