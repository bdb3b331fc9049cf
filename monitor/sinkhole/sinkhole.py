"""The sinkhole as the daemon holds it: opened, asked for its state, told of changes, closed."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Final, final

from monitor.errors import MachineError
from monitor.model import Samples
from monitor.sinkhole.counts import Counts
from monitor.sinkhole.datagram_door import DatagramDoor
from monitor.sinkhole.datagram_upstream import DatagramUpstream
from monitor.sinkhole.decision import Blocked, Decide
from monitor.sinkhole.dice import Dice
from monitor.sinkhole.forms import Forms
from monitor.sinkhole.probe import probe
from monitor.sinkhole.responder import Responder
from monitor.sinkhole.servers import Servers
from monitor.sinkhole.settings import ASKED, Listen, SinkholeSettings
from monitor.sinkhole.sockets import AnyoneSocket, MakeSocket, Peer, family_of, open_datagrams, open_stream, packed
from monitor.sinkhole.stream_door import StreamDoor
from monitor.sinkhole.stream_upstream import StreamUpstream

TICK_SECONDS: Final = 0.1
ACCEPTS_PER_TURN: Final = 256


@final
class Sinkhole:
    """See the package; made inside a running loop. Raises ConfigError where `settings.answer` is no answer.

    `make` makes the sockets that face the clients, where they live in another network namespace than the daemon.
    """

    def __init__(
        self, settings: SinkholeSettings, decide: Decide, blocked: Blocked, make: MakeSocket = socket.socket
    ) -> None:
        self.settings = settings
        self.counts = Counts()
        self.listening: list[Listen] = []
        self._loop = asyncio.get_running_loop()
        self._make = make
        self._dice = Dice()
        self._responder = Responder(decide, blocked, Forms(settings.answer, settings.ttl), self.counts)
        self._streams = StreamDoor(self._responder, settings.limits, self._make_upstream)
        self._doors: list[DatagramDoor] = []
        self._accepting: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None
        self._servers = self._make_servers()
        self._upstream = DatagramUpstream(self._loop, self._responder, self._servers, settings.limits, settings.mark)

    async def start(self) -> None:
        """Listens at every address. Raises MachineError, a line, where one cannot be had; then nothing is open."""
        if self.settings.upstream == ASKED and not self.settings.transparent:
            raise MachineError("the sinkhole cannot know which resolver was asked where packets are not diverted to it")
        try:
            for listen in self.settings.listen:
                await self._listen(listen)
        except OSError as error:
            await self.stop()
            raise MachineError(f"the sinkhole cannot listen at {listen.address} port {listen.port}: {error}") from error
        self._servers = self._make_servers()
        self._upstream.servers = self._servers
        self._tick()

    async def stop(self) -> None:
        """Closes everything; whoever waits for an answer asks again, and somebody else."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for server in self._accepting:
            server.close()
        for door in self._doors:
            door.close(self._loop)
        self._streams.close()
        self._upstream.close()
        self._doors = []
        self._accepting = []
        self.listening = []
        await asyncio.sleep(0)  # in which the connections' sockets are closed

    def configure(self, settings: SinkholeSettings) -> None:
        """Takes a new answer, ttl and upstream; the rest stays as it was opened. Raises ConfigError."""
        self._responder.forms = Forms(settings.answer, settings.ttl)
        self.settings = replace(self.settings, answer=settings.answer, ttl=settings.ttl, upstream=settings.upstream)
        self._servers = self._make_servers()
        self._upstream.servers = self._servers

    async def probe(self) -> float:
        """Seconds until every door has answered. Raises MachineError where one does not."""
        slowest = 0.0
        for listen in self.listening:
            slowest = max(slowest, await probe(self._make, listen.address, listen.port))
        return slowest

    def samples(self) -> Samples:
        return {
            **self.counts.samples(),
            "table_entries": {
                ("sinkhole_queries",): float(len(self._upstream)),
                ("sinkhole_connections",): float(len(self._streams)),
            },
        }

    async def _listen(self, listen: Listen) -> None:
        settings = self.settings
        listener = open_datagrams(self._make, listen.address, listen.port, settings.transparent, settings.mark)
        try:
            anyone = None
            if settings.transparent:
                anyone = AnyoneSocket(self._make, family_of(listen.address), settings.mark)
        except OSError:
            listener.close()
            raise
        door = DatagramDoor(listener, anyone, self._responder, self._upstream.forward)
        self._doors.append(door)
        port = listener.getsockname()[1]
        stream = open_stream(self._make, listen.address, port, settings.transparent, settings.mark)
        accept = self._streams.accept
        self._accepting.append(await self._loop.create_server(accept, sock=stream, backlog=ACCEPTS_PER_TURN))
        door.open(self._loop)
        self.listening.append(Listen(listen.address, port))

    def _make_servers(self) -> Servers:
        own = frozenset(
            (socket.inet_pton(family_of(listen.address), listen.address), listen.port) for listen in self.listening
        )
        return Servers(self.settings.upstream, self.settings.upstream_port, own)

    def _make_upstream(self, sockname: Peer, give: Callable[[bytes], None]) -> StreamUpstream:
        """For a connection that a client opened to `sockname`."""
        scope = sockname[3] if len(sockname) == 4 else 0
        servers = self._servers
        found = servers.candidates(packed(sockname), sockname[1], scope, self._loop.time())
        candidates = found[: self.settings.limits.servers]
        return StreamUpstream(self._responder, servers, candidates, self.settings.mark, self._dice, give)

    def _tick(self) -> None:
        now = self._loop.time()
        self._upstream.expire(now)
        self._streams.expire(now)
        self._timer = self._loop.call_later(TICK_SECONDS, self._tick)
