"""The resolver's answers, straight out of the zone."""

import pytest
from dnslib import QTYPE, DNSRecord

from monitor.lab.programs.resolver import Resolver
from monitor.lab.zone import Zone

EXTRA = "extra.example.  60 IN A 203.0.113.99\nloop.example. 60 IN CNAME loop.example.\n"


def ask(name: str, type: str) -> DNSRecord:
    return Zone(EXTRA).answer(DNSRecord.question(name, type))


@pytest.mark.parametrize(
    ("name", "type", "status", "answers"),
    [
        ("www.tiktok.com", "A", 0, ["71.18.1.10"]),
        ("WWW.TikTok.com", "AAAA", 0, ["2605:340::10"]),
        ("www.tiktok.com", "MX", 0, []),
        ("no-such.tiktok.com", "A", 3, []),
        ("extra.example", "A", 0, ["203.0.113.99"]),
        ("www.youtube.com", "A", 0, ["youtube-ui.l.google.com.", "142.250.74.78"]),
        ("www.youtube.com", "CNAME", 0, ["youtube-ui.l.google.com."]),
        ("loop.example", "A", 0, ["loop.example."] * 8),
    ],
)
def test_answers(name: str, type: str, status: int, answers: list[str]) -> None:
    reply = ask(name, type)
    assert reply.header.rcode == status
    assert [str(record.rdata) for record in reply.rr] == answers


def test_a_negative_answer_carries_the_authority_that_lets_it_be_kept() -> None:
    assert [record.rtype for record in ask("no-such.tiktok.com", "A").auth] == [QTYPE.SOA]
    assert [record.rtype for record in ask("www.tiktok.com", "MX").auth] == [QTYPE.SOA]
    assert ask("www.tiktok.com", "A").auth == []


def test_what_does_not_fit_a_datagram_is_cut_and_whole_over_tcp() -> None:
    resolver = Resolver(Zone(), "")
    query = DNSRecord.question("large.tiktok.com", "TXT").pack()
    cut = DNSRecord.parse(resolver.answer(query, tcp=False))
    whole = DNSRecord.parse(resolver.answer(query, tcp=True))
    assert (cut.header.tc, len(cut.rr)) == (1, 0)
    assert (whole.header.tc, len(whole.rr)) == (0, 15)


def test_nonsense_is_answered_as_such() -> None:
    reply = DNSRecord.parse(Resolver(Zone(), "").answer(b"\x12\x34nonsense", tcp=False))
    assert (reply.header.id, reply.header.rcode) == (0x1234, 1)
