"""Where the descent through a frame stands: the one mutable state that the link, network and tunnel steps share.

A frame is a chain: every header says what follows it. Each step reads the header at `start`, moves `start` behind
it, narrows `end` where the header tells a length, and leaves in `kind` what follows.

`data[start:end]` are captured bytes, `wire_end` is where they would end if the capture had cut nothing, as the
headers tell it, so that lengths come out right for snapped frames. Invariant: `0 <= start`, `end <= len(data)`,
`end <= wire_end`; `start` may lie behind `end` where a header is cut, so each step compares before it reads.
"""

from typing import Final, final

from monitor.model import Frame

# What `kind` holds: an EtherType, or one of these, which no EtherType uses (IEEE 802.3 section 3.2.6: below
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
    """See the module. The fields from `addresses` on are the network step's answer.

    `addresses` is source then destination, `length` the packet's IP bytes on the wire, `protocol` the number of
    what follows the IP header and its extensions. With `fragmented` the three fields below it say which part of
    which datagram this is; `fragment_offset` is in bytes.
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
        """Stand at the first byte of a frame."""
        captured = len(frame.data)
        self.data = frame.data
        self.start = 0
        self.end = captured
        self.wire_end = frame.length if frame.length > captured else captured
        self.kind = NOTHING
        self.ethernet = b""
        self.vlan = frame.vlan

    def skip(self, count: int, kind: int) -> None:
        """Step over `count` bytes of header; `kind` follows."""
        self.start += count
        self.kind = kind

    def has(self, count: int) -> bool:
        """Whether `count` more bytes were captured."""
        return self.end - self.start >= count
