"""Parses conntrack's netlink messages (linux/netfilter/nfnetlink_conntrack.h) into `FlowCount`s, only the needed
fields.

The module is pure, so that it can be compiled: a dump of a busy gateway has hundreds of thousands of entries. Netlink's
own headers are in the machine's byte order (read as little endian), netfilter's attributes are big endian.
"""

from typing import Final

from monitor.model import FLOW_END, FLOW_NEW, FLOW_UPDATE, FlowCount
from monitor.wire.integers import four, four_little, two_little

MORE: Final = 0
DONE: Final = 1

NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
IPCTNL_MSG_CT_NEW: Final = 0x0100  # NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW
IPCTNL_MSG_CT_DELETE: Final = 0x0102
NLM_F_CREATE: Final = 0x0400  # NLM_F_CREATE
HEADERS: Final = 20  # struct nlmsghdr and struct nfgenmsg
NLA_TYPE_MASK: Final = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

CTA_TUPLE_ORIG: Final = 1
CTA_TUPLE_REPLY: Final = 2
CTA_COUNTERS_ORIG: Final = 9
CTA_COUNTERS_REPLY: Final = 10
CTA_ID: Final = 12
CTA_TUPLE_IP: Final = 1
CTA_TUPLE_PROTO: Final = 2


def parse_conntrack(data: bytes, time: float, out: list[FlowCount]) -> int:
    """Appends the entries of a datagram from the kernel.

    Returns `MORE`, `DONE` at the end of a dump or request, or the kernel's negative errno.
    """
    at = 0
    size = len(data)
    while at + 16 <= size:
        length = four_little(data, at)
        if length < 16 or at + length > size:
            break
        kind = two_little(data, at + 4)
        if kind == NLMSG_DONE:
            return DONE
        if kind == NLMSG_ERROR and length >= HEADERS:
            error = four_little(data, at + 16)
            return DONE if error == 0 else error - 0x1_0000_0000
        if kind == IPCTNL_MSG_CT_DELETE:
            _entry(data, at + HEADERS, at + length, time, FLOW_END, out)
        elif kind == IPCTNL_MSG_CT_NEW:
            state = FLOW_NEW if two_little(data, at + 6) & NLM_F_CREATE else FLOW_UPDATE
            _entry(data, at + HEADERS, at + length, time, state, out)
        at += (length + 3) & -4
    return MORE


def _entry(data: bytes, at: int, end: int, time: float, state: int, out: list[FlowCount]) -> None:
    key = b""
    reply = b""
    identity = 0
    sent = 0
    replied = 0
    while at + 4 <= end:
        length = two_little(data, at)
        if length < 4 or at + length > end:
            return
        kind = two_little(data, at + 2) & NLA_TYPE_MASK
        if kind == CTA_TUPLE_ORIG:
            key = _tuple_key(data, at + 4, at + length)
        elif kind == CTA_TUPLE_REPLY:
            reply = _tuple_key(data, at + 4, at + length)
        elif kind == CTA_COUNTERS_ORIG:
            sent = at + 4 if length >= 28 else 0
        elif kind == CTA_COUNTERS_REPLY:
            replied = at + 4 if length >= 28 else 0
        elif kind == CTA_ID and length == 8:
            identity = four(data, at + 4)
        at += (length + 3) & -4
    if not key or not reply:
        return
    flow = FlowCount(time, state, identity, key, reply)
    if sent:  # two attributes of 12 bytes: packets, then bytes
        flow.packets_sent = _big64(data, sent + 4)
        flow.bytes_sent = _big64(data, sent + 16)
    if replied:
        flow.packets_reply = _big64(data, replied + 4)
        flow.bytes_reply = _big64(data, replied + 16)
    out.append(flow)


def _tuple_key(data: bytes, at: int, end: int) -> bytes:
    """Returns the flow key of a tuple, `b""` if it is invalid: addresses, then protocol and ports, each nested."""
    addresses = b""
    ports = b"\0\0\0\0"
    protocol = b""
    while at + 4 <= end:
        length = two_little(data, at)
        if length < 4 or at + length > end:
            return b""
        kind = two_little(data, at + 2) & NLA_TYPE_MASK
        if kind == CTA_TUPLE_IP:
            if length == 20:  # source and destination, 8 bytes each
                addresses = data[at + 8 : at + 12] + data[at + 16 : at + 20]
            elif length == 44:
                addresses = data[at + 8 : at + 24] + data[at + 28 : at + 44]
        elif kind == CTA_TUPLE_PROTO and length >= 9:
            protocol = data[at + 8 : at + 9]
            # ICMP has its type and identifier in attributes of other kinds: such flows have no ports
            if length >= 28 and data[at + 14] == 2 and data[at + 22] == 3:
                ports = data[at + 16 : at + 18] + data[at + 24 : at + 26]
        at += (length + 3) & -4
    if not addresses or not protocol:
        return b""
    return addresses + ports + protocol


def _big64(data: bytes, at: int) -> int:
    return four(data, at) << 32 | four(data, at + 4)
