"""Frames for the decoder's tests, and what comes out of them."""

import math
from collections.abc import Iterable
from typing import TypeVar

from scapy.layers.l2 import Ether

from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import Frame, Observation, Packet
from monitor.wire.decoder import Decoder

Seen = TypeVar("Seen")

ETHERNET = 1
RAW = 101
NOW = 1_700_000_000.0

CLIENT_MAC = bytes.fromhex("020000000001")
SERVER_MAC = bytes.fromhex("020000000002")
# Both addresses are given, as scapy asks the network for those that are not.
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
QUERY = bytes.fromhex("123401000001000000000000") + b"\x03www\x06tiktok\x03com\x00" + bytes.fromhex("00010001")


class Watch:
    """A decoder with its errors, fed by bytes."""

    def __init__(self, limits: Limits | None = None, depth: int = 0) -> None:
        self.errors = ErrorCounts()
        self.decoder = Decoder(limits or Limits(), self.errors, True)
        self.decoder.packets_to_depth = depth
        self.number = 0

    def see(self, data: bytes, link: int = ETHERNET, time: float = NOW, length: int = 0) -> list[Observation]:
        self.number += 1
        out: list[Observation] = []
        self.decoder.decode(Frame(data, time, link, 0, max(length, len(data)), self.number), out)
        assert ("decoder", "internal") not in self.errors.counts
        return out

    def rest(self) -> list[Observation]:
        """What still waited when the frames ended."""
        out: list[Observation] = []
        self.decoder.expire(math.inf)
        self.decoder.drain(out)
        return out


def observe(data: bytes, link: int = ETHERNET, length: int = 0) -> list[Observation]:
    """What one frame shows to a fresh decoder."""
    return Watch().see(data, link, length=length)


def of(kind: type[Seen], observations: Iterable[object]) -> list[Seen]:
    return [one for one in observations if isinstance(one, kind)]


def packet(data: bytes, link: int = ETHERNET, length: int = 0) -> Packet:
    """The one packet that a frame is."""
    (one,) = of(Packet, observe(data, link, length))
    return one
