"""QUIC hellos beside a real server: the names that its TLS stack has accepted are the names that are read.

The server is aioquic's, fed with the same datagrams in this process. The hello is a real client's; it is cut, put in
order and surrounded as no client library would do it.
"""

import ipaddress
import random
import struct
from collections.abc import Iterator
from itertools import pairwise

import aioquic.tls
import pytest
from aioquic.buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import encode_quic_retry
from aioquic.tls import pull_client_hello
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from frames import RAW, Watch, of
from hypothesis import given, settings
from hypothesis import strategies as st
from quic_packets import crypto, initial
from trustme import CA

from monitor.model import ClientHello
from monitor.wire.build.packets import udp_packet
from monitor.wire.quic.versions import VERSION_1, VERSION_2

NAME = "www.tiktok.com"
CLIENT = ("192.168.1.10", 50_123)
ENDS = {
    4: (ipaddress.ip_address("192.168.1.10").packed, ipaddress.ip_address("203.0.113.5").packed),
    6: (ipaddress.ip_address("fd00::10").packed, ipaddress.ip_address("2001:db8::5").packed),
}
ALPN = ["h3"]
FIRST_ID, SOURCE_ID = bytes(range(8)), bytes(range(8, 16))
PING, PADDING = b"\1", b"\0"
FIXED_BIT = 0x40
seeds = st.integers(0, 1 << 62)


@pytest.fixture(scope="module")
def certified() -> QuicConfiguration:
    issued = CA().issue_cert(NAME)
    configuration = QuicConfiguration(is_client=False, alpn_protocols=ALPN)
    configuration.certificate = load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    configuration.private_key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    configuration.supported_versions = [VERSION_1, VERSION_2]
    return configuration


@pytest.fixture(scope="module", autouse=True)
def accepted() -> Iterator[list[bytes]]:
    """The names of the hellos that the server's TLS stack has read, since the test cleared it."""
    names: list[bytes] = []

    def pull(buffer: Buffer) -> object:
        hello = pull_client_hello(buffer)
        names.append((hello.server_name or "").encode())
        return hello

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aioquic.tls, "pull_client_hello", pull)
        yield names


def captured_hello(version: int) -> bytes:
    """The first flight of aioquic's client, as the bytes of its CRYPTO stream; its source id is `SOURCE_ID`."""
    configuration = QuicConfiguration(is_client=True, alpn_protocols=ALPN, server_name=NAME)
    configuration.supported_versions = [version]
    configuration.original_version = version
    client = QuicConnection(configuration=configuration)
    client._local_initial_source_connection_id = SOURCE_ID
    client.connect(("203.0.113.5", 443), now=0.0)
    data = bytes(client._crypto_streams[aioquic.tls.Epoch.INITIAL].sender._buffer)
    assert SOURCE_ID in data
    return data


HELLOS = {version: captured_hello(version) for version in (VERSION_1, VERSION_2)}


class Conversation:
    """What a client sends goes to the server and to the decoder; what the server answers goes to the decoder."""

    def __init__(
        self,
        certified: QuicConfiguration,
        accepted: list[bytes],
        first_id: bytes,
        family: int,
        retry_id: bytes | None = None,
    ) -> None:
        accepted.clear()
        self.accepted = accepted
        self.server = QuicConnection(
            configuration=certified, original_destination_connection_id=first_id, retry_source_connection_id=retry_id
        )
        self.watch = Watch()
        self.family = family
        self.read: list[bytes] = []

    def send(self, datagram: bytes) -> None:
        self.show(datagram)
        self.server.receive_datagram(datagram, CLIENT, now=0.0)
        for answer, _ in self.server.datagrams_to_send(now=0.0) if self.server._network_paths else ():
            self.show(answer, answer=True)

    def show(self, datagram: bytes, answer: bool = False) -> None:
        self.read += [one.sni for one in of(ClientHello, self.watch.see(frame(datagram, answer, self.family), RAW))]


def frame(datagram: bytes, answer: bool, family: int) -> bytes:
    ends = ENDS[family][::-1] if answer else ENDS[family]
    return udp_packet(*ends, struct.pack("!HH", *((443, 50_123) if answer else (50_123, 443))), datagram)


def frames_of(chance: random.Random, hello: bytes) -> list[bytes]:
    """The hello in CRYPTO frames in any order, one perhaps twice or with a piece of its neighbours, between others."""
    marks = sorted({0, len(hello), *(chance.randrange(1, len(hello)) for _ in range(chance.choice((0, 1, 2, 5))))})
    cut = list(pairwise(marks))
    pieces = [crypto(hello[start:end], start) for start, end in cut]
    if chance.random() < 0.7:
        chance.shuffle(pieces)
    while chance.random() < 0.4:
        start, end = chance.choice(cut)
        start, end = max(0, start - chance.randrange(40)), min(len(hello), end + chance.randrange(40))
        pieces.insert(chance.randrange(len(pieces) + 1), crypto(hello[start:end], start))
    while chance.random() < 0.4:
        filler = chance.choice((PING, PING * 30, PADDING * 50, crypto(b"")))
        pieces.insert(chance.randrange(len(pieces) + 1), filler)
    return pieces


