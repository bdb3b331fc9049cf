"""Defines the position in a frame: the one mutable state that the link, network and tunnel steps share.

A frame is a chain: every header announces the next one. Each step reads the header at `start`, moves `start` to its
end, narrows `end` if the header has a length, and stores the next header's kind in `kind`.

`data[start:end]` are captured bytes, `wire_end` is the end on the wire by the headers' lengths, so that lengths are
correct for truncated frames. Invariant: `0 <= start`, `end <= len(data)`, `end <= wire_end`; `start` may exceed `end`
if a header is cut, so each step compares before it reads.
"""

from typing import Final, final

from monitor.model import Frame

# Values of `kind`: an EtherType, or one of these, which no EtherType uses (IEEE 802.3 section 3.2.6: below
# 0x0600 the field is a length).
NOTHING: Final = 0
ETHERNET: Final = 1
LLC: Final = 2
PPP: Final = 3
IP_BY_VERSION: Final = 4
HDLC: Final = 5
NLPID: Final = 6

IPV4: Final = 0x0800
ARP: Final = 0x0806
IPV6: Final = 0x86DD


@final
class Cursor:
    """The position in a frame. The fields from `addresses` on are the results of the network step.

    `addresses` is source then destination, `length` the packet's IP bytes on the wire, `protocol` the number of the
    protocol after the IP header and its extensions. If `fragmented`, the three fields below it identify the datagram
    and the part; `fragment_offset` is in bytes.
    """

    __slots__ = (
        "addresses", "data", "end", "ethernet", "fragment_offset", "fragmented", "hop_limit", "identification", "kind",
        "length", "more", "protocol", "start", "vlan", "wire_end",
    )  # fmt: skip

    def __init__(self) -> None:
        self.data = b""
        self.start = 0
        self.end = 0
        self.wire_end = 0
        self.kind = NOTHING
        self.ethernet = b""
        self.vlan = 0
        self.addresses = b""
        self.length = 0
        self.protocol = 0
        self.hop_limit = 0
        self.fragmented = False
        self.fragment_offset = 0
        self.more = False
        self.identification = b""

    def place(self, frame: Frame) -> None:
        """Moves to the first byte of a frame."""
        captured = len(frame.data)
        self.data = frame.data
        self.start = 0
        self.end = captured
        self.wire_end = frame.length if frame.length > captured else captured
        self.kind = NOTHING
        self.ethernet = b""
        self.vlan = frame.vlan

    def skip(self, count: int, kind: int) -> None:
        """Moves over `count` bytes of header, followed by `kind`."""
        self.start += count
        self.kind = kind

    def has(self, count: int) -> bool:
        """Whether `count` more bytes were captured."""
        return self.end - self.start >= count
