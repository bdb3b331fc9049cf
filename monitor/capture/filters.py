"""Defines the filter programs: which frames the kernel delivers, and how much of each frame.

One program sorts frames into classes; a socket has a table of how many bytes of each class it receives (0: none), so
that a flood of one class fills only its own socket:

    names      ARP, ND, DHCP, DNS, mDNS, LLMNR (UDP and TCP)
    starts     TCP segments that begin a TLS handshake or an HTTP request, SYNs of both ends,
               QUIC long headers, VPN handshakes
    middles    other TCP segments with payload towards a server: a ClientHello's second segment looks like any other
    wrapped    tunnels, fragments, IPv6 extension headers: looked into by the decoder
    rest       every other IP packet

Classic BPF keeps no state, so it cannot distinguish the second segment of a ClientHello from an upload. `middles` are
therefore truncated, thinned out by `wire/tcp/segment_filter.py`, and the heaviest of them (`elephants`) are written
into the program itself. Frames that are not IP, ARP or a tunnel are never delivered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from monitor.capture.assembler import Instruction, Label, Program, assemble
from monitor.capture.filter_parts import SCRATCH, ipv4, ipv6, link_layer, middles, tcp, transport, udp
from monitor.capture.refused import sent_by_others, without_tag

WHOLE: Final = 0x40000
ELEPHANTS_MAX: Final = 64


@dataclass(frozen=True)
class SnapLengths:
    """How many bytes of each class a socket receives."""

    names: int = 0
    starts: int = 0
    middles: int = 0
    wrapped: int = 0
    rest: int = 0


NAMES: Final = SnapLengths(names=WHOLE)
# If the kernel merged segments, one frame has up to 64 KiB: early data, or a request with long fields.
STARTS: Final = SnapLengths(starts=WHOLE)
MIDDLES: Final = SnapLengths(middles=4_096)
WRAPPED: Final = SnapLengths(wrapped=9_216)


def everything_else(snap: int) -> SnapLengths:
    """Selects every IP packet outside `NAMES` and `STARTS`, truncated to `snap` bytes, for byte counts."""
    return SnapLengths(middles=max(snap, 4_096), wrapped=9_216, rest=snap)


def filter_program(take: SnapLengths, link: int, elephants: Sequence[int] = (), untagged: bool = False) -> bytes:
    """Returns the assembled program of a socket. It drops middles of `elephants`, flow marks of
    `wire/tcp/segment_filter.py`.

    With `untagged` it accepts no frame of a VLAN, because VLANs have interfaces of their own.
    """
    verdicts = _verdicts(take)  # repeated, because a jump spans at most 255 instructions
    program = [
        *[
            Instruction("st", at) for at in range(SCRATCH)
        ],  # the kernel refuses a program that reads a word before writing it
        *sent_by_others(),
        *(without_tag() if untagged else ()),
        *link_layer(link),
        *verdicts,
        *ipv4(),
        *ipv6(),
        *transport(),
        *verdicts,
        *udp(),
        *verdicts,
        *tcp(),
        *middles(elephants[:ELEPHANTS_MAX]),
        *verdicts,
    ]
    return assemble(program)


def _verdicts(take: SnapLengths) -> Program:
    return [
        Label("names"),
        Instruction("ret", take.names),
        Label("starts"),
        Instruction("ret", take.starts),
        Label("middles"),
        Instruction("ret", take.middles),
        Label("wrapped"),
        Instruction("ret", take.wrapped),
        Label("rest"),
        Instruction("ret", take.rest),
    ]
