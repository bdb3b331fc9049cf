"""Diverted packets on a real kernel: answers leave from whatever address was asked.

The client's questions come into a namespace where every address is local; the sinkhole lives in another one, with the
resolvers that are asked.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dns.message
import dns.query
import dns.rcode
import dns.rrset
import pytest
from cable import FAR_V4, FAR_V6, Cable, cable
from place import Resolver, one_address, policy

from monitor.lab.namespace import RUN_DIRECTORY, Namespace, enter_namespace
from monitor.sinkhole.settings import SinkholeSettings
from monitor.sinkhole.sinkhole import Sinkhole

pytestmark = pytest.mark.netns

RESOLVERS = (FAR_V4, FAR_V6, "192.0.2.53", "2001:db8::53")


def run(place: Namespace, *commands: str) -> None:
    for command in commands:
        done = place.run(command.split())
        assert done.returncode == 0, (command, done.stderr)


@dataclass
class Diverted:
    wire: Cable
    loop: asyncio.AbstractEventLoop
    resolver: Resolver
    sinkhole: Sinkhole

    def ask(self, query: dns.message.Message, server: str, tcp: bool = False, port: int = 0) -> dns.message.Message:
        """dnspython takes an answer only from the address and port that it asked."""
        over = dns.query.tcp if tcp else dns.query.udp
        return self.wire.near.inside(lambda: over(query, server, 3, source_port=port))


@contextmanager
def diverted() -> Iterator[Diverted]:
    with cable() as wire, cable() as other:
        gateway, door = other.near, wire.far
        for family in ("-4", "-6"):
            run(
                door, f"ip {family} rule add iif v1 lookup 100", f"ip {family} route add local default dev lo table 100"
            )
            run(wire.near, f"ip {family} route add default dev v0")
            run(wire.near, "sysctl -w net.ipv6.conf.v0.accept_dad=0")
        for server in ("192.0.2.53", "2001:db8::53"):
            run(wire.near, f"ip neigh replace {server} lladdr 02:00:00:00:00:02 dev v0 nud permanent")
        run(gateway, *[f"ip addr add {server} dev lo" for server in RESOLVERS])
        loop = asyncio.new_event_loop()

        def live() -> None:
            enter_namespace(RUN_DIRECTORY / gateway.name)
            loop.run_forever()

        thread = threading.Thread(target=live, daemon=True)
        thread.start()

        async def begin() -> tuple[Sinkhole, list[Resolver]]:
            resolvers = [Resolver(one_address), Resolver(one_address)]
            await resolvers[0].open_anywhere(socket.AF_INET, 53)
            await resolvers[1].open_anywhere(socket.AF_INET6, 53)
            resolvers[1].asked = resolvers[0].asked
            resolvers[1].script = lambda query, tcp: resolvers[0].script(query, tcp)
            sinkhole = Sinkhole(SinkholeSettings(), policy, lambda client, name, decision: None)
            await sinkhole.open_door("v0", lambda *kind: door.inside(lambda: socket.socket(*kind)))
            return sinkhole, resolvers

        async def end(sinkhole: Sinkhole, resolvers: list[Resolver]) -> None:
            await sinkhole.stop()
            for resolver in resolvers:
                resolver.close()
            for _ in range(5):
                await asyncio.sleep(0)

        sinkhole, resolvers = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
        try:
            yield Diverted(wire, loop, resolvers[0], sinkhole)
        finally:
            asyncio.run_coroutine_threadsafe(end(sinkhole, resolvers), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()


def test_answers_come_from_whoever_was_asked() -> None:
    with diverted() as place:
        for server in RESOLVERS:
            for tcp in (False, True):
                banned = dns.message.make_query("tiktok.com", "A", use_edns=True)
                assert place.ask(banned, server, tcp).rcode() == dns.rcode.NXDOMAIN
                passed = place.ask(dns.message.make_query("example.com", "A"), server, tcp)
                assert passed.answer[0][0].to_text() == "192.0.2.1"
        assert place.ask(banned, RESOLVERS[2], port=40_000).rcode() == dns.rcode.NXDOMAIN
        assert len(place.resolver.asked) == 8
        assert place.sinkhole.counts.unsent == 0


def test_large_answers_arrive_in_fragments_from_whoever_was_asked() -> None:
    def script(query: dns.message.Message, tcp: bool) -> list[bytes]:
        answer = dns.message.make_response(query)
        name = query.question[0].name.to_text()
        for number in range(16):
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", "t" * 200 + str(number)))
        return [answer.to_wire(max_size=65_535)]

    with diverted() as place:
        place.resolver.script = script
        query = dns.message.make_query("big.example", "TXT", payload=4096)
        for server in RESOLVERS:
            assert len(place.ask(query, server).to_wire(max_size=65_535)) > 3_000


def test_a_probe_passes_the_door_and_a_closed_door_answers_nobody() -> None:
    with diverted() as place:
        assert asyncio.run_coroutine_threadsafe(place.sinkhole.probe(), place.loop).result(5) < 1
        place.loop.call_soon_threadsafe(place.sinkhole.close_door, "v0")
        with pytest.raises(dns.exception.Timeout):
            place.ask(dns.message.make_query("tiktok.com", "A"), RESOLVERS[2])
        assert place.sinkhole.doors == []


def test_whoever_asks_nobody_is_not_passed_on() -> None:
    """What was sent to the door's own loopback names no resolver, least of all the sinkhole's host."""
    with diverted() as place:
        query = dns.message.make_query("example.com", "A")
        answer = place.wire.far.inside(lambda: dns.query.udp(query, "127.0.0.1", 3))
        assert answer.rcode() == dns.rcode.SERVFAIL
        assert place.resolver.asked == []
