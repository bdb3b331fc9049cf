"""What gatewatch asks by itself: once a TTL, only whom it means to, and never more than it can bear."""

import asyncio
import gc
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dnslib import QTYPE, RCODE, RR, DNSRecord

from monitor.enforcement import resolver as lookups
from monitor.enforcement.resolver import AT_ONCE, COMING, DROPPED, KNOWN, WAITING_MAX, NameResolver
from monitor.lab.namespace import Namespace

pytestmark = pytest.mark.netns

FIRST, SECOND = "127.0.0.1", "127.0.0.2"
ADDRESS, SIX = socket.inet_aton("62.4.10.10"), socket.inet_pton(socket.AF_INET6, "2a01:cb00::10")
ZONE = """
www.example.org. 90 IN CNAME edge.example.net.
edge.example.net. 60 IN A 62.4.10.10
edge.example.net. 60 IN AAAA 2a01:cb00::10
stray.example. 60 IN A 62.4.10.99
"""

# What a server makes of a query: the answers that it sends, none for silence.
Reply = Callable[[DNSRecord], list[DNSRecord]]


@pytest.fixture(scope="module")
def space() -> Iterator[Namespace]:
    """A loopback whose port 53 is free."""
    made = Namespace(f"gwt-{os.getpid()}-lk")
    made.create()
    yield made
    made.remove()


class Server(asyncio.DatagramProtocol):
    """Keeps what it was asked; `names` in order, each once for A and once for AAAA."""

    def __init__(self, reply: Reply) -> None:
        self.asked: list[tuple[str, str]] = []
        self._reply = reply

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        query = DNSRecord.parse(data)
        self.asked.append((str(query.q.qname).rstrip("."), QTYPE[query.q.qtype]))
        for answer in self._reply(query):
            self.transport.sendto(answer.pack(), address)


def good(query: DNSRecord) -> list[DNSRecord]:
    """The whole chain, and a record that has nothing to do with it."""
    reply = query.reply()
    for record in RR.fromZone(ZONE):
        if record.rtype in (QTYPE.CNAME, query.q.qtype):
            reply.add_answer(record)
    return [reply]


def failing(query: DNSRecord) -> list[DNSRecord]:
    reply = query.reply()
    reply.header.rcode = RCODE.SERVFAIL
    return [reply]


def forged(query: DNSRecord) -> list[DNSRecord]:
    """Before the true answer one with another id, and one to another question."""
    wrong_id, wrong_name = good(query)[0], good(DNSRecord.question("other.example"))[0]
    wrong_id.header.id ^= 1
    wrong_name.header.id = query.header.id
    for answer in (wrong_id, wrong_name):
        answer.rr = RR.fromZone("www.example.org. IN A 6.6.6.6\nother.example. IN A 6.6.6.6")
    return [wrong_id, wrong_name, *good(query)]


def nothing(query: DNSRecord) -> list[DNSRecord]:
    return []


class World:
    """Servers, and the lookups that ask them; `found` is what they told, in order."""

    def __init__(self, servers: dict[str, Server]) -> None:
        self.servers = servers
        self.found: list[tuple[list[bytes], list[bytes], float]] = []
        self.lookups = NameResolver(lambda *told: self.found.append(told))
        self.lookups.resolvers = tuple(socket.inet_aton(address) for address in servers)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.found) < count:
                await asyncio.sleep(0.005)


def play(space: Namespace, story: Callable[[World], Awaitable[None]], **replies: Reply) -> World:
    """Runs the story with a server for each reply, the first at 127.0.0.1."""

    async def run() -> World:
        loop = asyncio.get_running_loop()
        servers: dict[str, Server] = {}
        for address, reply in zip((FIRST, SECOND), replies.values(), strict=False):
            servers[address] = Server(reply)
            await loop.create_datagram_endpoint(lambda made=servers[address]: made, local_addr=(address, 53))
        world = World(servers)
        await story(world)
        await world.lookups.close()
        for server in servers.values():
            server.transport.close()
        return world

    return space.inside(lambda: asyncio.run(run()))


async def ask_once(world: World) -> None:
    world.lookups.ask(b"www.example.org")
    await world.until(1)


