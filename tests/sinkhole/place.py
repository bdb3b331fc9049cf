"""A sinkhole on loopback and the resolver behind it, in a thread; tests ask from outside with real clients."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import dns.exception
import dns.message
import dns.rrset

from monitor.errors import MachineError
from monitor.lab.programs.anywhere import UdpAnywhere
from monitor.sinkhole.decision import PASS, Blocked, Decide, Decision
from monitor.sinkhole.framing import Framer, framed
from monitor.sinkhole.settings import Listen, SinkholeLimits, SinkholeSettings
from monitor.sinkhole.sinkhole import Sinkhole

BANNED = Decision(banned=True, text="Policy 2022-17")
STRIPPED = Decision(banned=False, strip_ech=True)
LOOPBACK = (Listen("127.0.0.1", 0), Listen("::1", 0))
LOCALHOST = bytes((127, 0, 0, 1))
# What the resolver says to a query, as messages in wire form: none, one or several.
Script = Callable[[dns.message.Message, bool], list[bytes]]


def policy(client: bytes, name: bytes, is_target: bool) -> Decision:
    """tiktok.com and what is below it is banned, names below strip.example lose `ech`, everything else passes."""
    if name == b"tiktok.com" or name.endswith(b".tiktok.com"):
        return BANNED
    return STRIPPED if name.endswith(b"strip.example") else PASS


def reply(query: dns.message.Message, *records: str) -> dns.message.Message:
    """An answer with these records, each `owner ttl IN type rdata`."""
    answer = dns.message.make_response(query, recursion_available=True)
    for record in records:
        owner, ttl, _, kind, rdata = record.split(" ", 4)
        answer.answer.append(dns.rrset.from_text(owner, int(ttl), "IN", kind, rdata))
    return answer


def one_address(query: dns.message.Message, tcp: bool) -> list[bytes]:
    name = query.question[0].name.to_text()
    return [reply(query, f"{name} 60 IN A 192.0.2.1").to_wire()]


class Resolver(asyncio.DatagramProtocol):
    """Answers by a script, over UDP and TCP of one port, and keeps what it was asked."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[bytes] = []
        self.ports: list[int] = []
        self.port = 0
        self._transport: Any = None
        self._server: Any = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self, host: str = "127.0.0.1", port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(self._stream, host, port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, self.port))

    async def open_anywhere(self, family: int, port: int) -> None:
        """At every address of the machine, answering from the one that was asked."""
        host = "::" if family == socket.AF_INET6 else "0.0.0.0"
        self._server = await asyncio.start_server(self._stream, host, port, family=family)
        self._transport = UdpAnywhere(family, port, lambda data, peer: self.datagram_received(data, peer))

    def close(self) -> None:
        self._transport.close()
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    def answers(self, data: bytes, tcp: bool) -> list[bytes]:
        self.asked.append(data)
        try:
            return self.script(dns.message.from_wire(data), tcp)
        except dns.exception.DNSException:  # what dnspython does not take gets no answer
            return []

    def datagram_received(self, data: bytes, peer: Any) -> None:
        self.ports.append(peer[1])
        for answer in self.answers(data, False):
            self._transport.sendto(answer, peer)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = Framer(65_535)
        self._writers.add(writer)
        while data := await reader.read(65_536):
            framer.feed(data)
            while (message := framer.take()) is not None:
                for answer in self.answers(message, True):
                    writer.write(framed(answer))
        writer.close()


class Place:
    """A running sinkhole; `v4` and `v6` are where it listens."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.blocked: list[bytes] = []
        self.resolver = Resolver(one_address)
        self.sinkhole: Sinkhole
        self.v4 = Listen("", 0)
        self.v6 = Listen("", 0)

    def call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def count(self, kind: str, reason: str) -> int:
        table: dict[str, int] = getattr(self.sinkhole.counts, kind)
        return table[reason]

    async def open(self, settings: SinkholeSettings, decide: Decide, script: Script) -> None:
        self.resolver.script = script
        await self.resolver.open()
        told: Blocked = lambda client, name, decision: self.blocked.append(name)  # noqa: E731
        port = settings.upstream_port or self.resolver.port
        self.sinkhole = Sinkhole(replace(settings, upstream_port=port), decide, told)
        for attempt in range(5):
            try:
                await self.sinkhole.open_door("loopback", listen=LOOPBACK)
                break
            except MachineError:  # a port that was free for TCP and is taken for UDP
                if attempt == 4:
                    raise
        self.v4, self.v6 = self.sinkhole.listening("loopback")

    async def close(self) -> None:
        await self.sinkhole.stop()
        self.resolver.close()
        for _ in range(5):
            await asyncio.sleep(0)


@contextmanager
def sinkhole(
    answer: str = "nxdomain", script: Script = one_address, decide: Decide = policy, ttl: int = 10,
    upstream: tuple[bytes, ...] = (LOCALHOST,), upstream_port: int = 0, limits: SinkholeLimits | None = None,
) -> Iterator[Place]:  # fmt: skip
    """A sinkhole that passes on to a resolver that follows the script."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    place = Place(loop)
    limits = limits or SinkholeLimits(asked_seconds=0.4, server_seconds=0.4, stream_seconds=0.6, idle_seconds=5)
    settings = SinkholeSettings(answer=answer, ttl=ttl, upstream=upstream, upstream_port=upstream_port, limits=limits)
    place.call(place.open(settings, decide, script))
    try:
        yield place
    finally:
        place.call(place.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
