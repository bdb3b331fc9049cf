"""Frames of the captures, damaged the way that breaks parsers, from a seed: the same run each time.

A capture is drawn first and a frame of it second, so that rare protocols come as often as common ones. One decoder
sees all, so that its tables are under fire too.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import corpus

from monitor.capture.file import read_frames
from monitor.errors import CaptureFileError, ErrorCounts
from monitor.limits import Limits
from monitor.model import DnsMessage, Frame, Observation
from monitor.wire.decoder import Decoder
from monitor.wire.dns.addresses import record_address, record_name
from monitor.wire.dns.rdata import rdata_text

# One small capture for each behaviour that decoding once got wrong.
CRAFTED: Final = Path(__file__).resolve().parents[1] / "vectors" / "wire"
FRAMES_A_CAPTURE: Final = 300
LINKS: Final = (0, 1, 9, 101, 104, 105, 107, 113, 127, 239, 276)
# What length, count and offset fields do harm with.
EDGES: Final = (0x00, 0x01, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF)
INTERNAL: Final = ("decoder", "internal")


@dataclass
class Outcome:
    """`broken` are frames whose decoding raised; `largest` is the most entries that each table had. `slowest` took
    `seconds` of CPU time to decode and read.
    """

    frames: int = 0
    observations: int = 0
    broken: list[Frame] = field(default_factory=list)
    slowest: Frame | None = None
    seconds: float = 0.0
    largest: dict[str, int] = field(default_factory=dict)
    errors: ErrorCounts = field(default_factory=ErrorCounts)


def captured() -> list[list[Frame]]:
    """The first frames of every capture that has any: those beside the checkout, and the crafted ones of `CRAFTED`."""
    samples: list[list[Frame]] = []
    for path in [*(capture.path for capture in corpus.captures()), *sorted(CRAFTED.glob("*.pcap"))]:
        frames: list[Frame] = []
        try:
            for batch in read_frames(path):
                frames += batch
                if len(frames) >= FRAMES_A_CAPTURE:
                    break
        except CaptureFileError:
            continue
        if frames:
            samples.append(frames[:FRAMES_A_CAPTURE])
    return samples


def mutated(samples: list[list[Frame]], count: int, seed: int) -> Iterator[Frame]:
    """So many damaged frames, a thousandth of a second apart."""
    chance = random.Random(seed)
    for number in range(1, count + 1):
        frame = chance.choice(chance.choice(samples))
        data = bytearray(frame.data)
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 8))):
            damage(data, chance, samples)
        link = frame.link if chance.random() > 0.03 else chance.choice(LINKS)
        length = len(data) if chance.random() > 0.1 else len(data) + chance.randrange(3000)
        yield Frame(bytes(data), 1_700_000_000 + number / 1000, link, 0, length, number)


def damage(data: bytearray, chance: random.Random, samples: list[list[Frame]]) -> None:
    """One change; most lie near the front, where the headers are."""
    if not data:
        data += chance.randbytes(chance.randrange(1, 60))
        return
    at = chance.randrange(len(data) if chance.random() < 0.4 else min(len(data), 120))
    kind = chance.randrange(7)
    if kind == 0:
        data[at] ^= 1 << chance.randrange(8)
    elif kind == 1:
        data[at] = chance.choice(EDGES)
    elif kind == 2:
        data[at : at + 2] = bytes((chance.choice(EDGES), chance.choice(EDGES)))
    elif kind == 3:
        del data[at:]
    elif kind == 4:
        del data[at : at + chance.randrange(1, 9)]
    elif kind == 5:
        data[at:at] = chance.randbytes(chance.randrange(1, 9))
    else:
        other = chance.choice(chance.choice(samples)).data
        data[at:] = other[chance.randrange(len(other) + 1) :]


def run(count: int, seed: int) -> Outcome:
    """Decode so many damaged frames, and everything that reads what came out of them."""
    outcome = Outcome()
    decoder = Decoder(Limits(streams=256, quic_connections=256, fragments=128), outcome.errors, True)
    for frame in mutated(captured(), count, seed):
        out: list[Observation] = []
        before = outcome.errors.counts.get(INTERNAL, 0)
        began = time.thread_time()
        decoder.decode(frame, out)
        read(out)
        took = time.thread_time() - began
        if took > outcome.seconds:
            outcome.seconds, outcome.slowest = took, frame
        if outcome.errors.counts.get(INTERNAL, 0) > before:
            outcome.broken.append(frame)
        outcome.frames += 1
        outcome.observations += len(out)
        if frame.number % 1000 == 0:
            decoder.expire(frame.time)
            for table, size in decoder.table_sizes().items():
                outcome.largest[table] = max(size, outcome.largest.get(table, 0))
    return outcome


def read(observations: list[Observation]) -> None:
    """What comes after the decoder reads names and rdata of messages."""
    for one in observations:
        if isinstance(one, DnsMessage):
            for record in one.answers:
                rdata_text(one, record)
                record_address(one, record)
                record_name(one, record)
