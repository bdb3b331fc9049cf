"""Names that no ban touches: what devices ask to learn whether they are online, what time it is, what to update.

A ban of Apple means its services. A phone that cannot reach its connectivity check calls the whole network broken, one
without the time trusts no certificate, and one without updates is a danger to its neighbours. Each name protects
all below it.
"""

from typing import Final

from monitor.catalog.domain import is_under as is_under

CONNECTIVITY_CHECKS: Final = (
    b"captive.apple.com", b"captive.g.aaplimg.com", b"gsp1.apple.com",
    b"connectivitycheck.gstatic.com", b"connectivitycheck.android.com", b"clients3.google.com",
    b"connectivitycheck.cbg-app.huawei.com", b"connectivitycheck.platform.hicloud.com", b"connect.rom.miui.com",
    b"msftconnecttest.com", b"msftncsi.com",
    b"detectportal.firefox.com", b"detectportal.brave-http-only.com",
    b"connectivity-check.ubuntu.com", b"nmcheck.gnome.org", b"network-test.debian.org", b"ping.archlinux.org",
)  # fmt: skip

TIME: Final = (
    b"pool.ntp.org", b"time.apple.com", b"time-ios.apple.com", b"time-macos.apple.com", b"time.windows.com",
    b"time.google.com", b"time1.google.com", b"time2.google.com", b"time3.google.com", b"time4.google.com",
    b"time.android.com", b"time.cloudflare.com", b"time.nist.gov", b"ntp.ubuntu.com",
)  # fmt: skip

UPDATES: Final = (
    b"windowsupdate.com", b"update.microsoft.com", b"delivery.mp.microsoft.com",
    b"gdmf.apple.com", b"mesu.apple.com", b"swcdn.apple.com", b"swdist.apple.com", b"swscan.apple.com",
    b"updates.cdn-apple.com", b"appldnld.apple.com",
    b"deb.debian.org", b"security.debian.org", b"archive.ubuntu.com", b"security.ubuntu.com",
    b"aus5.mozilla.org", b"cdn.fwupd.org",
)  # fmt: skip

PROTECTED: Final = CONNECTIVITY_CHECKS + TIME + UPDATES
