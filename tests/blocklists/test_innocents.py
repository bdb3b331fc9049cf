"""A ban of every vendor of the catalogue at once: what must stay reachable, and what a ban may not refuse with it."""

from functools import cache
from pathlib import Path

import pytest

from monitor.catalog.index import Index
from monitor.lists.loader import load_catalogue
from monitor.policy.ban import DNS, ENFORCE, IP, SNI, Ban, Subject
from monitor.policy.claims import Claims
from monitor.policy.policy import Policy

INNOCENT = [
    line for line in (Path(__file__).parent / "innocent.txt").read_text().splitlines() if not line.startswith("#")
]
NO_DEVICE = (b"", b"", "")

CERTIFICATES = (
    "ocsp.apple.com", "ocsp2.apple.com", "crl.apple.com", "valid.apple.com", "certs.apple.com",
    "c.pki.goog", "o.pki.goog", "i.pki.goog", "ocsp.pki.goog", "crl.pki.goog",
    "oneocsp.microsoft.com", "ocsp.msocsp.com", "mscrl.microsoft.com", "crl.microsoft.com", "crl2.microsoft.com",
    "ctldl.windowsupdate.com",
    "ocsp.rootca1.amazontrust.com", "crl.r2m03.amazontrust.com", "crt.rootca1.amazontrust.com", "o.ss2.us", "s.ss2.us",
    "ocsp.digicert.com", "r11.o.lencr.org", "ocsp.sectigo.com", "ocsp.globalsign.com",
)  # fmt: skip
CONNECTIVITY = (
    "captive.apple.com", "connectivitycheck.gstatic.com", "connectivitycheck.android.com", "clients3.google.com",
    "www.msftconnecttest.com", "ipv6.msftconnecttest.com", "dns.msftncsi.com", "detectportal.firefox.com",
    "connectivitycheck.platform.hicloud.com", "connectivitycheck.cbg-app.huawei.com", "connect.rom.miui.com",
    "conn1.coloros.com", "wifi.vivo.com.cn", "spectrum.s3.amazonaws.com", "fireoscaptiveportal.com",
)  # fmt: skip
TIME = (
    "time.apple.com", "time-ios.apple.com", "time.windows.com", "time.google.com", "time.android.com", "time.aws.com",
    "ntp-g7g.amazon.com", "time.facebook.com", "ntp.aliyun.com", "ntp.tencent.com", "2.android.pool.ntp.org",
)  # fmt: skip
UPDATES = (
    "fe2.update.microsoft.com", "download.windowsupdate.com", "tlu.dl.delivery.mp.microsoft.com",
    "gdmf.apple.com", "mesu.apple.com", "swcdn.apple.com", "swscan.apple.com", "updates.cdn-apple.com", "gs.apple.com",
    "ota.googlezip.net", "update.googleapis.com", "dl.google.com", "edgedl.me.gvt1.com",
    "fota-cloud-dn.ospserver.net", "bigota.d.miui.com", "query.hicloud.com", "update.dbankcdn.com",
    "softwareupdates.amazon.com", "deb.debian.org", "security.ubuntu.com",
)  # fmt: skip
VITAL = CERTIFICATES + CONNECTIVITY + TIME + UPDATES


@cache
def index() -> Index:
    return load_catalogue().index


@cache
def policy(protect: bool = True) -> Policy:
    """One enforced ban of all vendors, and of the shared networks with them."""
    subjects = tuple(Subject(vendor=vendor.slug) for vendor in index().vendors() if vendor.kind == "vendor")
    ban = Ban("all", subjects, mode=ENFORCE, protect=protect)
    return Policy([ban], [], (), lambda now: (0, 0))


def is_banned(name: str, layer: str = DNS, protect: bool = True, behind: bool = False) -> bool:
    owners = index().owners_of_name(name.encode())
    names = owners.behind if behind else owners.names
    return policy(protect).judge((), NO_DEVICE, names, name.encode(), 1.0, layer) is not None


def test_no_vendor_has_an_innocent_name() -> None:
    assert len(set(INNOCENT)) >= 200
    owned = {name: entry for name in INNOCENT if (entry := index().match_name(name.encode())) is not None}
    assert owned == {}


