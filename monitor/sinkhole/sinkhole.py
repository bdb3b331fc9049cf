"""The sinkhole: opens and closes listeners, applies settings, reports samples."""

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence
from typing import Final, final

from monitor.errors import MachineError
from monitor.model import Samples
from monitor.periodic import Periodic
from monitor.sinkhole.counts import Counts
from monitor.sinkhole.decision import Blocked, Decide
from monitor.sinkhole.probe import probe
from monitor.sinkhole.query_ids import QueryIds
from monitor.sinkhole.responder import Responder
from monitor.sinkhole.servers import Servers
from monitor.sinkhole.settings import ANYWHERE, Listen, SinkholeSettings
from monitor.sinkhole.sockets import Behind, MakeSocket, Peer, family_of, open_datagrams, open_stream, packed
from monitor.sinkhole.tcp_listener import TcpListener
from monitor.sinkhole.tcp_upstream import TcpUpstream
from monitor.sinkhole.templates import Templates
from monitor.sinkhole.udp_listener import UdpListener
from monitor.sinkhole.udp_upstream import UdpUpstream

TICK_SECONDS: Final = 0.1
ACCEPTS_PER_TURN: Final = 256


@final
class _Door:
    """The listeners for the clients behind one interface."""

    def __init__(self, make: MakeSocket, behind: Behind) -> None:
        self.make = make
        self.behind = behind
        self.listening: list[Listen] = []
        self.datagrams: list[UdpListener] = []
        self.streams: list[asyncio.Server] = []


@final
class Sinkhole:
    """Answers and forwards queries; needs a running loop. Raises ConfigError if `settings.answer` is invalid."""

    def __init__(
        self, settings: SinkholeSettings, decide: Decide, blocked: Blocked, counts: Counts | None = None
    ) -> None:
        """`counts` are those of an earlier sinkhole to continue."""
        self.settings = settings
        self.counts = counts if counts is not None else Counts()
        self._loop = asyncio.get_running_loop()
        self._dice = QueryIds()
        self._responder = Responder(decide, blocked, Templates(settings.answer, settings.ttl), self.counts)
        self._streams = TcpListener(self._responder, settings.limits, self._make_upstream)
        self._doors: dict[str, _Door] = {}
        self._servers = self._make_servers()
        self._upstream = UdpUpstream(self._loop, self._responder, self._servers, settings.limits)
        self._timer = Periodic(self._loop, "the sinkhole's tick", TICK_SECONDS, self._tick)
        self._timer.start()

    @property
    def doors(self) -> list[str]:
        """Returns the names of the open doors."""
        return list(self._doors)

    def listening(self, name: str) -> list[Listen]:
        """Returns the addresses and ports on which the door listens."""
        return list(self._doors[name].listening)

    async def open_door(
        self, name: str, make: MakeSocket = socket.socket, listen: Sequence[Listen] = ANYWHERE, link: int = 0
    ) -> None:
        """Listens for the clients behind the interface `name`, with sockets from `make`.

        If `link` is the index of a link in the namespace of `make`, packets leave through that link like a client's
        own: the resolvers that clients choose are queried there, from the clients' addresses.
        Raises MachineError with a one-line message on failure; then no listener of the door stays open. An address
        family that the kernel does not have is left out.
        """
        door = _Door(make, Behind(link, make) if link else Behind(scope_of(name)))
        try:
            for place in listen:
                await self._listen(door, place)
        except OSError as error:
            self._close(door)
            raise MachineError(f"the sinkhole cannot listen for {name}: {error.strerror or error}") from error
        self._doors[name] = door
        self._take_servers()

    def close_door(self, name: str) -> None:
        """Closes the listeners; queries in flight are not answered."""
        door = self._doors.pop(name, None)
        if door is not None:
            self._close(door)
            self._take_servers()

    async def stop(self) -> None:
        """Closes everything; clients that wait for an answer retry, and reach their own resolver."""
        self._timer.stop()
        for name in self.doors:
            self.close_door(name)
        self._streams.close()
        self._upstream.close()
        await asyncio.sleep(0)  # lets the loop close the connections' sockets

    def configure(self, settings: SinkholeSettings) -> None:
        """Applies a new answer, TTL and upstream, not the limits. Raises ConfigError, and then changes nothing."""
        self._responder.forms = Templates(settings.answer, settings.ttl)
        self.settings = settings
        self._take_servers()

    async def probe(self) -> float:
        """Returns the seconds of the slowest answer of all doors, UDP and TCP. Raises MachineError if one fails."""
        slowest = 0.0
        for door in list(self._doors.values()):
            for place in door.listening:
                slowest = max(slowest, await probe(door.make, place.address, place.port, self.expect))
        return slowest

    def expect(self, query: bytes) -> bytes:
        """Returns the answer to a query of `probe`, in the form of answers to banned names."""
        answer = self._responder.ask(b"", query)
        return answer if isinstance(answer, bytes) else b""

    def samples(self) -> Samples:
        for door in self._doors.values():
            for datagrams in door.datagrams:
                datagrams.count_unread()
        return {
            **self.counts.samples(),
            "table_entries": {
                ("sinkhole_queries",): float(len(self._upstream)),
                ("sinkhole_connections",): float(len(self._streams)),
            },
        }

    async def _listen(self, door: _Door, place: Listen) -> None:
        try:
            stream = open_stream(door.make, place.address, place.port)
        except OSError as error:
            if error.errno == errno.EAFNOSUPPORT:
                return
            raise
        port = stream.getsockname()[1]
        accepting = self._streams.accepting(door.behind)
        door.streams.append(await self._loop.create_server(accepting, sock=stream, backlog=ACCEPTS_PER_TURN))
        listener = open_datagrams(door.make, place.address, port)
        datagrams = UdpListener(listener, door.behind, self._responder, self._upstream.forward)
        datagrams.open(self._loop)
        door.datagrams.append(datagrams)
        door.listening.append(Listen(place.address, port))

    def _close(self, door: _Door) -> None:
        for stream in door.streams:
            stream.close()
        for datagrams in door.datagrams:
            datagrams.close(self._loop)
        self._upstream.leave(door.behind)

    def _take_servers(self) -> None:
        self._servers = self._make_servers()
        self._upstream.servers = self._servers

    def _make_servers(self) -> Servers:
        places = [place for door in self._doors.values() for place in door.listening]
        own = frozenset((socket.inet_pton(family_of(place.address), place.address), place.port) for place in places)
        return Servers(self.settings.upstream, self.settings.upstream_port, own)

    def _make_upstream(self, asked: Peer, client: Peer, behind: Behind, give: Callable[[bytes], None]) -> TcpUpstream:
        """Makes the upstream of a connection that a client opened to `asked`."""
        servers = self._servers
        found = servers.candidates(packed(asked), asked[1], behind.scope, self._loop.time())
        candidates = found[: self.settings.limits.servers]
        return TcpUpstream(self._responder, servers, candidates, self._dice, give, client, behind)

    def _tick(self) -> None:
        now = self._loop.time()
        self._upstream.expire(now)
        self._streams.expire(now)


def scope_of(name: str) -> int:
    """Returns the index of the interface of that name, 0 if there is none."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0
