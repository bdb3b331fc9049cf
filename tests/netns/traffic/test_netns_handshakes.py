"""The sni layer of the real daemon against real clients: dead before the server has said a word, and told at once.

The servers answer late enough for a busy machine; how near one may be is measured by `bench/late.py`.
"""

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from banned import configuration
from browsing import browse

from monitor.attribution.client_side import EPHEMERAL
from monitor.lab.capture import answered
from monitor.lab.client import Transfer, hammered
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import Plan
from monitor.lab.zone import NAMELESS_V4, NAMELESS_V6

pytestmark = pytest.mark.netns

NAME, ALLOWED = "www.tiktok.com", "www.example.org"
# In no prefix of the vendor's; the second one's hellos take several segments.
ELSEWHERE: Final = ("203.0.113.80", "2001:db8:cd::80")
SMALL_SEGMENTS: Final = ("203.0.113.30", "2001:db8:cd::30")
COULD_NOT_CONNECT = 7  # curl
HAMMER_SECONDS = 4

Attempt = Callable[[Lab], Transfer]


def curl(address: str, tls: str = "") -> Attempt:
    return lambda lab: lab.client("phone").curl(f"https://{NAME}/", address=address, ipv6=":" in address, tls=tls)


def chrome(address: str, **more: object) -> Attempt:
    return lambda lab: browse(lab, "phone", f"https://{NAME}/", address, **more)  # type: ignore[arg-type]


TLS_ATTEMPTS: Final = {
    **{f"curl to {address}": curl(address) for address in (*ELSEWHERE, *SMALL_SEGMENTS)},
    **{f"curl, TLS 1.2, to {address}": curl(address, "1.2") for address in ELSEWHERE},
    **{f"Chrome over TCP to {address}": chrome(address) for address in ELSEWHERE},
}
HTTP3_ATTEMPTS: Final = {f"Chrome over QUIC to {address}": chrome(address, http3=True) for address in ELSEWHERE}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(Plan(server_delay_s=0.3)) as running:
        yield running


@pytest.fixture(scope="module")
def banning(lab: Lab) -> Iterator[LabDaemon]:
    daemon = lab.daemon(configuration(lab))
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The one daemon of this module lives as long as its tests."""


def test_a_hello_is_dead_before_its_server_has_said_a_word(banning: LabDaemon, lab: Lab) -> None:
    capture = lab.capture()
    attempts = {label: attempt(lab) for label, attempt in {**TLS_ATTEMPTS, **HTTP3_ATTEMPTS}.items()}
    seen = capture.stop()
    for label, attempt in attempts.items():
        assert (attempt.status, attempt.received) == (0, 0), label
        assert answered(seen, attempt.port) == [], label
        assert "reset by peer" in attempt.text.lower(), label
    flows = {(flow[0], flow[2]) for flow in seen}
    assert ("udp", attempts["Chrome over QUIC to 203.0.113.80"].port) in flows
    assert ("tcp", attempts["Chrome over QUIC to 203.0.113.80"].port) in flows
    cut = banning.metric("blocked_total", vendor="bytedance", group="phones", layer="sni")
    assert cut == len(TLS_ATTEMPTS) + 2 * len(HTTP3_ATTEMPTS)
    assert banning.metric("late_answers_total") == 0


@pytest.mark.parametrize("address", ELSEWHERE)
def test_the_same_address_under_another_name_works(banning: LabDaemon, lab: Lab, address: str) -> None:
    over_quic = browse(lab, "phone", f"https://{ALLOWED}/bytes/5000", address, http3=True)
    assert (over_quic.good, over_quic.received, over_quic.text) == (True, 5000, "HTTP/3")
    assert browse(lab, "phone", f"https://{ALLOWED}/", address).good
    assert browse(lab, "laptop", f"https://{NAME}/", address, http3=True).good


@pytest.mark.parametrize("address", [NAMELESS_V4, NAMELESS_V6])
def test_a_vendors_prefix_without_any_name_is_refused(banning: LabDaemon, lab: Lab, address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    for http3 in (False, True):
        refused = browse(lab, "phone", f"https://{host}/", address, http3=http3)
        assert (refused.code, refused.status, refused.received) == (COULD_NOT_CONNECT, 0, 0)
    assert lab.client("laptop").curl(f"https://{host}/", ipv6=":" in address).good


def test_who_does_not_give_up_gets_nothing(banning: LabDaemon, lab: Lab) -> None:
    """`bench/hammer.py` does so for a minute."""
    phone = lab.client("phone")
    phone.ignore_ends()
    before = banning.metric("blocked_total", layer="sni")
    capture = lab.capture()
    options = ("--seconds", str(HAMMER_SECONDS), "--connections", "5", "--give-up", "0.5")
    hammers = [
        phone.start_hammer(NAME, address, *options, *quic) for address in ELSEWHERE for quic in ((), ("--quic",))
    ]
    for hammer in hammers:
        done = hammered(hammer, 30)
        assert done["attempts"] >= 5
        assert (done["handshakes"], done["received"]) == (0, 0)
    # Its ports are the kernel's choice; a server may still repeat itself to those of the tests before.
    assert [flow for flow in answered(capture.stop()) if flow[4] >= EPHEMERAL] == []
    assert banning.metric("blocked_total", layer="sni") - before >= 4 * 5
    assert banning.metric("late_answers_total") == 0
    assert banning.metric("leaked_bytes_total") == 0
    assert banning.metric("blocked_bytes_total", vendor="bytedance", group="phones") > 4 * 2 * 5 * 500
    phone.namespace.run(["nft", "delete", "table", "inet", "stubborn"]).check_returncode()


def test_nothing_of_it_was_a_leak(banning: LabDaemon) -> None:
    assert banning.metric("leaked_bytes_total") == 0
    assert banning.metric("blocked_bytes_total", vendor="bytedance", group="phones") > 5_000
    assert banning.metric("blocked_total", vendor="bytedance", group="phones", layer="ip") >= 4
    assert banning.metric("enforce_seconds_count") == banning.metric("blocked_total", layer="sni")
