"""Chooses the upstream: the resolver that the client chose, those of the system, or a list; failed ones last."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final, final

from monitor.sinkhole.settings import ASKED, SYSTEM
from monitor.sinkhole.sockets import Peer

RESOLV_CONF: Final = Path("/etc/resolv.conf")
THIS_HOST: Final = (bytes((127, 0, 0, 1)),)  # the C library's default if no server is listed
SYSTEM_SECONDS: Final = 5.0  # between two checks for a change of the file
FAILURES_MAX: Final = 3
DOWN_SECONDS: Final = 10.0


@final
class Servers:
    """`own` are the addresses and ports of the sinkhole itself, excluded so that it never queries itself."""

    def __init__(self, upstream: str | tuple[bytes, ...], port: int, own: frozenset[tuple[bytes, int]]) -> None:
        self._upstream = upstream
        self._port = port
        self._own = own
        self._listed: list[Peer] = []
        self._failures: dict[Peer, int] = {}
        self._down_until: dict[Peer, float] = {}
        self._looked = -SYSTEM_SECONDS
        self._changed = 0.0
        if not isinstance(upstream, str):
            self._take(upstream)

    @property
    def is_asked(self) -> bool:
        return self._upstream == ASKED

    def candidates(self, address: bytes, port: int, scope: int, now: float) -> Sequence[Peer]:
        """Returns the upstreams for a query to that address and port, best first; none if that is the sinkhole."""
        if self._upstream == ASKED:
            if (address, port) in self._own or not is_elsewhere(address):
                return ()
            return (peer_of(address, port, scope),)
        if self._upstream == SYSTEM:
            self._look(now)
        if not self._down_until:
            return self._listed
        down = [peer for peer in self._listed if self._down_until.get(peer, 0.0) > now]
        return [peer for peer in self._listed if peer not in down] + down

    def answered(self, server: Peer) -> None:
        if self._failures and self._failures.pop(server, 0):
            self._down_until.pop(server, 0.0)

    def failed(self, server: Peer, now: float) -> None:
        """Counts a failure; after several in a row, the server comes last for `DOWN_SECONDS`."""
        if self._upstream == ASKED or server not in self._listed:
            return
        failures = self._failures.get(server, 0) + 1
        self._failures[server] = failures
        if failures >= FAILURES_MAX:
            self._down_until[server] = now + DOWN_SECONDS

    def _look(self, now: float) -> None:
        """Reads the system's resolvers again if the file has changed."""
        if now - self._looked < SYSTEM_SECONDS:
            return
        self._looked = now
        try:
            changed = os.stat(RESOLV_CONF).st_mtime
            if changed != self._changed:
                self._changed = changed
                self._take(listed_resolvers(RESOLV_CONF.read_text("utf-8", "replace")) or THIS_HOST)
        except OSError:  # keep the last known servers
            return

    def _take(self, addresses: Sequence[bytes]) -> None:
        own = self._own
        self._listed = [peer_of(address, self._port, 0) for address in addresses if (address, self._port) not in own]
        self._failures.clear()
        self._down_until.clear()


def peer_of(address: bytes, port: int, scope: int) -> Peer:
    """Converts a packed address to a socket address; `scope` is used for link-local ones only (RFC 4007)."""
    if len(address) == 4:
        return socket.inet_ntop(socket.AF_INET, address), port
    local = address[0] == 0xFE and address[1] & 0xC0 == 0x80
    return socket.inet_ntop(socket.AF_INET6, address), port, 0, scope if local else 0


def is_elsewhere(address: bytes) -> bool:
    """Whether a resolver at the address can be another host: not loopback, multicast or unspecified."""
    if len(address) == 4:
        return 0 < address[0] < 224 and address[0] != 127
    return address[0] != 0xFF and any(address[:15])


def listed_resolvers(text: str) -> list[bytes]:
    """Returns the packed addresses of the name servers in resolv.conf(5), in order."""
    found: list[bytes] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        family = socket.AF_INET6 if ":" in words[1] else socket.AF_INET
        try:
            found.append(socket.inet_pton(family, words[1].partition("%")[0]))
        except OSError:
            continue
    return found
