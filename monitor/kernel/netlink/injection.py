"""Has what leaves through one link come in by another one, as if a neighbour there had sent it (tc, linux/rtnetlink.h).

`fwd` of nftables sends out of an interface; only the action `mirred` of tc puts a packet into the ingress of one. The
filter sits at the egress of a link that gatewatch made, so nothing of another owner's tc changes; it takes the packets
that carry a mark, and the mark stays on them until a rule takes it off.
"""

import errno
import socket
import struct
from typing import Final

from monitor.errors import MachineError
from monitor.kernel.netlink.sockets import Netlink, attribute

NEW_QDISC: Final = 36
NEW_FILTER: Final = 44
CREATE: Final = 0x400
EXCLUSIVE: Final = 0x200
HEADER: Final = struct.Struct("=BxxxiIII")  # struct tcmsg: family, interface, handle, parent, info
CLSACT: Final = 0xFFFFFFF1
CLSACT_HANDLE: Final = 0xFFFF0000
EGRESS: Final = 0xFFFFFFF3
PRIORITY: Final = 1 << 16
EVERY_PROTOCOL: Final = 0x0003  # ETH_P_ALL

KIND: Final = 1
OPTIONS: Final = 2
FIRST: Final = 1
BPF_ACTION: Final = 1
BPF_LENGTH: Final = 4
BPF_PROGRAM: Final = 5
ACTION_KIND: Final = 1
ACTION_OPTIONS: Final = 2
MIRRED_PARAMETERS: Final = 2
MIRRED: Final = struct.Struct("=IIiiiiI")  # struct tc_mirred: index, capabilities, action, counts, what, interface
STOLEN: Final = 4
INTO_INGRESS: Final = 3  # TCA_INGRESS_REDIR

LOAD_WORD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
MARK_AT: Final = 0xFFFFF000 + 20  # SKF_AD_OFF + SKF_AD_MARK
STEP: Final = struct.Struct("=HBBI")  # struct sock_filter: code, jumps, operand
MATCH: Final = 0xFFFFFFFF

MISSING: Final = (errno.ENOENT, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPROTONOSUPPORT)
LACKS: Final = (
    "the kernel lacks a part of tc that questions need to go on as their client's (sch_ingress, cls_bpf, act_mirred): "
    "load these modules, or name resolvers in [sinkhole].upstream"
)


def inject(netlink: Netlink, near: int, into: int, marks: tuple[int, int]) -> None:
    """What is sent to the link of index `near` with one of the marks comes in by the link of index `into` instead.

    Raises MachineError where the kernel has no such action, OSError where it refuses.
    """
    try:
        netlink.ask(NEW_QDISC, CREATE | EXCLUSIVE, head(near, CLSACT_HANDLE, CLSACT) + attribute(KIND, b"clsact\0"))
        info = PRIORITY | socket.htons(EVERY_PROTOCOL)
        netlink.ask(NEW_FILTER, CREATE | EXCLUSIVE, head(near, 0, EGRESS, info) + classifier(into, marks))
    except OSError as error:
        if error.errno in MISSING:
            raise MachineError(LACKS) from error
        raise


def head(link: int, handle: int, parent: int, info: int = 0) -> bytes:
    return HEADER.pack(socket.AF_UNSPEC, link, handle, parent, info)


def classifier(into: int, marks: tuple[int, int]) -> bytes:
    """A classic BPF program that compares the mark, and the redirection of what it matches."""
    steps = (
        (LOAD_WORD, 0, 0, MARK_AT),
        (JUMP_EQUAL, 1, 0, marks[0]),
        (JUMP_EQUAL, 0, 1, marks[1]),
        (RETURN, 0, 0, MATCH),
        (RETURN, 0, 0, 0),
    )
    parameters = MIRRED.pack(0, 0, STOLEN, 0, 0, INTO_INGRESS, into)
    action = attribute(ACTION_KIND, b"mirred\0") + attribute(
        ACTION_OPTIONS, attribute(MIRRED_PARAMETERS, parameters), nested=True
    )
    options = attribute(BPF_ACTION, attribute(FIRST, action, nested=True), nested=True)
    options += attribute(BPF_LENGTH, struct.pack("=H", len(steps)))
    options += attribute(BPF_PROGRAM, b"".join([STEP.pack(*step) for step in steps]))
    return attribute(KIND, b"bpf\0") + attribute(OPTIONS, options, nested=True)
