"""The page for banned names, served behind the diversion's namespace links if `[sinkhole].answer` is an address.

It uses no port of the gateway. If it cannot listen, one line is logged, and connections to the address reach the host
that has it, if there is one. Bans hold in any case.
"""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Final, final

from monitor.errors import MachineError
from monitor.kernel.netns.namespace_link import NamespaceLink
from monitor.log import log
from monitor.model import Samples
from monitor.sinkhole.settings import SinkholeSettings
from monitor.sinkhole.sockets import open_stream
from monitor.web.blocked import BlockedSite, Explain
from monitor.web.http import HttpLimits, HttpServer

PORT: Final = 80
LIMITS: Final = HttpLimits(connections=64, connections_max=128, per_client=16)
# Applications keep an answer longer than its TTL.
SINK_SECONDS: Final = 3600.0
WILDCARDS: Final = {4: "0.0.0.0", 16: "::"}


class BlockedPage:
    """`address` is the packed address whose port 80 serves this page now, `b""` if there is none."""

    def __init__(self, explain: Explain, section: SinkholeSettings) -> None:
        self.address = b""
        self._site = BlockedSite(explain)
        self._wanted = b""
        self._servers: dict[NamespaceLink, HttpServer] = {}
        self._refused = 0
        self._told = ""
        self.configure(section)

    def configure(self, section: SinkholeSettings) -> None:
        self._site.contact = section.contact
        self._site.ttl = section.ttl
        self._wanted = page_address(section)

    async def open(self, doors: Mapping[str, NamespaceLink]) -> None:
        """Listens behind every link if a page is configured. `address` shows the outcome."""
        if self._wanted != self.address:
            await self.close()
        for door in [door for door in self._servers if door not in doors.values()]:
            await self._end(door)
        try:
            for door in doors.values():
                if self._wanted and door not in self._servers:
                    await self._listen(door)
        except (OSError, MachineError) as error:
            await self.close()
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self._tell(f"the page for blocked names is off: cannot listen on port {PORT}: {reason}")
            return
        self.address = self._wanted
        self._told = ""

    async def close(self) -> None:
        self.address = b""
        for door in list(self._servers):
            await self._end(door)

    def samples(self) -> Samples:
        refused = self._refused + sum(server.refused for server in self._servers.values())
        counts = {**self._site.counts, "refused": refused}
        if not self.address and not any(counts.values()):
            return {}
        return {"blocked_page_requests_total": {(action,): float(count) for action, count in counts.items()}}

    async def _listen(self, door: NamespaceLink) -> None:
        server = HttpServer(self._site.answer, LIMITS)
        await server.listen(open_stream(door.make_socket, WILDCARDS[len(self._wanted)], PORT))
        self._servers[door] = server

    async def _end(self, door: NamespaceLink) -> None:
        server = self._servers.pop(door)
        await server.close()
        self._refused += server.refused

    def _tell(self, line: str) -> None:
        if line != self._told:
            log.error("%s", line)
        self._told = line


@final
class Sinks:
    """The packed addresses in recent answers for banned names. Clients use an answer for some time."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._current: frozenset[bytes] = frozenset()
        self._until: dict[bytes, float] = {}

    def take(self, addresses: frozenset[bytes]) -> frozenset[bytes]:
        """Sets the current addresses. Returns them with those of the last hour."""
        now = self._time()
        self._until = {address: until for address, until in self._until.items() if until > now}
        self._until.update(dict.fromkeys(self._current - addresses, now + SINK_SECONDS))
        self._current = addresses
        return addresses.union(self._until)  # `|` with the keys of a dict would give a set


def page_address(section: SinkholeSettings) -> bytes:
    """Returns the packed address to serve a page at, `b""` for none."""
    return next(iter(answer_addresses(section)), b"") if section.page else b""


def answer_addresses(section: SinkholeSettings) -> frozenset[bytes]:
    """Returns the packed address in the answers for banned names, if the configured answer is an address."""
    try:
        return frozenset((ip_address(section.answer).packed,))
    except ValueError:
        return frozenset()
