"""Reads frames from a block of the kernel's capture ring (TPACKET_V3, linux/if_packet.h).

The module is pure, so that it can be compiled: the caller copies a block out of the ring and returns it to the kernel
at once. The kernel writes the headers in the machine's byte order; this module reads little endian (x86, ARM, RISC-V).
"""

from typing import Final

from monitor.model import Frame
from monitor.wire.integers import four_little, two_little
from monitor.wire.tcp.segment_filter import SegmentFilter

BLOCK_PACKETS: Final = 12  # offset of `num_pkts` in struct tpacket_block_desc
BLOCK_FIRST: Final = 16
HEADER: Final = 48  # struct tpacket3_hdr; struct sockaddr_ll follows
VLAN_VALID: Final = 0x10  # TP_STATUS_VLAN_VALID
ETHERNET: Final = 1  # LINKTYPE_ETHERNET
TAG_BYTES: Final = (0x81, 0x88, 0x91)  # first bytes of the EtherTypes 0x8100, 0x88a8, 0x9100


def _is_tagged(block: bytes, begin: int, link: int) -> bool:
    """Whether a VLAN tag is still in the frame (in sent frames it is): then the offset of the network
    header is wrong.
    """
    return link == ETHERNET and block[begin + 12] in TAG_BYTES and block[begin + 13] in (0x00, 0xA8)


def frames_of(block: bytes) -> int:
    """Returns the number of frames in the block."""
    return four_little(block, BLOCK_PACKETS)


def read_block(
    block: bytes, link: int, interface: int, number: int, gate: SegmentFilter | None, out: list[Frame]
) -> int:
    """Appends the block's frames, numbered from `number`, and returns how many it contained.

    With a `gate` the frames that it rejects are left out, but are numbered.
    """
    count = four_little(block, BLOCK_PACKETS)
    at = four_little(block, BLOCK_FIRST)
    for index in range(count):
        begin = at + two_little(block, at + 24)
        if gate is None or _is_tagged(block, begin, link) or gate.wants(block, at + two_little(block, at + 26)):
            vlan = four_little(block, at + 32) & 0xFFF if four_little(block, at + 20) & VLAN_VALID else 0
            out.append(
                Frame(
                    block[begin : begin + four_little(block, at + 12)],
                    four_little(block, at + 4) + four_little(block, at + 8) / 1e9,
                    link,
                    interface,
                    four_little(block, at + 16),
                    number + index,
                    vlan,
                )
            )
        at += four_little(block, at)
    return count