def test_a_name_is_asked_for_both_families_and_its_chain_is_followed(space: Namespace) -> None:
    world = play(space, ask_once, good=good)
    assert world.found == [([b"www.example.org", b"edge.example.net"], [ADDRESS, SIX], 60.0)]
    assert sorted(world.servers[FIRST].asked) == [("www.example.org", "A"), ("www.example.org", "AAAA")]
    assert world.lookups.counts == {"answered": 1, "empty": 0, "failed": 0, "dropped": 0}


def test_it_is_asked_for_once_within_its_ttl(space: Namespace) -> None:
    async def story(world: World) -> None:
        assert [world.lookups.ask(b"www.example.org") for _ in range(3)] == [COMING] * 3
        await world.until(1)
        assert [world.lookups.ask(b"www.example.org") for _ in range(3)] == [KNOWN] * 3
        world.lookups.forget()
        assert world.lookups.ask(b"www.example.org") == COMING
        await world.until(2)

    assert len(play(space, story, good=good).servers[FIRST].asked) == 4


def test_answers_that_fit_no_question_are_not_believed(space: Namespace) -> None:
    world = play(space, ask_once, forged=forged)
    assert world.found == [([b"www.example.org", b"edge.example.net"], [ADDRESS, SIX], 60.0)]


@pytest.mark.parametrize("first", [failing, nothing])
def test_the_next_server_is_asked_where_one_fails(space: Namespace, first: Reply) -> None:
    world = play(space, ask_once, first=first, good=good)
    assert world.found[0][1] == [ADDRESS, SIX]
    assert len(world.servers[FIRST].asked) == len(world.servers[SECOND].asked) == 2


def test_where_all_fail_that_is_told_and_tried_again_later(space: Namespace) -> None:
    async def story(world: World) -> None:
        await ask_once(world)
        assert world.lookups.ask(b"www.example.org") == KNOWN

    world = play(space, story, first=failing, second=failing)
    assert world.found[0][:2] == ([b"www.example.org"], [])
    assert world.lookups.counts["failed"] == 1


def test_the_systems_resolver_is_found_whatever_else_its_file_says(
    space: Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "resolv.conf"
    file.write_bytes(b"# le caf\xe9\nsearch r\xe9seau.example\nnameserver 127.0.0.1\n")
    monkeypatch.setattr(lookups, "RESOLV_CONF", file)

    async def story(world: World) -> None:
        world.lookups.resolvers = ()
        await ask_once(world)

    assert play(space, story, good=good).found[0][1] == [ADDRESS, SIX]


def test_a_question_that_failed_on_the_way_can_be_asked_again(space: Namespace) -> None:
    async def story(world: World) -> None:
        resolvers, world.lookups.resolvers = world.lookups.resolvers, (b"no address",)
        failed: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: failed.append(context["exception"]))
        world.lookups.ask(b"www.example.org")
        async with asyncio.timeout(20):
            while not failed:
                await asyncio.sleep(0.005)
                gc.collect()
        world.lookups.resolvers = resolvers
        await ask_once(world)

    assert play(space, story, good=good).found[0][1] == [ADDRESS, SIX]


@pytest.mark.parametrize("name", [b"", b".", b"a..b", b"a" * 64 + b".example", b"\\000.example", b"a." * 130 + b"b"])
def test_what_is_no_host_name_is_never_asked_for(space: Namespace, name: bytes) -> None:
    async def story(world: World) -> None:
        assert world.lookups.ask(name) == KNOWN

    assert play(space, story, good=good).servers[FIRST].asked == []


def test_a_flood_of_names_waits_in_a_bounded_queue_and_what_is_urgent_overtakes(space: Namespace) -> None:
    async def story(world: World) -> None:
        results = [world.lookups.ask(b"%d.example.org" % number) for number in range(10_000)]
        assert results.count(COMING) == AT_ONCE + WAITING_MAX
        assert results.count(DROPPED) == 10_000 - AT_ONCE - WAITING_MAX
        assert world.lookups.ask(b"www.example.org", urgent=True) == COMING
        await world.until(AT_ONCE + 2)

    world = play(space, story, good=good)
    assert world.lookups.counts["dropped"] == 10_000 - AT_ONCE - WAITING_MAX
    assert [b"www.example.org" in names for names, _, _ in world.found].index(True) <= AT_ONCE + 1
    assert len({name for name, _ in world.servers[FIRST].asked}) <= 2 * AT_ONCE
