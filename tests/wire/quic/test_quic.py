"""QUIC: the vectors of its RFCs, and how a ClientHello may be spread over Initial packets."""

from hmac import digest

import client_hellos as build
import pytest
from aioquic.buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.crypto import CryptoPair
from aioquic.quic.packet import encode_quic_retry, pull_quic_header
from hypothesis import given, settings
from hypothesis import strategies as st
from quic_packets import FIRST_ID, crypto, initial

from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import ClientHello, Observation
from monitor.wire.build.client_hello import client_initial, handshake
from monitor.wire.quic.connections import FAILURES_PER_SECOND, REFUSALS_MAX, QuicConnections
from monitor.wire.quic.crypto import ClientKeys, expand_label, expand_packet_number
from monitor.wire.quic.frames import MALFORMED, find_crypto
from monitor.wire.quic.header import NO_NUMBER, read_header, read_number, skip_number
from monitor.wire.quic.versions import VERSION_1, VERSION_2, VERSIONS

HELLO = build.client_hello(
    build.server_name(b"www.tiktok.com"), build.alpn(b"h3"), build.supported_versions(0x0304), build.padding(600)
)
OTHER = build.client_hello(build.server_name(b"other.example"), build.supported_versions(0x0304), random=9)

# RFC 9001 appendix A.2: the CRYPTO frame of the client's first packet; RFC 9369 appendix A.2 has the same.
FRAME = bytes.fromhex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c0000041301"
    "1302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007"
    "000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f5"
    "0f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c00"
    "024001003900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f0"
    "3e51570806048000ffff"
)


