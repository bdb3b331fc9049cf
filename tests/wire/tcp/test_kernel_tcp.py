"""Segments in any order, any split and with any decoy: the name that is read is the name that a server's TCP delivers.

Each connection goes to a real socket of the kernel. What its application has read is compared with what the decoder
made of the same packets.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise

import client_hellos as build
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_tcp import MD5, Client, Server, Shape, server

from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import TCP_ACK, TCP_SYN, Frame, Observation
from monitor.wire.decoder import Decoder

pytestmark = [pytest.mark.netns, pytest.mark.root]

TRUE, FAKE = b"www.tiktok.com", b"www.aaaaaa.org"
HELLOS = {
    pad: (build.records(build.hello_for(TRUE, pad)), build.records(build.hello_for(FAKE, pad))) for pad in (0, 3000)
}
# What every server drops (RFC 9293 section 3.10.7.4, RFC 2385, RFC 7323 section 5.3, RFC 5961 sections 4.2 and 5.2) …
DROPPED: dict[str, dict[str, object]] = {
    "no ACK flag": {"flags": 8},
    "MD5 signature": {"options": MD5},
    "old timestamp": {"clock": -600_000},
    "acknowledges what was never sent": {"acknowledge": 2_000_000},
    "acknowledges less than a window behind": {"acknowledge": -66_000},
    "acknowledges less than any window behind": {"acknowledge": -2_000_000},
    "SYN": {"flags": TCP_SYN},
    "SYN-ACK": {"flags": TCP_SYN | TCP_ACK},
}
# … and what only this one certainly drops, or only on this way.
DOUBTFUL: dict[str, dict[str, object]] = {
    "wrong checksum": {"spoil": True},
    "wrong checksum and few hops": {"spoil": True, "hops": 3},
    "acknowledges a little more": {"acknowledge": 1000},
}


@pytest.fixture(scope="module")
def kernel() -> Iterator[Server]:
    with server() as running:
        yield running


def names(frames: Sequence[Frame]) -> list[bytes]:
    errors = ErrorCounts()
    decoder = Decoder(Limits(), errors, True)
    out: list[Observation] = []
    for frame in frames:
        decoder.decode(frame, out)
    assert ("decoder", "internal") not in errors.counts
    return build.names(out)


def shape_of(chance: random.Random) -> Shape:
    scale = chance.choice((0, 7, 8))
    return Shape(
        family=chance.choice((4, 6)),
        timestamps=chance.random() < 0.6,
        scale=scale,
        first=chance.choice((1000, 0xFFFF_FF00, 0x7FFF_FFF0)),
        clock=chance.choice((100_000, 0xFFFF_FFF0)),
        later=64_240 >> scale,
    )


def cut(chance: random.Random, size: int) -> list[tuple[int, int]]:
    """Where the segments begin and end, in the order in which they are sent; one may come twice."""
    marks = sorted({0, *(chance.randrange(1, size) for _ in range(chance.choice((0, 1, 1, 2, 4, 6)))), size})
    pieces = list(pairwise(marks))
    sent = pieces[:]
    if chance.random() < 0.6:
        chance.shuffle(sent)
    if chance.random() < 0.3:
        sent.insert(chance.randrange(len(sent) + 1), chance.choice(pieces))
    return sent


def talk(client: Client, chance: random.Random, decoys: dict[str, dict[str, object]]) -> bytes:
    """A hello in segments, with decoys before and behind each; gives the hello."""
    true, fake = HELLOS[chance.choice((0, 0, 3000))]
    if decoys and chance.random() < 0.15:
        # RFC 7413 section 4.2.2: without a cookie data in the SYN is not taken.
        client.syn(fake[: chance.randrange(1, 200)])
        client.send(0, b"")
    else:
        client.connect()
    for start, end in cut(chance, len(true)):
        put_decoys(client, chance, decoys, fake, start, end)
        client.send(start, true[start:end])
        put_decoys(client, chance, decoys, fake, start, end)
    return true


def put_decoys(
    client: Client, chance: random.Random, decoys: dict[str, dict[str, object]], fake: bytes, start: int, end: int
) -> None:
    while decoys and chance.random() < 0.35:
        kind = chance.choice(list(decoys))
        if kind == "old timestamp" and not client.shape.timestamps:
            continue
        first, last = chance.choice(((start, end), (0, len(fake)), (start, len(fake)), (0, end)))
        data = fake[first:last] if chance.random() < 0.7 else bytes(last - first)
        if kind.startswith("SYN") and chance.random() < 0.5:
            first = chance.choice((5_000_000, -200, first - 1))
        client.send(first, data, **decoys[kind])  # type: ignore[arg-type]


@given(st.integers(0, 1 << 62))
@settings(max_examples=150, deadline=None)
def test_what_every_server_drops_is_not_read(kernel: Server, seed: int) -> None:
    chance = random.Random(seed)
    with Client(kernel, shape_of(chance)) as client:
        hello = talk(client, chance, DROPPED)
        assert client.close() == hello
    assert names(client.frames) == [TRUE]


@given(st.integers(0, 1 << 62))
@settings(max_examples=150, deadline=None)
def test_beside_a_decoy_that_may_arrive_the_true_hello_is_read(kernel: Server, seed: int) -> None:
    chance = random.Random(seed)
    with Client(kernel, shape_of(chance)) as client:
        hello = talk(client, chance, {**DROPPED, **DOUBTFUL})
        assert client.close() == hello
    assert TRUE in names(client.frames)


@given(st.integers(0, 1 << 62))
@settings(max_examples=100, deadline=None)
def test_a_hello_is_read_without_its_syn_and_from_its_client_alone(kernel: Server, seed: int) -> None:
    chance = random.Random(seed)
    with Client(kernel, shape_of(chance)) as client:
        hello = talk(client, chance, {})
        assert client.close() == hello
    assert names(client.frames) == [TRUE]
    if 1 not in client.sizes:
        # Without the SYN a segment of one byte may be a keep-alive probe.
        assert names([frame for frame in client.frames if not is_syn(frame.data)]) == [TRUE]
    assert names([frame for frame in client.frames if is_of(client, frame.data)]) == [TRUE]


@given(st.integers(0, 1 << 62))
@settings(max_examples=150, deadline=None)
def test_an_urgent_byte_that_the_kernel_takes_out_is_not_read(kernel: Server, seed: int) -> None:
    """RFC 9293 section 3.8.5. Of several at once the kernel may leave some in the stream: both are read then."""
    chance = random.Random(seed)
    hello = HELLOS[0][0]
    places = sorted(chance.sample(range(len(hello)), chance.choice((1, 1, 2, 3))))
    data = hello
    for behind, place in enumerate(places):
        data = data[: place + behind] + bytes((chance.randrange(256),)) + data[place + behind :]
    urgent = [place + behind for behind, place in enumerate(places)]
    with Client(kernel, shape_of(chance)) as client:
        client.connect()
        for start, end in cut(chance, len(data)):
            within = [place for place in urgent if start <= place < end]
            client.send(start, data[start:end], urgent=within[-1] - start + 1 if within else 0)
        delivered = client.close()
    assert delivered != hello or TRUE in names(client.frames)


def is_of(client: Client, data: bytes) -> bool:
    """Whether the client has sent the packet."""
    return data[12:16] == client.here if data[0] >> 4 == 4 else data[8:24] == client.here


def is_syn(data: bytes) -> bool:
    return data[(40 if data[0] >> 4 == 6 else 20) + 13] & TCP_SYN != 0
