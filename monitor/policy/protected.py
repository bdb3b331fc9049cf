"""Names that a device needs to work at all. A ban leaves them reachable unless it has `protect = false`.

A ban of Apple is meant for its services. A phone that cannot reach its connectivity check reports the whole network as
broken. A device without the time trusts no certificate, one that cannot check whether a certificate is revoked opens no
connection, and one without updates is a danger to the network. Each name protects all names below it.

Sources: MISP's warning list `captive-portals` (CC0) and the defaults of operating systems. The makers list more names
in their publications for administrators (Apple, "Use Apple products on enterprise networks"; Microsoft, "Manage
connection endpoints for Windows 11 Enterprise"; Google, "Android Enterprise network requirements"; Samsung Knox,
"firewall exceptions"; Amazon, "Fire OS network requirements"): the names here were not compared with these pages line
by line. Names for certificate status are in `certificate_names.py`.
"""

from typing import Final

from monitor.catalog.domain import is_under as is_under
from monitor.policy.certificate_names import CERTIFICATES

CONNECTIVITY_CHECKS: Final[tuple[bytes, ...]] = (
    # Apple, Google, Microsoft, Mozilla, Amazon
    b"captive.apple.com", b"captive.g.aaplimg.com", b"gsp1.apple.com",
    b"connectivitycheck.gstatic.com", b"connectivitycheck.android.com", b"clients3.google.com",
    b"msftconnecttest.com", b"msftncsi.com",
    b"detectportal.firefox.com", b"detectportal.brave-http-only.com",
    b"spectrum.s3.amazonaws.com", b"fireoscaptiveportal.com",
    # Huawei, Xiaomi, OPPO, vivo
    b"connectivitycheck.cbg-app.huawei.com", b"connectivitycheck.platform.hicloud.com", b"connect.rom.miui.com",
    b"conn1.coloros.com", b"conn2.coloros.com", b"conn1.oppomobile.com", b"conn2.oppomobile.com", b"wifi.vivo.com.cn",
    # Consoles, Linux
    b"conntest.nintendowifi.net", b"ctest.cdn.nintendo.net",
    b"connectivity-check.ubuntu.com", b"nmcheck.gnome.org", b"network-test.debian.org", b"ping.archlinux.org",
    b"connectivitycheck.grapheneos.network",
)  # fmt: skip

TIME: Final[tuple[bytes, ...]] = (
    b"pool.ntp.org", b"time.nist.gov", b"time.cloudflare.com", b"ntp.ubuntu.com",
    b"time.apple.com", b"time-ios.apple.com", b"time-macos.apple.com", b"time.asia.apple.com", b"time.euro.apple.com",
    b"time.windows.com",
    b"time.google.com", b"time1.google.com", b"time2.google.com", b"time3.google.com", b"time4.google.com",
    b"time.android.com",
    b"time.aws.com", b"ntp-g7g.amazon.com", b"time.facebook.com",
    b"ntp.aliyun.com", b"ntp1.aliyun.com", b"ntp2.aliyun.com", b"ntp3.aliyun.com", b"ntp4.aliyun.com",
    b"ntp5.aliyun.com", b"ntp6.aliyun.com", b"ntp7.aliyun.com", b"time1.aliyun.com", b"time2.aliyun.com",
    b"ntp.tencent.com", b"ntp1.tencent.com", b"ntp2.tencent.com",
    b"time1.cloud.tencent.com", b"time2.cloud.tencent.com",
)  # fmt: skip

UPDATES: Final[tuple[bytes, ...]] = (
    # Windows
    b"windowsupdate.com", b"update.microsoft.com", b"windowsupdate.microsoft.com", b"delivery.mp.microsoft.com",
    b"dsp.mp.microsoft.com", b"definitionupdates.microsoft.com", b"adl.windows.com",
    # Apple
    b"gdmf.apple.com", b"mesu.apple.com", b"swcdn.apple.com", b"swdist.apple.com", b"swdownload.apple.com",
    b"swscan.apple.com", b"updates.cdn-apple.com", b"updates-http.cdn-apple.com", b"appldnld.apple.com",
    b"gg.apple.com", b"gs.apple.com", b"ig.apple.com", b"oscdn.apple.com", b"osrecovery.apple.com", b"skl.apple.com",
    # Android and ChromeOS, by maker
    b"ota.googlezip.net", b"ota-cache1.googlezip.net", b"ota-cache2.googlezip.net", b"update.googleapis.com",
    b"dl.google.com", b"edgedl.me.gvt1.com",
    b"fota-cloud-dn.ospserver.net", b"fota-secure-dn.ospserver.net",
    b"update.miui.com", b"update.intl.miui.com", b"bigota.d.miui.com", b"hugeota.d.miui.com",
    b"query.hicloud.com", b"update.hicloud.com", b"update.dbankcdn.com",
    b"softwareupdates.amazon.com", b"updates.amazon.com",
    # Linux, firmware, browsers
    b"deb.debian.org", b"security.debian.org", b"archive.ubuntu.com", b"security.ubuntu.com", b"cdn.redhat.com",
    b"mirrors.fedoraproject.org", b"download.opensuse.org",
    b"aus5.mozilla.org", b"cdn.fwupd.org",
)  # fmt: skip

PROTECTED: Final[tuple[bytes, ...]] = CONNECTIVITY_CHECKS + TIME + UPDATES + CERTIFICATES
