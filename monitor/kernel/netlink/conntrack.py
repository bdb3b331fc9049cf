"""Conntrack counters: NEW and DESTROY events as they happen, and periodic dumps of all entries.

The only setting changed is `nf_conntrack_acct`, without which the kernel counts no bytes. Conntrack is inactive in a
network namespace until a rule there requires it. Activating it would change the administrator's firewall, so
`is_tracking` only reports whether it is active.
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

NFNLGRP_CONNTRACK_NEW: Final = 1
NFNLGRP_CONNTRACK_DESTROY: Final = 3
IPCTNL_MSG_CT_GET: Final = 0x0101  # NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET
EVENTS_BUFFER_BYTES: Final = 67_108_864  # about 50,000 events: thousands of flows may end at the same time
PROBE_SECONDS: Final = 0.2
ACCOUNTING: Final = Path("/proc/sys/net/netfilter/nf_conntrack_acct")


@final
class Conntrack:
    """Event subscription and dump, on two sockets. Raises OSError if the privilege or kernel support is missing.

    `overruns` counts how often the socket lost events; each loss starts a dump that replaces them. `dump_began` is the
    monotonic time at which the last dump began, `dumped` the number of entries it returned. `is_behind` is True if more
    events were pending than `read_events` was allowed to read.
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
        """Returns flows that began or ended since the last call, reading at most `events_max` datagrams."""
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
        """Requests all entries, which `read_dump` returns. A request during a dump starts when that dump ends."""
        if self.is_dumping:
            self._wanted = True
            return
        self._wanted = False
        self.dumped = 0
        self.dump_began = time.monotonic()
        self.dumps.send(IPCTNL_MSG_CT_GET, NLM_F_DUMP, nfgen(socket.AF_UNSPEC))
        self.is_dumping = True

    def read_dump(self, now: float, datagrams_max: int = 8) -> list[FlowCount]:
        """Returns the next entries of the dump, some hundred per datagram. Clears `is_dumping` after the last ones."""
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
    """Makes conntrack count bytes. Returns the line to log, "" if byte counting was already enabled.

    Raises OSError if that is impossible: no conntrack in the kernel, or a read-only /proc/sys.
    """
    if ACCOUNTING.read_text().strip() == "1":
        return ""
    ACCOUNTING.write_text("1")
    return "enabled net.netfilter.nf_conntrack_acct: flows that are older have no byte counts"


def is_tracking(family: int) -> bool:
    """Whether conntrack tracks packets of this address family (AF_INET, AF_INET6) in this network namespace.

    True if conntrack has an entry, or creates one for a datagram sent over the loopback interface for this purpose.
    Raises OSError if the kernel has no conntrack.
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