class Wire:
    """A client's and a server's datagrams on their way past."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.errors = ErrorCounts()
        self.quic = QuicConnections(limits or Limits(), self.errors)
        self.seen: list[Observation] = []
        self.now = 0.0

    def send(self, data: bytes, port: int = build.CLIENT_PORT, answer: bool = False) -> bool:
        packet = build.datagram(self.now, port, answer)
        return self.quic.datagram(packet, b"head" + data + b"tail", 4, 4 + len(data), self.seen)

    @property
    def names(self) -> list[bytes]:
        return build.names(self.seen)


@pytest.mark.parametrize(
    ("version", "prefix", "key", "iv", "hp"),
    [
        (
            VERSION_1, b"quic ", "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
            "9f50449e04a0e810283a1e9933adedd2",
        ),
        (
            VERSION_2, b"quicv2 ", "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
            "45b95e15235d6f45a6b19cbcb0294ba9",
        ),
    ],
)  # fmt: skip
def test_the_keys_of_the_rfcs(version: int, prefix: bytes, key: str, iv: str, hp: str) -> None:
    """RFC 9001 appendix A.1, RFC 9369 appendix A.1."""
    secret = expand_label(digest(VERSIONS[version].salt, FIRST_ID, "sha256"), b"client in", 32)
    assert VERSIONS[version].prefix == prefix
    assert expand_label(secret, prefix + b"key", 16).hex() == key
    assert expand_label(secret, prefix + b"iv", 12).hex() == iv
    assert expand_label(secret, prefix + b"hp", 16).hex() == hp


@pytest.mark.parametrize(
    ("version", "start", "end"),
    [
        (
            VERSION_1, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b",
            "e221af44860018ab0856972e194cd934",
        ),
        (
            VERSION_2, "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071",
            "9973b2172b4d21fb69745a262ccde96ba18b2faa745b6fe189cf772a9f84cbfc",
        ),
    ],
)  # fmt: skip
def test_the_client_initial_of_the_rfcs(version: int, start: str, end: str) -> None:
    """RFC 9001 appendix A.2, RFC 9369 appendix A.2: aioquic makes the packet, its ends are those printed there."""
    packet = initial(FRAME, version=version, count=2)
    assert len(packet) == 1200
    assert packet.hex().startswith(start)
    assert packet.hex().endswith(end)
    wire = Wire()
    assert wire.send(packet)
    assert wire.names == [b"example.com"]
    seen = build.hellos(wire.seen)[0]
    assert (seen.quic, seen.alpn, seen.version) == (version, [b"alpn"], 0x0304)
    assert seen.ja4.startswith("q13d0211an_")


def test_the_numbers_of_the_rfc() -> None:
    """RFC 9000 appendix A.1."""
    for text, value in (
        ("c2197c5eff14e88c", 151_288_809_941_952_652), ("9d7f3e7d", 494_878_333), ("7bbd", 15_293), ("25", 37),
        ("4025", 37),
    ):  # fmt: skip
        data = bytes.fromhex(text)
        assert read_number(data, 0, len(data)) == value
        assert skip_number(data, 0) == len(data)
        assert read_number(data, 0, len(data) - 1) == NO_NUMBER


def test_the_packet_number_of_the_rfc() -> None:
    """RFC 9000 appendix A.3."""
    assert expand_packet_number(0x9B32, 2, 0xA82F30EA) == 0xA82F9B32
    assert expand_packet_number(3, 1, -1) == 3
    assert expand_packet_number(0, 1, 255) == 256
    assert expand_packet_number(0xFF, 1, 256) == 255


def test_frames_out_of_order_and_in_two_datagrams() -> None:
    wire = Wire()
    wire.send(initial(crypto(HELLO[300:], 300) + b"\1" + crypto(HELLO[:100]), count=1))
    assert wire.names == []
    wire.send(initial(b"\2\0\0\0\0" + crypto(HELLO[90:300], 90), count=0))
    assert wire.names == [b"www.tiktok.com"]


def test_packets_coalesced_into_one_datagram() -> None:
    """RFC 9000 section 12.2; a Handshake packet and padding behind them."""
    first = initial(crypto(HELLO[:300]), payload=310)
    second = initial(crypto(HELLO[300:], 300), count=1, payload=500)
    handshake = b"\xe0\0\0\0\1\x08" + FIRST_ID + b"\0\x40\x20" + bytes(32)
    wire = Wire()
    wire.send(first + second + handshake + bytes(50))
    assert wire.names == [b"www.tiktok.com"]


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_any_frames_in_any_packets_give_the_hello_once(data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(HELLO) - 1), max_size=8)))
    frames = [crypto(HELLO[a:b], a) for a, b in zip([0, *cuts], [*cuts, len(HELLO)], strict=True)]
    again = data.draw(st.lists(st.sampled_from(frames), max_size=3))
    shuffled = data.draw(st.permutations(frames + again))
    wire = Wire()
    count = 0
    while shuffled:
        take = data.draw(st.integers(1, len(shuffled)))
        wire.send(initial(b"".join(shuffled[:take]), count=count, payload=20))
        shuffled = shuffled[take:]
        count += 1
    assert wire.names == [b"www.tiktok.com"]


def test_a_hello_of_16_kib() -> None:
    big = build.hello_for(b"big.example", pad=16_384 - 300)
    wire = Wire()
    for count, at in enumerate(range(0, len(big), 1100)):
        wire.send(initial(crypto(big[at : at + 1100], at), count=count))
    assert wire.names == [b"big.example"]


def test_the_server_says_nothing() -> None:
    """Its Initial packets have the client's id as destination, and keys that follow from the first one."""
    wire = Wire()
    wire.send(initial(crypto(HELLO), source=b"client"))
    answer = initial(crypto(b"\2\0\0\1x"), destination=b"client", source=b"server", client=False)
    assert wire.send(answer, answer=True)
    wire.send(initial(b"\2\0\0\0\0", destination=b"server", source=b"client", count=1))
    assert wire.names == [b"www.tiktok.com"]
    assert wire.errors.counts == {}


def test_a_hello_retry_request_makes_a_second_one() -> None:
    """RFC 9001 section 4.7 leaves the CRYPTO stream where it is: the second hello follows the first."""
    wire = Wire()
    wire.send(initial(crypto(HELLO), source=b"client"))
    wire.send(initial(crypto(OTHER, len(HELLO)), destination=b"server", source=b"client", count=1))
    assert wire.names == [b"www.tiktok.com", b"other.example"]


def retry(source: bytes, destination: bytes) -> bytes:
    packet: bytes = encode_quic_retry(VERSION_1, source, destination, FIRST_ID, b"token")
    return packet


