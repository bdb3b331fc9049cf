"""Events: made only for the types that somebody reads, with who and what as far as known."""

import pytest
from cast import (
    PHONE,
    PHONE_MAC,
    SHARED,
    START,
    TIKTOK,
    exchange,
    gateway,
    lease,
    packet,
    quic,
    resolves,
)

from monitor.core.settings import NONE, PSEUDONYM, Settings
from monitor.model import PROTOCOL_UDP, Event, Labels, Observation
from monitor.policy.groups import Group

ALL = frozenset({"dns", "tls", "quic", "flow", "dhcp"})
PHONE_NAME = PHONE_MAC.hex(":")


def story() -> list[Observation]:
    told: list[Observation] = [lease(PHONE_MAC, PHONE, "pixel-7")]
    told += resolves(PHONE, "www.tiktok.com", TIKTOK) + exchange(PHONE, TIKTOK, "www.tiktok.com", 1.0)
    return told + quic(packet(PHONE, SHARED, (40000, 443), PROTOCOL_UDP, at=2.0), "www.google.com")


def events(settings: Settings) -> list[Event]:
    watched = gateway(settings)
    return [*watched.feed(story(), START + 3), *watched.close(START + 4)]


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        (frozenset(), []),
        (frozenset({"dns"}), ["DnsMessage", "DnsMessage"]),
        (frozenset({"tls"}), ["ClientHello"]),
        (frozenset({"quic"}), ["ClientHello"]),
        (frozenset({"dhcp"}), ["DhcpMessage"]),
        (frozenset({"flow"}), ["FlowRecord"] * 3),
        (ALL, ["DhcpMessage", "DnsMessage", "DnsMessage", "ClientHello", "ClientHello"] + ["FlowRecord"] * 3),
    ],
)
def test_only_what_somebody_reads_is_made(wanted: frozenset[str], kinds: list[str]) -> None:
    assert [type(event.about).__name__ for event in events(Settings(events=wanted))] == kinds


def test_events_say_who_and_what() -> None:
    settings = Settings(events=ALL, groups=(Group("phones", ("host:pixel-*",)),))
    labels = [event.labels for event in events(settings)]
    assert labels[0] == Labels(PHONE_NAME, "phones")
    assert labels[1] == labels[2]
    assert labels[1] == Labels(PHONE_NAME, "phones", "bytedance", "tiktok", "dns", "bytedance", "tiktok.com")
    assert labels[3] == Labels(PHONE_NAME, "phones", "bytedance", "tiktok", "sni", "bytedance", "tiktok.com")
    assert labels[4] == Labels(PHONE_NAME, "phones", "google", "search", "quic", "google", "google.com")
    assert labels[3] in labels[5:]


def test_an_answer_that_reaches_a_vendor_by_cname_is_labelled_with_it() -> None:
    watched = gateway(Settings(events=frozenset({"dns"})))
    asked, answered = watched.feed(resolves(PHONE, "shop.example", SHARED, through="v16.tiktokcdn.com"), START + 1)
    assert asked.labels.vendor == "unknown"
    assert (answered.labels.vendor, answered.labels.entry) == ("bytedance", "tiktokcdn.com (by CNAME)")


def names(settings: Settings) -> set[str]:
    watched = gateway(settings)
    effects = [*watched.feed(story(), START + 3)]
    shown = {effect.labels.device for effect in effects} | {row.device for row in watched.rows()}
    return shown | {row.device for row in watched.device_rows()} | {row.device for row in watched.active_flows()}


def test_privacy_hides_who_it_was_everywhere() -> None:
    assert names(Settings(events=ALL)) == {PHONE_NAME}
    assert names(Settings(events=ALL, device=NONE)) == {""}
    (pseudonym,) = names(Settings(events=ALL, device=PSEUDONYM, pseudonym_key=b"one"))
    assert len(pseudonym) == 12
    assert PHONE_NAME.replace(":", "") != pseudonym


def test_pseudonyms_hold_as_long_as_their_key() -> None:
    one = names(Settings(events=ALL, device=PSEUDONYM, pseudonym_key=b"one"))
    assert one == names(Settings(events=ALL, device=PSEUDONYM, pseudonym_key=b"one"))
    assert one != names(Settings(events=ALL, device=PSEUDONYM, pseudonym_key=b"two"))


@pytest.mark.parametrize("detail", [PSEUDONYM, NONE])
def test_privacy_leaves_no_address_mac_or_host_name_of_a_device(detail: str) -> None:
    watched = gateway(Settings(device=detail))
    watched.feed(story(), START + 3)
    shown = repr(watched.device_rows()) + repr(watched.active_flows())
    for secret in (PHONE, PHONE_NAME, "pixel-7"):
        assert secret not in shown
