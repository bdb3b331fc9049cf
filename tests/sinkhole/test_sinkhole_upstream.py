"""What passes: unchanged but for the id, from whom was asked and from nobody else, and never for ever."""

import socket
import time
from dataclasses import replace

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from place import LOCALHOST, Place, Script, one_address, reply, sinkhole

from monitor.sinkhole.framing import framed
from monitor.sinkhole.settings import SinkholeLimits

QUERY = dns.message.make_query("www.example.com", "A", want_dnssec=True)


def exchange(place: Place, data: bytes, times: int = 1) -> list[bytes]:
    """What comes back over UDP to one query, up to so many datagrams."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        client.sendto(data, (place.v4.address, place.v4.port))
        for _ in range(times):
            found.append(client.recv(65_535))
    return found


def only(*answers: bytes) -> Script:
    """A resolver that answers everything with these bytes behind the id of the query."""
    return lambda query, tcp: [query.id.to_bytes(2, "big") + answer[2:] for answer in answers]


def large(query: dns.message.Message) -> dns.message.Message:
    """As a signed answer: two keys, their signatures, EDNS with DO and a cookie."""
    key = "257 3 8 " + "AwEAAa" + "z" * 2_002
    signature = "DNSKEY 8 0 60 20300101000000 20200101000000 1 . " + "q" * 800
    answer = reply(query, f". 60 IN DNSKEY {key}", f". 60 IN RRSIG {signature}")
    answer.use_edns(0, dns.flags.DO, 4096, options=[dns.edns.GenericOption(10, b"12345678")])
    return answer


def test_queries_and_answers_pass_byte_for_byte_but_for_the_id() -> None:
    query = dns.message.make_query("WWW.eXample.com", "DNSKEY", want_dnssec=True, payload=4096, pad=128)
    answer = large(query).to_wire() + b"trailing"
    assert len(answer) > 2_000
    with sinkhole(script=only(answer)) as place:
        (got,) = exchange(place, query.to_wire())
        assert got == answer
        assert place.resolver.asked[0][2:] == query.to_wire()[2:]
        with socket.create_connection((place.v4.address, place.v4.port), 3) as client:
            client.sendall(framed(query.to_wire()))
            assert receive(client) == answer


def test_ids_and_ports_change() -> None:
    with sinkhole() as place:
        for _ in range(60):
            exchange(place, QUERY.to_wire())
        assert len({data[:2] for data in place.resolver.asked}) > 55
        assert len(set(place.resolver.ports)) > 8


def test_a_truncated_answer_leads_to_tcp() -> None:
    def script(query: dns.message.Message, tcp: bool) -> list[bytes]:
        answer = reply(query, *[f"big.example. 60 IN TXT {'t' * 200}{number}" for number in range(20)])
        if not tcp:
            answer.answer = []
            answer.flags |= dns.flags.TC
        return [answer.to_wire()]

    with sinkhole(script=script) as place:
        query = dns.message.make_query("big.example", "TXT")
        answer, tcp = dns.query.udp_with_fallback(query, place.v4.address, 3, place.v4.port)
        assert tcp
        assert len(answer.answer[0]) == 20


def test_an_answer_counts_only_with_the_right_question() -> None:
    other = reply(dns.message.make_query("other.example", "A"), "other.example. 60 IN A 192.0.2.66").to_wire()
    wrong_type = reply(dns.message.make_query("www.example.com", "AAAA")).to_wire()
    not_one = QUERY.to_wire()
    good = one_address(QUERY, False)[0]
    with sinkhole(script=only(other, wrong_type, not_one, good[:8], good)) as place:
        assert exchange(place, QUERY.to_wire())[0] == good
        assert place.count("upstream", "mismatched") == 4


def test_an_answer_with_a_wrong_id_or_the_second_one_is_late() -> None:
    good = one_address(QUERY, False)[0]

    def script(query: dns.message.Message, tcp: bool) -> list[bytes]:
        wrong = (query.id ^ 1).to_bytes(2, "big") + good[2:]
        right = query.id.to_bytes(2, "big") + good[2:]
        return [wrong, right, right]

    with sinkhole(script=script) as place:
        assert exchange(place, QUERY.to_wire()) == [good]
        wait_for(lambda: place.count("upstream", "late") == 2)


def test_an_answer_from_another_address_or_port_is_forged() -> None:
    """Forged with the id and the question, as somebody beside the way would who sees the query."""
    good = one_address(QUERY, False)[0]
    with sinkhole(script=lambda query, tcp: []) as place, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        client.sendto(QUERY.to_wire(), (place.v4.address, place.v4.port))
        wait_for(lambda: len(place.resolver.asked) == 1)
        forged = place.resolver.asked[0][:2] + good[2:]
        target = ("127.0.0.1", place.resolver.ports[0])
        for source in (("127.0.0.1", 0), ("127.0.0.2", place.resolver.port)):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
                forger.bind(source)
                forger.sendto(forged, target)
        wait_for(lambda: place.count("upstream", "forged") == 2)
        assert dns.message.from_wire(client.recv(4096)).rcode() == dns.rcode.SERVFAIL


def wait_for(condition: object, seconds: float = 40.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize("over", [dns.query.udp, dns.query.tcp])
def test_where_nobody_answers_the_client_hears_of_it(over: object) -> None:
    assert callable(over)
    for script, upstream, code in (
        ((lambda query, tcp: []), (LOCALHOST,), 22),
        (one_address, (bytes((255, 255, 255, 255)),), 23),
    ):
        with sinkhole(script=script, upstream=upstream) as place:
            answer = over(QUERY, place.v4.address, 4, place.v4.port)
            assert answer.rcode() == dns.rcode.SERVFAIL
            assert answer.options[0].code in (22, code)
            # The next one is served no worse.
            over(QUERY, place.v4.address, 4, place.v4.port)


@pytest.mark.parametrize("over", [dns.query.udp, dns.query.tcp])
def test_the_next_server_of_a_list_is_asked_where_one_is_dead(over: object) -> None:
    assert callable(over)
    limits = SinkholeLimits(server_seconds=0.5)
    dead = bytes((127, 0, 0, 9))
    with sinkhole(upstream=(dead, LOCALHOST), limits=limits) as place:
        for _ in range(4):
            assert over(QUERY, place.v4.address, 3, place.v4.port).answer
        assert over(QUERY, place.v4.address, 3, place.v4.port).answer
        trouble = place.count("upstream", "timeout") + place.count("upstream", "unreachable")
        assert trouble == 3  # then it comes last


def test_what_fails_at_a_tick_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a silent resolver is still told in time."""
    failed: list[float] = []

    def fail(now: float) -> None:
        failed.append(now)
        raise ValueError("a fault of ours")

    with sinkhole(script=lambda query, tcp: []) as place:
        place.loop.set_exception_handler(lambda loop, context: None)
        monkeypatch.setattr(place.sinkhole._streams, "expire", fail)
        wait_for(lambda: len(failed) >= 2)
        (answer,) = exchange(place, QUERY.to_wire())
        assert dns.message.from_wire(answer).rcode() == dns.rcode.SERVFAIL