@pytest.mark.parametrize("layer", [DNS, SNI])
def test_a_ban_of_every_vendor_leaves_what_devices_need(layer: str) -> None:
    assert [name for name in VITAL if is_banned(name, layer)] == []
    for name in ("www.apple.com", "www.google.com", "www.microsoft.com", "www.tiktok.com", "www.amazon.com"):
        assert is_banned(name, layer), name


def test_the_addresses_of_what_devices_need_are_not_learned_for_a_ban() -> None:
    claims = Claims(index(), policy())
    assert [name for name in VITAL if claims.owners(name.encode(), 1.0)] == []
    assert claims.owners(b"www.tiktok.com", 1.0)
    given_up = Claims(index(), policy(protect=False))
    assert given_up.owners(b"ocsp.apple.com", 1.0)


def test_a_ban_may_give_up_the_protection() -> None:
    owned = [name for name in VITAL if index().match_name(name.encode()) is not None]
    assert len(owned) > 40
    assert [name for name in owned if not is_banned(name, protect=False)] == []
    assert policy(protect=True).is_protected(b"ocsp.apple.com")
    assert not policy(protect=False).is_protected(b"ocsp.apple.com")


def test_one_ban_that_gives_it_up_takes_it_from_no_other_ban() -> None:
    apple = Ban("apple", (Subject(vendor="apple"),), groups=("kiosks",), mode=ENFORCE, protect=False)
    every = Ban("every", (Subject(vendor="apple"),), groups=("staff",), mode=ENFORCE)
    both = Policy([apple, every], [], (), lambda now: (0, 0))
    owners = index().owners_of_name(b"ocsp.apple.com").names
    found = both.judge(("kiosks",), NO_DEVICE, owners, b"ocsp.apple.com", 1.0, DNS)
    assert found is not None
    assert found.ban is apple
    assert both.judge(("staff",), NO_DEVICE, owners, b"ocsp.apple.com", 1.0, DNS) is None


def test_what_the_administrator_protects_no_ban_gives_up() -> None:
    ban = Ban("apple", (Subject(vendor="apple"),), mode=ENFORCE, protect=False)
    named = Policy([ban], [], (b"mdm.apple.com",), lambda now: (0, 0))
    owners = index().owners_of_name(b"mdm.apple.com").names
    assert named.judge((), NO_DEVICE, owners, b"mdm.apple.com", 1.0, DNS) is None


# Names of customers on a vendor's network: an innocent name leads to them by CNAME.
TENANTS = (
    "shop.example.com.cdnhwc1.com", "bank.example.cdnhwc10.cn", "a1b2.huaweicloudwaf.com",
    "www.example.com.volcgslb.com", "www.example.com.w.kunlunar.com", "www.example.com.cdn.dnsv1.com",
    "x.dnse0.com", "www.example.com.a.bdydns.com", "d111111abcdef8.cloudfront.net", "school.azurewebsites.net",
    "bucket.oss-cn-hangzhou.aliyuncs.com", "app.cos.ap-guangzhou.myqcloud.com",
)  # fmt: skip


@pytest.mark.parametrize("name", TENANTS)
def test_a_ban_of_a_cloud_refuses_no_customer_that_leads_there(name: str) -> None:
    if index().match_name(name.encode()) is None:
        pytest.fail(f"no entry has {name}")
    assert is_banned(name)
    assert not is_banned(name, behind=True)
    # A name that leads to its vendor's own name on another network is that vendor's in any case.
    assert is_banned("www.tiktok.com.edgesuite.net", behind=True)
    assert is_banned("www.tiktok.com", behind=True)


def test_addresses_of_customers_are_never_banned() -> None:
    claims = Claims(index(), policy())
    assert [name for name in TENANTS if claims.owners(name.encode(), 1.0)] == []
    # The customer's own name, which leads there, is outside the ban: the guard frees the address.
    owners = ("huawei",)
    assert claims.is_outside(owners, (b"shop.example.com", b"shop.example.com.cdnhwc1.com"), 1.0)
    assert not claims.is_outside(owners, (b"shop.example.com", b"www.huawei.com"), 1.0)
    assert IP in policy().bans[0].layers
