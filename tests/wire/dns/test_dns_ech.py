"""`ech` leaves an answer, and nothing else changes: read by dnspython before and after."""

import dns.message
import dns.name
import dns.rdata
import dns.rdtypes.svcbbase
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ErrorCounts
from monitor.wire.dns.chain import chain_names
from monitor.wire.dns.ech import strip_ech

ECH = dns.rdtypes.svcbbase.ParamKey.ECH
MANDATORY = dns.rdtypes.svcbbase.ParamKey.MANDATORY
CONFIG = "AEX+DQBBpQAgACB/RU5hAC5mXe3uOZtNY58Bc8UU1cd4QBxQzqirMlWZeQAEAAEAAQASY2xvdWRmbGFyZS1lY2guY29tAAA="


def answer(*records: str, authority: tuple[str, ...] = (), additional: tuple[str, ...] = ()) -> dns.message.Message:
    made = dns.message.make_response(dns.message.make_query("www.example.com", "HTTPS", want_dnssec=True))
    for section, texts in ((made.answer, records), (made.authority, authority), (made.additional, additional)):
        for text in texts:
            owner, kind, rdata = text.split(" ", 2)
            section.append(dns.rrset.from_text(owner, 300, "IN", kind, rdata))
    return made


def without_ech(message: dns.message.Message) -> dns.message.Message:
    """What it should become, made on dnspython's objects."""
    wanted = dns.message.from_wire(message.to_wire())
    for section in (wanted.answer, wanted.authority, wanted.additional):
        for rrset in section:
            for record in list(rrset):
                if not hasattr(record, "params") or ECH not in record.params:
                    continue
                params = {key: value for key, value in record.params.items() if key != ECH}
                if MANDATORY in params:
                    keys = [key for key in params[MANDATORY].keys if key != ECH]
                    del params[MANDATORY]
                    if keys:
                        params[MANDATORY] = dns.rdtypes.svcbbase.MandatoryParam(keys)
                rrset.remove(record)
                rrset.add(record.replace(params=params))
    return wanted


@pytest.mark.parametrize(
    "message",
    [
        answer(f"www.example.com. HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1 ech={CONFIG} ipv6hint=2001:db8::1"),
        answer(f"www.example.com. HTTPS 1 . ech={CONFIG}"),
        answer(f"www.example.com. HTTPS 1 . mandatory=alpn,ech alpn=h2 ech={CONFIG}"),
        answer(f"www.example.com. HTTPS 1 . mandatory=ech ech={CONFIG}"),
        answer(
            "www.example.com. CNAME a.cdn.example.net.",
            f"a.cdn.example.net. HTTPS 1 b.cdn.example.net. ech={CONFIG} ipv4hint=192.0.2.1",
            f"z.cdn.example.net. HTTPS 2 c.cdn.example.net. ech={CONFIG}",
            "a.cdn.example.net. RRSIG HTTPS 8 3 300 20300101000000 20200101000000 1 example.net. AAAA",
            authority=(
                "example.org. NS ns1.far.example.org.",
                "example.org. SOA a.far.example.org. x.far.example.org. 1 2 3 4 5",
            ),
            additional=(
                "ns1.far.example.org. A 192.0.2.2", "mail.far.example.org. MX 5 mx.far.example.org.",
                "s.far.example.org. SRV 1 2 3 t.far.example.org.",
                "s.far.example.org. NAPTR 1 2 u s r n.far.example.org.",
            ),
        ),
        answer(f"_dns.example.com. SVCB 1 dot.example.com. port=853 ech={CONFIG} dohpath=/dns-query{{?dns}}"),
    ],
)  # fmt: skip
def test_only_ech_goes(message: dns.message.Message) -> None:
    wire = message.to_wire()
    stripped = strip_ech(wire)
    assert stripped is not None
    assert len(stripped) < len(wire)
    assert b"cloudflare-ech" not in stripped
    assert dns.message.from_wire(stripped).to_text() == without_ech(message).to_text()
    # No name was rewritten: names that dnspython compresses are still compressed.
    assert stripped == without_ech(message).to_wire()
    assert strip_ech(stripped) is stripped


def test_what_has_no_ech_is_the_same_object() -> None:
    for message in (
        answer("www.example.com. HTTPS 1 . alpn=h2"),
        answer("www.example.com. HTTPS 0 other.example."),
        answer("www.example.com. A 192.0.2.1"),
    ):
        wire = message.to_wire()
        assert strip_ech(wire) is wire


LONG = answer(
    f"www.example.com. HTTPS 1 a.example.net. mandatory=alpn,ech alpn=h2 ech={CONFIG}",
    f"www.example.com. HTTPS 2 b.example.net. ech={CONFIG}",
    authority=("example.org. NS ns1.far.example.org.",),
).to_wire()


@given(st.lists(st.tuples(st.integers(0, len(LONG) - 1), st.integers(0, 255)), max_size=6), st.integers(0, len(LONG)))
def test_no_damage_raises(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(LONG)
    for at, byte in changes:
        data[at] = byte
    for damaged in (bytes(data), bytes(data[:cut])):
        stripped = strip_ech(damaged)
        assert stripped is None or len(stripped) <= len(damaged)
        if len(damaged) >= 12:
            chain_names(damaged, ErrorCounts())


def test_an_answer_leads_to_every_name_behind_the_question() -> None:
    message = answer(
        "www.example.com. CNAME A.cdn.example.net.",
        "a.cdn.example.net. CNAME b.cdn.example.net.",
        "b.cdn.example.net. HTTPS 0 c.example.",
        "b.cdn.example.net. HTTPS 1 . alpn=h2",
        "d.example. DNAME e.example.",
        "b.cdn.example.net. MX 5 mail.example.",
    )
    names = chain_names(message.to_wire(), ErrorCounts())
    assert names == [b"a.cdn.example.net", b"b.cdn.example.net", b"c.example", b"d.example", b"e.example"]
    assert chain_names(answer("www.example.com. A 192.0.2.1").to_wire(), ErrorCounts()) == []
