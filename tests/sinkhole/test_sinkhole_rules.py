"""The two rules that change what passes: names behind names, and `ech`."""

import dns.message
import dns.query
import dns.rcode
import pytest
from place import Script, policy, reply, sinkhole

from monitor.metrics.collector import Collector
from monitor.sinkhole.decision import Decision

ECH = "AEX+DQBBpQAgACB/RU5hAC5mXe3uOZtNY58Bc8UU1cd4QBxQzqirMlWZeQAEAAEAAQASY2xvdWRmbGFyZS1lY2guY29tAAA="


def says(*records: str) -> Script:
    return lambda query, tcp: [reply(query, *records).to_wire()]


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize(
    "records",
    [
        ("innocent.example. 60 IN CNAME www.tiktok.com.", "www.tiktok.com. 60 IN A 192.0.2.1"),
        (
            "innocent.example. 60 IN CNAME b.example.",
            "b.example. 60 IN CNAME c.TikTok.com.",
            "c.TikTok.com. 60 IN CNAME d.example.",
            "d.example. 60 IN A 192.0.2.1",
        ),
        ("innocent.example. 60 IN HTTPS 0 tiktok.com.",),
        ("example. 60 IN DNAME tiktok.com.",),
    ],
)
def test_an_answer_that_leads_to_a_banned_name_is_answered_as_banned(records: tuple[str, ...], tcp: bool) -> None:
    with sinkhole(script=says(*records)) as place:
        query = dns.message.make_query("innocent.example", "A", use_edns=True)
        answer = (dns.query.tcp if tcp else dns.query.udp)(query, place.v4.address, 3, place.v4.port)
        assert answer.rcode() == dns.rcode.NXDOMAIN
        assert (answer.answer, answer.options[0].code) == ([], 15)
        assert place.count("queries", "cloaked") == 1
        assert place.blocked == [b"innocent.example"]


def test_what_an_excused_name_leads_to_is_excused_with_it() -> None:
    def decide(client: bytes, name: bytes, is_target: bool) -> Decision:
        return Decision(banned=False, excused=True) if name == b"news.tiktok.com" else policy(client, name, is_target)

    script = says("news.tiktok.com. 60 IN CNAME cdn.tiktok.com.", "cdn.tiktok.com. 60 IN A 192.0.2.1")
    with sinkhole(script=script, decide=decide) as place:
        query = dns.message.make_query("news.tiktok.com", "A")
        assert len(dns.query.udp(query, place.v4.address, 3, place.v4.port).answer) == 2
        assert place.blocked == []


def test_an_answer_that_leads_to_a_customer_of_a_banned_vendor_passes() -> None:
    def decide(client: bytes, name: bytes, is_target: bool) -> Decision:
        if name.endswith(b".cdn.example"):
            return Decision(banned=not is_target)
        return policy(client, name, is_target)

    script = says("shop.example. 60 IN CNAME shop.cdn.example.", "shop.cdn.example. 60 IN A 192.0.2.1")
    with sinkhole(script=script, decide=decide) as place:
        query = dns.message.make_query("shop.example", "A")
        assert len(dns.query.udp(query, place.v4.address, 3, place.v4.port).answer) == 2
        # Asked for by itself, the name is the vendor's.
        direct = dns.query.udp(dns.message.make_query("shop.cdn.example", "A"), place.v4.address, 3, place.v4.port)
        assert direct.rcode() == dns.rcode.NXDOMAIN
        assert place.blocked == [b"shop.cdn.example"]


def test_an_answer_that_only_mentions_a_banned_name_passes() -> None:
    with sinkhole(
        script=says("innocent.example. 60 IN TXT tiktok.com", "innocent.example. 60 IN MX 5 tiktok.com.")
    ) as place:
        query = dns.message.make_query("innocent.example", "ANY")
        answer = dns.query.udp(query, place.v4.address, 3, place.v4.port)
        assert len(answer.answer) == 2


@pytest.mark.parametrize("tcp", [False, True])
def test_ech_goes_only_where_a_ban_says_so(tcp: bool) -> None:
    over = dns.query.tcp if tcp else dns.query.udp
    for name, kept in (("kept.example", True), ("www.strip.example", False)):
        script = says(f"{name}. 60 IN HTTPS 1 . alpn=h2 ech={ECH} ipv6hint=2001:db8::1", f"{name}. 60 IN A 192.0.2.1")
        with sinkhole(script=script) as place:
            answer = over(dns.message.make_query(name, "HTTPS"), place.v4.address, 3, place.v4.port)
            service = (
                f'{name}. 60 IN HTTPS 1 . alpn="h2"' + (f' ech="{ECH}"' if kept else "") + ' ipv6hint="2001:db8::1"'
            )
            assert [rrset.to_text() for rrset in answer.answer] == [service, f"{name}. 60 IN A 192.0.2.1"]


def test_where_ech_cannot_be_found_the_answer_does_not_pass() -> None:
    def script(query: dns.message.Message, tcp: bool) -> list[bytes]:
        return [reply(query, f"www.strip.example. 60 IN HTTPS 1 . ech={ECH}").to_wire()[:-3]]

    with sinkhole(script=script) as place:
        query = dns.message.make_query("www.strip.example", "HTTPS")
        answer = dns.query.udp(query, place.v4.address, 3, place.v4.port)
        assert answer.rcode() == dns.rcode.SERVFAIL


def test_every_count_is_a_metric_that_the_page_knows() -> None:
    with sinkhole() as place:
        place.sinkhole.counts.errors.add("dns", "malformed")
        text = Collector([place.sinkhole.samples], [], process=False).text()
        for action in ("banned", "cloaked", "canary", "passed", "error", "dropped", "unread"):
            assert f'gatewatch_sinkhole_queries_total{{action="{action}"}} 0' in text
        assert 'gatewatch_sinkhole_upstream_errors_total{reason="undecodable"} 1' in text
        assert 'gatewatch_sinkhole_connections_refused_total{reason="idle"} 0' in text
        assert 'gatewatch_table_entries{table="sinkhole_connections"} 0' in text