@pytest.mark.parametrize("repeated", [HELLO, HELLO[:6] + bytes(32) + HELLO[38:]], ids=["same", "new random"])
def test_a_retry_makes_the_client_say_it_again(repeated: bytes) -> None:
    """RFC 9000 section 17.2.5.3: the hello should be the same, some clients make a new one."""
    wire = Wire()
    wire.send(initial(crypto(HELLO), source=b"client"))
    wire.send(retry(b"again", b"client"), answer=True)
    wire.send(initial(crypto(repeated), key_id=b"again", source=b"client", token=b"token", count=1))
    assert wire.names == [b"www.tiktok.com"]


def test_a_retry_that_was_not_seen() -> None:
    wire = Wire()
    wire.send(initial(crypto(HELLO[:200]), source=b"client"))
    for at in (0, 200):
        part = crypto(HELLO[at : at + 600], at)
        wire.send(initial(part, key_id=b"again", source=b"client", token=b"token", count=at))
    wire.send(initial(crypto(HELLO), key_id=b"once more", source=b"client"))
    assert wire.names == [b"www.tiktok.com"]


def test_a_port_that_is_used_again_is_a_new_connection() -> None:
    wire = Wire()
    for turn in range(20):
        wire.send(initial(crypto(OTHER if turn % 2 else HELLO), key_id=b"turn %03d" % turn))
    assert wire.names == [b"www.tiktok.com", b"other.example"] * 10


def test_connections_side_by_side_on_one_port() -> None:
    wire = Wire()
    for at in (0, 350):
        wire.send(initial(crypto(HELLO[at : at + 350], at), key_id=b"one 1234", source=b"one", count=at))
        wire.send(initial(crypto(OTHER[at : at + 350], at), key_id=b"two 1234", source=b"two", count=at))
    assert sorted(wire.names) == [b"other.example", b"www.tiktok.com"]


def test_packets_that_do_not_open_are_tried_a_few_times() -> None:
    damaged = bytearray(initial(crypto(HELLO)))
    damaged[-1] ^= 1
    wire = Wire()
    for _ in range(20):
        assert wire.send(bytes(damaged))
    assert wire.names == []
    assert wire.errors.counts == {("quic", "undecryptable"): REFUSALS_MAX}


def test_a_damaged_packet_does_not_hide_the_good_one_behind_it() -> None:
    damaged = bytearray(initial(crypto(HELLO)))
    damaged[-1] ^= 1
    wire = Wire()
    wire.send(bytes(damaged))
    wire.send(initial(crypto(HELLO)))
    assert wire.names == [b"www.tiktok.com"]


def test_an_unknown_version_is_not_looked_into() -> None:
    wire = Wire()
    assert not wire.send(b"\xc0\xba\xba\xba\xba" + initial(crypto(HELLO))[5:])
    assert not wire.send(b"\x40" + bytes(1200))
    assert wire.seen == []
    assert wire.errors.counts == {}


@pytest.mark.parametrize("version", sorted(VERSIONS), ids=hex)
def test_every_version_has_its_header(version: int) -> None:
    """The salts of drafts are tried on real captures."""
    known = VERSIONS[version]
    head = bytes((0xC0 | known.types.index(0) << 4,)) + version.to_bytes(4, "big")
    head += b"\x08" + FIRST_ID + b"\2me" + b"\3tok" + b"\x44\x00"
    data = head + bytes(1030)
    header = read_header(data, 0, len(data))
    assert header is not None
    assert (header.destination_id, header.source_id) == (FIRST_ID, b"me")
    assert (header.number_at, header.end) == (len(head), len(head) + 1024)
    assert ClientKeys(known, FIRST_ID).open(data, header) is None
    assert read_header(data, 0, len(head) + 1023) is None


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        (b"", 0),
        (bytes(40), 40),
        (b"\0\0\1\6rest", 4),
        (b"\2\5\0\1\0\3\3\6\0", 8),
        (b"\3\5\0\0\0\1\1\1\6\0", 9),
        (b"\x1c\0\0\0", 4),
        (b"\2\5\0\x7f\xff\0", MALFORMED),
        (b"\x08\0\0", MALFORMED),
        (b"\2\5", MALFORMED),
        (b"\6", MALFORMED),
    ],
)
def test_frames_are_stepped_over(frames: bytes, found: int) -> None:
    assert find_crypto(frames, 0, 6) == found


