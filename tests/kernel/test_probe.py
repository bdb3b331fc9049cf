"""The self-test's client is there on whatever gateway this is."""

import pytest
from cable import cable

from monitor.selftest.dry_run import try_out

pytestmark = pytest.mark.netns

QUESTIONS = [("dns", f"{over} on {family}") for family in ("IPv4", "IPv6") for over in ("UDP", "TCP")]
FORWARDED_V4 = [("sni", "TLS on IPv4"), ("quic", "QUIC on IPv4"), ("ip", "TCP on IPv4")]
FORWARDED_V6 = [("sni", "TLS on IPv6"), ("quic", "QUIC on IPv6"), ("ip", "TCP on IPv6")]


@pytest.mark.parametrize("disabled", [0, 1], ids=["with-ipv6", "without-ipv6"])
def test_every_layer_can_be_tried_where_ipv6_is_forwarded_but_off(disabled: int) -> None:
    keys = {f"ipv6/conf/{which}/disable_ipv6": disabled for which in ("all", "default")}
    with cable() as wire:
        wire.near.sysctl({"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1, **keys})
        checks = wire.near.inside(try_out)
    assert [check for check in checks if check.fault] == []
    wanted = [*QUESTIONS, *FORWARDED_V4, *([] if disabled else FORWARDED_V6)]
    assert sorted((check.layer, check.what) for check in checks) == sorted(wanted)
