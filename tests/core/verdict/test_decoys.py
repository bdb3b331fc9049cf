"""Two hellos or requests in one place of a stream: the one that a list knows names the flow, in whatever order."""

import pytest
from banned_world import governed, kills
from cast import PHONE, SHARED, START, gateway, packet, syn, tls

from monitor.core.settings import Settings
from monitor.model import ClientHello, FlowRecord, HttpRequest, Observation, Packet

BANNED, OTHER = b"www.tiktok.com", b"www.example.org"


def said(kind: str, carrier: Packet, name: bytes) -> HttpRequest | ClientHello:
    if kind == "http":
        return HttpRequest(carrier, name)
    hello = ClientHello(carrier, 0)
    hello.sni = name
    return hello


def decoyed(kinds: tuple[str, str], names: tuple[bytes, bytes]) -> list[Observation]:
    carrier = packet(PHONE, SHARED, (40000, 80), at=0.1, length=500)
    first, second = said(kinds[0], carrier, names[0]), said(kinds[1], carrier, names[1])
    second.decoy = True
    return [syn(PHONE, SHARED, (40000, 80)), carrier, first, second]


KINDS = [("http", "http"), ("tls", "http"), ("http", "tls"), ("tls", "tls")]


@pytest.mark.parametrize("names", [(BANNED, OTHER), (OTHER, BANNED)])
@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_the_name_that_a_list_knows_names_the_flow_and_its_event_has_decoy(
    kinds: tuple[str, str], names: tuple[bytes, bytes]
) -> None:
    watched = gateway(Settings(events=frozenset({"flow"})))
    watched.feed(decoyed(kinds, names), START + 1)
    (ended,) = watched.close(START + 2)
    assert isinstance(ended.about, FlowRecord)
    assert (ended.labels.vendor, ended.about.decoy) == ("bytedance", True)


@pytest.mark.parametrize("names", [(BANNED, OTHER), (OTHER, BANNED)])
@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_a_ban_bites_whichever_of_the_two_is_banned(kinds: tuple[str, str], names: tuple[bytes, bytes]) -> None:
    assert len(kills(governed().feed(decoyed(kinds, names), START + 1))) == 1


def test_hellos_with_ech_are_counted_by_whether_it_is_real() -> None:
    watched = gateway()
    for port, name, noise in (
        (1, "www.tiktok.com", True),
        (2, "cloudflare-ech.com", True),
        (3, "www.google.com", False),
    ):
        carrier = packet(PHONE, SHARED, (40000 + port, 443))
        watched.feed(tls(carrier, name, ech_offered=noise), START + 1)
    counted = watched.snapshot()["ech_handshakes_total"]
    assert counted == {("none", "offered"): 1.0, ("none", "real"): 1.0}
