"""What a client gets for a banned name: five forms, every type, both transports and families; read by three clients."""

import socket
import subprocess

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
from place import Place, sinkhole

TYPES = ("A", "AAAA", "HTTPS", "SVCB", "TXT", "MX", "NS", "SOA", "CNAME", "SRV", "PTR", "DS", "ANY", "TYPE65280")
FORMS = {
    "nxdomain": ("NXDOMAIN", {}),
    "nodata": ("NOERROR", {}),
    "null": ("NOERROR", {"A": ["0.0.0.0"], "AAAA": ["::"], "ANY": ["0.0.0.0", "::"]}),
    "refused": ("REFUSED", {}),
    "192.0.2.80": ("NOERROR", {"A": ["192.0.2.80"], "ANY": ["192.0.2.80"]}),
    "2001:db8::80": ("NOERROR", {"AAAA": ["2001:db8::80"], "ANY": ["2001:db8::80"]}),
}


def ask(place: Place, query: dns.message.Message, way: str) -> dns.message.Message:
    listen = place.v6 if "6" in way else place.v4
    over = dns.query.tcp if "tcp" in way else dns.query.udp
    return over(query, listen.address, 3, listen.port)


@pytest.mark.parametrize("form", FORMS)
def test_every_type_gets_the_form_over_every_transport(form: str) -> None:
    rcode, addresses = FORMS[form]
    with sinkhole(form, ttl=77) as place:
        for kind in TYPES:
            for way in ("udp4", "udp6", "tcp4", "tcp6"):
                query = dns.message.make_query("www.tiktok.com", kind, use_edns=True)
                answer = ask(place, query, way)
                assert query.is_response(answer)
                assert dns.rcode.to_text(answer.rcode()) == rcode
                found = [record.to_text() for rrset in answer.answer for record in rrset]
                assert found == addresses.get(kind, [])
                assert all(rrset.ttl == 77 for rrset in answer.answer)
                negative = not found and rcode != "REFUSED"
                assert [rrset.rdtype for rrset in answer.authority] == [dns.rdatatype.SOA] * negative
                assert all(rrset.ttl == 77 and rrset[0].minimum == 77 for rrset in answer.authority)
        assert place.count("queries", "banned") == len(place.blocked) == len(TYPES) * 4
        assert place.resolver.asked == []


@pytest.mark.programs
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("arguments", [["+notcp"], ["+tcp"], ["+notcp", "+dnssec"]], ids=" ".join)
def test_dig_and_kdig_agree(form: str, arguments: list[str]) -> None:
    rcode, addresses = FORMS[form]
    with sinkhole(form) as place:
        for listen in (place.v4, place.v6):
            for kind in ("A", "AAAA", "HTTPS"):
                target = [f"@{listen.address}", "-p", str(listen.port), *arguments, "tiktok.com", kind]
                for program in (["dig"], ["kdig", "+edns"]):
                    done = subprocess.run([*program, *target], capture_output=True, text=True, timeout=60)
                    assert done.returncode == 0, done.stdout
                    assert f"status: {rcode}" in done.stdout
                    assert "Blocked" in done.stdout
                    assert "Policy 2022-17" in done.stdout
                    assert "WARNING" not in done.stdout
                    for address in addresses.get(kind, []):
                        assert address in done.stdout


def test_the_question_comes_back_as_it_was_asked() -> None:
    with sinkhole() as place:
        query = dns.message.make_query("wWw.TiKtOk.CoM", "A", use_edns=False)
        query.flags |= dns.flags.CD
        answer = ask(place, query, "udp4")
        assert answer.question[0].name.to_text() == "wWw.TiKtOk.CoM."
        assert answer.edns == -1
        assert answer.flags & ~15 == dns.flags.QR | dns.flags.RD | dns.flags.RA | dns.flags.CD
        query.flags &= ~(dns.flags.RD | dns.flags.CD)
        assert ask(place, query, "udp4").flags & ~15 == dns.flags.QR | dns.flags.RA


def test_edns_is_echoed_with_the_reason_only_where_it_was_spoken() -> None:
    with sinkhole() as place:
        answer = ask(place, dns.message.make_query("tiktok.com", "A", want_dnssec=True), "udp4")
        assert answer.ednsflags & dns.flags.DO
        (option,) = answer.options
        assert isinstance(option, dns.edns.EDEOption)
        assert (option.code, option.text) == (15, "Policy 2022-17")
        query = dns.message.make_query("tiktok.com", "A", use_edns=1)
        assert ask(place, query, "udp4").rcode() == dns.rcode.BADVERS


def test_a_name_beside_a_banned_one_resolves() -> None:
    with sinkhole() as place:
        for name in ("nottiktok.com", "tiktok.com.example", "com"):
            for way in ("udp4", "tcp6"):
                answer = ask(place, dns.message.make_query(name, "A"), way)
                assert answer.answer[0][0].to_text() == "192.0.2.1"
        assert place.blocked == []


@pytest.mark.parametrize(
    ("name", "rcode"),
    [
        ("use-application-dns.net", "NXDOMAIN"),
        ("mask.icloud.com", "NXDOMAIN"),
        ("MASK-h2.icloud.com", "NXDOMAIN"),
        ("_dns.resolver.arpa", "NOERROR"),
        ("resolver.arpa", "NOERROR"),
    ],
)
def test_canaries_say_that_this_network_wants_plain_dns(name: str, rcode: str) -> None:
    with sinkhole("null") as place:
        for kind in ("A", "AAAA", "HTTPS", "SVCB"):
            answer = ask(place, dns.message.make_query(name, kind), "udp4")
            assert (dns.rcode.to_text(answer.rcode()), answer.answer) == (rcode, [])
            assert answer.authority[0].rdtype == dns.rdatatype.SOA
        assert place.count("queries", "canary") == 4
        assert place.resolver.asked == []


def test_a_banned_update_is_refused_and_an_unknown_opcode_is_not_implemented() -> None:
    with sinkhole() as place:
        query = dns.message.make_query("tiktok.com", "SOA")
        query.set_opcode(dns.opcode.UPDATE)
        wire = bytearray(query.to_wire())
        answer = exchange(place, bytes(wire))
        assert (answer[2], answer[3] & 15) == (0x80 | dns.opcode.UPDATE << 3 | 1, dns.rcode.REFUSED)
        wire[2] = 6 << 3
        answer = exchange(place, bytes(wire))
        assert (answer[2], answer[3] & 15, len(answer)) == (0x80 | 6 << 3, dns.rcode.NOTIMP, 12)


def exchange(place: Place, data: bytes) -> bytes:

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        client.sendto(data, (place.v4.address, place.v4.port))
        return client.recv(4096)


def test_an_answer_is_little_longer_than_its_query() -> None:
    for form in FORMS:
        with sinkhole(form) as place:
            query = dns.message.make_query("tiktok.com", "ANY").to_wire()
            assert len(exchange(place, query)) <= len(query) + 130


def test_a_probe_passes_every_door() -> None:
    with sinkhole() as place:
        assert 0 < place.call(place.sinkhole.probe()) < 1