@given(seeds, st.sampled_from((VERSION_1, VERSION_2)), st.sampled_from((4, 6)))
@settings(max_examples=60, deadline=None)
def test_any_cut_and_order_of_the_hello(
    certified: QuicConfiguration, accepted: list[bytes], seed: int, version: int, family: int
) -> None:
    chance = random.Random(seed)
    talk = Conversation(certified, accepted, FIRST_ID, family)
    pieces = frames_of(chance, HELLOS[version])
    count = chance.randrange(3)
    datagram = b""
    while pieces:
        size = chance.randint(1, 3)
        taken, pieces = pieces[:size], pieces[size:]
        made = packet(b"".join([*taken, crypto(b"")]), version, count)
        count += chance.randint(1, 3)
        for broken in spoilt(chance, made):
            talk.send(broken)
        if chance.random() < 0.3:
            datagram += made
            continue
        talk.send(datagram + made)
        datagram = b""
    if datagram:
        talk.send(datagram)
    assert talk.read == accepted == [NAME.encode()]


def packet(frames: bytes, version: int, count: int, key_id: bytes = FIRST_ID, token: bytes = b"") -> bytes:
    return initial(
        frames,
        version=version,
        key_id=key_id,
        source=SOURCE_ID,
        count=count,
        token=token,
        payload=max(1162, len(frames)),
    )


def spoilt(chance: random.Random, good: bytes) -> list[bytes]:
    """Packets with the ids of a good one that no AEAD opens, cut ones, and noise."""
    made = []
    while chance.random() < 0.3:
        at = chance.randrange(40, len(good))
        made.append(
            chance.choice(
                (
                    good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :],
                    good[: chance.randrange(30, 1000)],
                    chance.randbytes(60),
                )
            )
        )
    return made


@given(seeds, st.sampled_from((VERSION_1, VERSION_2)))
@settings(max_examples=6, deadline=None)
def test_pings_come_first(certified: QuicConfiguration, accepted: list[bytes], seed: int, version: int) -> None:
    chance = random.Random(seed)
    talk = Conversation(certified, accepted, FIRST_ID, 4)
    count = chance.randrange(1, 120)
    for number in range(count):
        # This server wants a CRYPTO frame in each packet; an empty one will do.
        talk.send(packet(PING * chance.randint(1, 9) + crypto(b""), version, number))
    talk.send(packet(b"".join(frames_of(chance, HELLOS[version])), version, count))
    assert talk.read == accepted == [NAME.encode()]


@given(seeds, st.sampled_from((VERSION_1, VERSION_2)), st.booleans())
@settings(max_examples=20, deadline=None)
def test_a_retry_makes_no_second_hello(
    certified: QuicConfiguration, accepted: list[bytes], seed: int, version: int, seen: bool
) -> None:
    """RFC 9000 section 17.2.5.3: the same hello again, with keys of the Retry's id; seen or not."""
    chance = random.Random(seed)
    retry_id, token = chance.randbytes(chance.randint(8, 20)), chance.randbytes(chance.randint(1, 90))
    talk = Conversation(certified, accepted, FIRST_ID, 4, retry_id)
    pieces = frames_of(chance, HELLOS[version])
    talk.show(packet(b"".join(pieces), version, 0))
    if seen:
        talk.show(encode_quic_retry(version, retry_id, SOURCE_ID, FIRST_ID, token), answer=True)
    pieces = frames_of(chance, HELLOS[version])
    for number, piece in enumerate(pieces, 1):
        talk.send(packet(piece + crypto(b""), version, number, retry_id, token))
    assert talk.read == accepted == [NAME.encode()]


@given(seeds, st.sampled_from((VERSION_1, VERSION_2)))
@settings(max_examples=20, deadline=None)
def test_the_fixed_bit_may_be_cleared(seed: int, version: int) -> None:
    """RFC 9287 section 3.1; aioquic does not offer it."""
    chance = random.Random(seed)
    watch, read = Watch(), []
    for number, piece in enumerate(frames_of(chance, HELLOS[version])):
        made = initial(piece, version=version, source=SOURCE_ID, count=number, fixed=chance.random() < 0.3)
        read += [one.sni for one in of(ClientHello, watch.see(frame(made, False, 6), RAW))]
    assert read == [NAME.encode()]


@given(seeds, st.sampled_from((VERSION_1, VERSION_2)))
@settings(max_examples=20, deadline=None)
def test_a_new_connection_on_the_same_ports_is_read(
    certified: QuicConfiguration, accepted: list[bytes], seed: int, version: int
) -> None:
    chance = random.Random(seed)
    watch = Watch()
    for _ in range(3):
        first_id = chance.randbytes(8)
        hello = HELLOS[version][:6] + chance.randbytes(32) + HELLOS[version][38:]
        talk = Conversation(certified, accepted, first_id, 4)
        talk.watch = watch
        for number, piece in enumerate(frames_of(chance, hello)):
            talk.send(packet(piece + crypto(b""), version, number, first_id))
        assert talk.read == accepted == [NAME.encode()]
