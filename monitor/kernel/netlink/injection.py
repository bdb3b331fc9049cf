"""Redirects packets that leave through one link to the ingress of another link (tc, linux/rtnetlink.h).

To the second link they look like packets from one of its neighbours. The `fwd` statement of nftables sends packets out
of an interface; only the tc action `mirred` can put a packet into the ingress of one. The filter is attached to the
egress of a link that gatewatch created, so no other tc configuration changes. It matches packets by mark, and the mark
stays on them until a rule removes it.
"""

import errno
import socket
import struct
from typing import Final

from monitor.errors import MachineError
from monitor.kernel.netlink.sockets import Netlink, attribute

RTM_NEWQDISC: Final = 36
RTM_NEWTFILTER: Final = 44
NLM_F_CREATE: Final = 0x400
NLM_F_EXCL: Final = 0x200
TCMSG: Final = struct.Struct("=BxxxiIII")  # struct tcmsg: family, interface, handle, parent, info
TC_H_CLSACT: Final = 0xFFFFFFF1
CLSACT_HANDLE: Final = 0xFFFF0000
TC_EGRESS: Final = 0xFFFFFFF3
PRIORITY: Final = 1 << 16
ETH_P_ALL: Final = 0x0003

TCA_KIND: Final = 1
TCA_OPTIONS: Final = 2
FIRST: Final = 1
TCA_BPF_ACT: Final = 1
TCA_BPF_OPS_LEN: Final = 4
TCA_BPF_OPS: Final = 5
TCA_ACT_KIND: Final = 1
TCA_ACT_OPTIONS: Final = 2
TCA_MIRRED_PARMS: Final = 2
TC_MIRRED: Final = struct.Struct("=IIiiiiI")  # struct tc_mirred: index, capabilities, action, counts, eaction, ifindex
TC_ACT_STOLEN: Final = 4
TCA_INGRESS_REDIR: Final = 3

LOAD_WORD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
SKF_AD_MARK: Final = 0xFFFFF000 + 20  # SKF_AD_OFF + SKF_AD_MARK
SOCK_FILTER: Final = struct.Struct("=HBBI")  # struct sock_filter: code, jumps, operand
MATCH: Final = 0xFFFFFFFF

MISSING: Final = (errno.ENOENT, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPROTONOSUPPORT)
LACKS: Final = (
    "the kernel lacks a part of tc that questions need to go on as their client's (sch_ingress, cls_bpf, act_mirred): "
    "load these modules, or name resolvers in [sinkhole].upstream"
)


def inject(netlink: Netlink, near: int, into: int, marks: tuple[int, int]) -> None:
    """Redirects packets sent to the link with index `near` and one of `marks` to the ingress of the link `into`.

    Raises MachineError if the kernel has no such action, OSError if the kernel rejects the request.
    """
    try:
        netlink.ask(
            RTM_NEWQDISC,
            NLM_F_CREATE | NLM_F_EXCL,
            head(near, CLSACT_HANDLE, TC_H_CLSACT) + attribute(TCA_KIND, b"clsact\0"),
        )
        info = PRIORITY | socket.htons(ETH_P_ALL)
        netlink.ask(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, head(near, 0, TC_EGRESS, info) + classifier(into, marks))
    except OSError as error:
        if error.errno in MISSING:
            raise MachineError(LACKS) from error
        raise


def head(link: int, handle: int, parent: int, info: int = 0) -> bytes:
    return TCMSG.pack(socket.AF_UNSPEC, link, handle, parent, info)


def classifier(into: int, marks: tuple[int, int]) -> bytes:
    """Returns a classic BPF program that compares the mark, and the redirection of the packets it matches."""
    steps = (
        (LOAD_WORD, 0, 0, SKF_AD_MARK),
        (JUMP_EQUAL, 1, 0, marks[0]),
        (JUMP_EQUAL, 0, 1, marks[1]),
        (RETURN, 0, 0, MATCH),
        (RETURN, 0, 0, 0),
    )
    parameters = TC_MIRRED.pack(0, 0, TC_ACT_STOLEN, 0, 0, TCA_INGRESS_REDIR, into)
    action = attribute(TCA_ACT_KIND, b"mirred\0") + attribute(
        TCA_ACT_OPTIONS, attribute(TCA_MIRRED_PARMS, parameters), nested=True
    )
    options = attribute(TCA_BPF_ACT, attribute(FIRST, action, nested=True), nested=True)
    options += attribute(TCA_BPF_OPS_LEN, struct.pack("=H", len(steps)))
    options += attribute(TCA_BPF_OPS, b"".join([SOCK_FILTER.pack(*step) for step in steps]))
    return attribute(TCA_KIND, b"bpf\0") + attribute(TCA_OPTIONS, options, nested=True)