@pytest.mark.parametrize(
    "frames",
    [b"\6", b"\6\0", b"\6\0\x40\xff", crypto(b"\2\0\0\1x"), crypto(b"x", 500_000), b"\x10", crypto(b"\1\1\0\0")],
)
def test_bad_frames_close_the_connection(frames: bytes) -> None:
    wire = Wire()
    wire.send(initial(frames, payload=0))
    wire.send(initial(crypto(HELLO), count=1))
    assert wire.names == []
    assert sum(wire.errors.counts.values()) == 1


@settings(deadline=None)
@given(st.binary(max_size=120), st.integers(0, 1199))
def test_any_bytes_are_taken(data: bytes, at: int) -> None:
    whole = initial(crypto(HELLO))
    wire = Wire()
    for datagram in (data, whole[:at] + data, whole[:at] + data + whole[at + len(data) :]):
        wire.send(datagram)
        wire.send(datagram, answer=True)
    wire.send(initial(data, key_id=b"other id", payload=20))
    assert wire.quic.bytes_held >= 0


def test_a_flood_of_initials_stays_within_the_limits() -> None:
    limits = Limits(quic_connections=50, streams_bytes=130_000)
    wire = Wire(limits)
    start = initial(crypto(HELLO[:400]))
    for port in range(300):
        wire.send(start, port)
        wire.send(initial(crypto(HELLO[450:], 450), count=1), port)
        held = sum(connection.size() for connection in wire.quic.connections.values())
        assert held <= wire.quic.bytes_held <= limits.streams_bytes
    assert wire.quic.table_sizes()["quic_connections"] <= 50
    assert wire.quic.evictions["quic_connections"] >= 250
    wire.quic.expire(limits.stream_seconds + 1.0)
    assert wire.quic.table_sizes()["quic_connections"] == 0
    assert wire.quic.bytes_held == 0


def test_a_flood_of_what_does_not_open_is_cut_short() -> None:
    """So much work a second and no more; the next second has its own."""
    wire = Wire(Limits(quic_connections=50))
    good = initial(crypto(HELLO))
    bad = good[:-1] + bytes((good[-1] ^ 1,))
    for port in range(FAILURES_PER_SECOND + 100):
        wire.send(bad, port)
    assert wire.errors.counts == {("quic", "undecryptable"): FAILURES_PER_SECOND, ("quic", "flood"): 100}
    assert wire.quic.table_sizes() == {"quic_connections": 0, "quic_refused": 50}
    wire.now = 1.0
    wire.send(good, 65_000)
    assert wire.names == [b"www.tiktok.com"]


def test_aioquic_itself_is_understood() -> None:
    client = QuicConnection(configuration=QuicConfiguration(alpn_protocols=["h3"], server_name="WWW.TikTok.com"))
    client.connect(("198.51.100.7", 443), now=0.0)
    wire = Wire()
    for data, _ in client.datagrams_to_send(now=0.0):
        assert wire.send(data)
    seen = wire.seen[0]
    assert isinstance(seen, ClientHello)
    assert (seen.sni, seen.alpn, seen.quic) == (b"www.tiktok.com", [b"h3"], VERSION_1)


def test_the_initial_that_is_made_here_is_what_another_implementation_reads() -> None:
    made = client_initial(b"probe.example", bytes(range(32)), FIRST_ID)
    assert len(made) == 1_200
    buffer = Buffer(data=made)
    header = pull_quic_header(buffer, host_cid_length=8)
    assert (header.version, header.destination_cid) == (VERSION_1, FIRST_ID)
    server = CryptoPair()
    server.setup_initial(cid=FIRST_ID, is_client=False, version=VERSION_1)
    _, frames, number = server.decrypt_packet(made, buffer.tell(), 0)
    assert number == 0
    assert frames.startswith(crypto(handshake(b"probe.example", bytes(range(32)))))
    wire = Wire()
    assert wire.send(made)
    assert wire.names == [b"probe.example"]
