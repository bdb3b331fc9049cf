"""Conntrack's counters: news and ends as they happen, everything from time to time.

Nothing is changed but `nf_conntrack_acct`, without which the kernel counts no bytes. Conntrack sleeps in a namespace
until some rule there needs it; waking it would be a change of the administrator's firewall, so `is_tracking` only
tells whether it is awake.
"""

import errno
import socket
import struct
import time
from pathlib import Path
from typing import Final, final

from monitor.kernel.netlink.sockets import (
    NETLINK_NETFILTER,
    NLM_F_ACK,
    NLM_F_DUMP,
    NLMSG_ERROR,
    Netlink,
    Overrun,
    attribute,
    messages,
)
from monitor.model import FlowCount
from monitor.wire.netlink.conntrack import MORE, parse_conntrack

NFNLGRP_CONNTRACK_NEW: Final = 1  # NFNLGRP_CONNTRACK_NEW
NFNLGRP_CONNTRACK_DESTROY: Final = 3
IPCTNL_MSG_CT_GET: Final = 0x0101  # NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET
EVENTS_BUFFER_BYTES: Final = 67_108_864  # some 50,000 events: thousands of flows may end in one instant
PROBE_SECONDS: Final = 0.2
ACCOUNTING: Final = Path("/proc/sys/net/netfilter/nf_conntrack_acct")


@final
class Conntrack:
    """The subscription and the dump, on two sockets. Raises OSError where the kernel or the privilege lacks.

    `overruns` counts how often events were lost; a dump then makes up for them. `dump_began` is when the last dump
    began, of the monotonic clock, and `dumped` how many entries it gave. `is_behind` says that more events waited
    than were wanted.
    """

    def __init__(self) -> None:
        self.events = Netlink(
            NETLINK_NETFILTER, (NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_DESTROY), EVENTS_BUFFER_BYTES
        )
        self.dumps = Netlink(NETLINK_NETFILTER)
        self.overruns = 0
        self.is_dumping = False
        self.dumped = 0
        self.dump_began = 0.0
        self.is_behind = False
        self._wanted = False

    def read_events(self, now: float, events_max: int = 256) -> list[FlowCount]:
        """Flows that began or ended since the last call, at most so many."""
        found: list[FlowCount] = []
        for _ in range(events_max):
            try:
                data = self.events.receive()
            except Overrun:
                self.overruns += 1
                self.start_dump()
                continue
            if not data:
                self.is_behind = False
                break
            parse_conntrack(data, now, found)
        else:
            self.is_behind = True
        return found

    def start_dump(self) -> None:
        """Asks for every entry; they come through `read_dump`. During a dump another one is put off to its end."""
        if self.is_dumping:
            self._wanted = True
            return
        self._wanted = False
        self.dumped = 0
        self.dump_began = time.monotonic()
        self.dumps.send(IPCTNL_MSG_CT_GET, NLM_F_DUMP, nfgen(socket.AF_UNSPEC))
        self.is_dumping = True

    def read_dump(self, now: float, datagrams_max: int = 8) -> list[FlowCount]:
        """The next entries of the dump, some hundred a datagram; `is_dumping` turns false with the last ones."""
        found: list[FlowCount] = []
        for _ in range(datagrams_max):
            data = self.dumps.receive()
            if not data:
                break
            if parse_conntrack(data, now, found) != MORE:
                self.is_dumping = False
                break
        self.dumped += len(found)
        if self._wanted and not self.is_dumping:
            self.start_dump()
        return found

    def close(self) -> None:
        self.events.close()
        self.dumps.close()


def nfgen(family: int) -> bytes:
    """struct nfgenmsg: address family, version, resource."""
    return struct.pack("!BBH", family, 0, 0)


def enable_accounting() -> str:
    """Makes conntrack count bytes: "" when it does already, else the line for the log.

    Raises OSError where that is impossible: no conntrack in the kernel, or a read-only /proc/sys.
    """
    if ACCOUNTING.read_text().strip() == "1":
        return ""
    ACCOUNTING.write_text("1")
    return "enabled net.netfilter.nf_conntrack_acct: flows that are older have no byte counts"


def is_tracking(family: int) -> bool:
    """Whether conntrack looks at packets of this address family (AF_INET, AF_INET6) in this namespace.

    True when it has an entry, or makes one of a datagram that we send to ourselves over the loopback interface.
    Raises OSError where the kernel has no conntrack.
    """
    netlink = Netlink(NETLINK_NETFILTER)
    try:
        return _tracks_probe(netlink, family) or _has_entry(netlink, family)
    finally:
        netlink.close()


def _tracks_probe(netlink: Netlink, family: int) -> bool:
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
            probe.connect(probe.getsockname()[:2])
            probe.send(b"?")
        except OSError:  # the loopback interface is down, or the family is switched off
            return False
        host, port = probe.getsockname()[:2]
        address = socket.inet_pton(family, host)
        deadline = time.monotonic() + PROBE_SECONDS
        while time.monotonic() < deadline:
            if _has_tuple(netlink, family, address, port):
                return True
            time.sleep(0.02)
    return False


def _has_tuple(netlink: Netlink, family: int, address: bytes, port: int) -> bool:
    first = 1 if family == socket.AF_INET else 3
    addresses = attribute(1, attribute(first, address) + attribute(first + 1, address), nested=True)
    number = struct.pack("!H", port)
    protocol = attribute(1, bytes([socket.IPPROTO_UDP])) + attribute(2, number) + attribute(3, number)
    body = attribute(1, addresses + attribute(2, protocol, nested=True), nested=True)
    netlink.send(IPCTNL_MSG_CT_GET, NLM_F_ACK, nfgen(family) + body)
    return bool(_answers(netlink))


def _has_entry(netlink: Netlink, family: int) -> bool:
    netlink.send(IPCTNL_MSG_CT_GET, NLM_F_DUMP, nfgen(family))
    return bool(_answers(netlink))


def _answers(netlink: Netlink) -> list[FlowCount]:
    found: list[FlowCount] = []
    netlink.socket.settimeout(5)
    try:
        data = netlink.receive()
        for kind, content in messages(data):
            if kind == NLMSG_ERROR and struct.unpack_from("=i", content)[0] == -errno.EPERM:
                raise PermissionError(errno.EPERM, "CAP_NET_ADMIN is needed for it")
        while parse_conntrack(data, 0.0, found) == MORE:
            data = netlink.receive()
    finally:
        netlink.socket.setblocking(False)
    return found