def test_a_client_cannot_take_the_whole_table() -> None:
    limits = SinkholeLimits(in_flight=8, in_flight_per_client=5, server_seconds=0.5)
    with sinkhole(script=lambda query, tcp: [], limits=limits) as place:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for number in range(9):
                client.sendto(bytes((0, number)) + QUERY.to_wire()[2:], (place.v4.address, place.v4.port))
            wait_for(lambda: place.count("upstream", "crowded") == 4)
        for last in range(2, 8):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.bind((f"127.0.0.{last}", 0))
                client.sendto(QUERY.to_wire(), (place.v4.address, place.v4.port))
        wait_for(lambda: place.count("upstream", "evicted") == 3)
        assert place.sinkhole.samples()["table_entries"][("sinkhole_queries",)] == 8
        wait_for(lambda: place.sinkhole.samples()["table_entries"][("sinkhole_queries",)] == 0)


def test_queries_over_one_connection_are_answered_as_the_answers_come() -> None:
    """The resolver answers only when it was asked all of them, the last first."""
    held: list[bytes] = []

    def script(query: dns.message.Message, tcp: bool) -> list[bytes]:
        held.insert(0, one_address(query, tcp)[0])
        return held if len(held) == 5 else []

    with sinkhole(script=script) as place, socket.create_connection((place.v4.address, place.v4.port), 3) as client:
        queries = [dns.message.make_query(f"n{number}.example", "A") for number in range(5)]
        client.sendall(b"".join(framed(query.to_wire()) for query in queries))
        client.shutdown(socket.SHUT_WR)
        for query in reversed(queries):
            answer = dns.message.from_wire(receive(client))
            assert query.is_response(answer)
        assert client.recv(1) == b""


def receive(client: socket.socket) -> bytes:
    size = int.from_bytes(exactly(client, 2), "big")
    return exactly(client, size)


def exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = client.recv(size - len(data))
        assert more
        data += more
    return data


def test_a_connection_takes_more_queries_than_may_be_in_flight() -> None:
    with sinkhole() as place, socket.create_connection((place.v4.address, place.v4.port), 5) as client:
        count = 300
        data = QUERY.to_wire()
        client.sendall(b"".join(framed(number.to_bytes(2, "big") + data[2:]) for number in range(count)))
        assert {int.from_bytes(receive(client)[:2], "big") for _ in range(count)} == set(range(count))
        assert len(place.resolver.asked) == count


def test_a_transfer_passes_in_all_its_messages() -> None:
    def script(query: dns.message.Message, tcp: bool) -> list[bytes]:
        first = reply(query, "example. 60 IN SOA a. b. 1 2 3 4 5")
        last = reply(query, "example. 60 IN SOA a. b. 1 2 3 4 5")
        last.question = []
        return [first.to_wire(), last.to_wire()]

    with sinkhole(script=script) as place, socket.create_connection((place.v4.address, place.v4.port), 3) as client:
        client.sendall(framed(dns.message.make_query("example", "AXFR").to_wire()))
        assert [dns.message.from_wire(receive(client)).id for _ in range(2)]


def test_a_new_configuration_is_taken_without_closing() -> None:
    async def change(place: Place) -> None:
        place.sinkhole.configure(replace(place.sinkhole.settings, answer="192.0.2.99", ttl=5))

    with sinkhole() as place:
        place.call(change(place))
        answer = dns.query.udp(dns.message.make_query("tiktok.com", "A"), place.v4.address, 3, place.v4.port)
        assert answer.answer[0].to_text() == "tiktok.com. 5 IN A 192.0.2.99"
