"""Diverted packets on a real kernel: answers leave from the address that was asked, and nobody's packets are stolen.

The gateway has a resolver at port 53 of every address, so that nothing could be bound there; the client asks it, and
another one that exists nowhere near.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

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

FAR_RESOLVER_V4, FAR_RESOLVER_V6 = "192.0.2.53", "2001:db8::53"
RULES = """
table inet divert {
    chain untracked {
        type filter hook prerouting priority raw; policy accept;
        iifname "v1" meta l4proto { tcp, udp } th dport 53 notrack
    }
    chain divert {
        type filter hook prerouting priority mangle; policy accept;
        iifname != "v1" accept
        meta l4proto { tcp, udp } th dport 53 tproxy ip to 127.0.0.1:10054 meta mark set 7 accept
        meta l4proto { tcp, udp } th dport 53 tproxy ip6 to [::1]:10054 meta mark set 7 accept
    }
}
"""


def run(gateway: Namespace, *commands: str) -> None:
    for command in commands:
        done = gateway.run(command.split())
        assert done.returncode == 0, (command, done.stderr)


@contextmanager
def diverted() -> Iterator[tuple[Cable, Sinkhole, Resolver]]:
    with cable() as wire:
        gateway = wire.far
        assert gateway.run(["nft", "-f", "-"], input=RULES).returncode == 0
        run(
            gateway,
            "ip rule add fwmark 7 lookup 77",
            "ip route add local 0.0.0.0/0 dev lo table 77",
            "ip -6 rule add fwmark 7 lookup 77",
            "ip -6 route add local ::/0 dev lo table 77",
            f"ip addr add {FAR_RESOLVER_V4}/32 dev lo",
            f"ip addr add {FAR_RESOLVER_V6}/128 dev lo nodad",
        )
        run(wire.near, f"ip route add default via {FAR_V4}", f"ip -6 route add default via {FAR_V6}")
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
            await sinkhole.start()
            return sinkhole, resolvers

        async def end(sinkhole: Sinkhole, resolvers: list[Resolver]) -> None:
            await sinkhole.stop()
            for resolver in resolvers:
                resolver.close()
            for _ in range(5):
                await asyncio.sleep(0)

        sinkhole, resolvers = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
        try:
            yield wire, sinkhole, resolvers[0]
        finally:
            asyncio.run_coroutine_threadsafe(end(sinkhole, resolvers), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()


def ask(wire: Cable, name: str, server: str, tcp: bool, port: int = 0) -> dns.message.Message:
    """dnspython takes an answer only from the address and port that it asked."""
    over = dns.query.tcp if tcp else dns.query.udp
    query = dns.message.make_query(name, "A", use_edns=True)
    return wire.near.inside(lambda: over(query, server, 3, source_port=port))


def test_answers_come_from_whoever_was_asked() -> None:
    with diverted() as (wire, sinkhole, resolver):
        for server in (FAR_V4, FAR_V6, FAR_RESOLVER_V4, FAR_RESOLVER_V6):
            for tcp in (False, True):
                assert ask(wire, "tiktok.com", server, tcp).rcode() == dns.rcode.NXDOMAIN
                assert ask(wire, "example.com", server, tcp).answer[0][0].to_text() == "192.0.2.1"
        assert ask(wire, "tiktok.com", FAR_RESOLVER_V4, False, 40_000).rcode() == dns.rcode.NXDOMAIN
        assert len(resolver.asked) == 8
        assert sinkhole.counts.unsent == 0


def test_large_answers_arrive_in_fragments_from_whoever_was_asked() -> None:
    def script(query: dns.message.Message, tcp: bool) -> list[bytes]:
        answer = dns.message.make_response(query)
        name = query.question[0].name.to_text()
        for number in range(16):
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", "t" * 200 + str(number)))
        return [answer.to_wire(max_size=65_535)]

    with diverted() as (wire, _, resolver):
        resolver.script = script
        query = dns.message.make_query("big.example", "TXT", payload=4096)
        for server in (FAR_RESOLVER_V4, FAR_RESOLVER_V6):
            answer = wire.near.inside(lambda server=server: dns.query.udp(query, server, 3))
            assert len(answer.to_wire(max_size=65_535)) > 3_000


def test_a_probe_passes_the_transparent_doors() -> None:
    with diverted() as (wire, sinkhole, _):
        assert asyncio.run_coroutine_threadsafe(sinkhole.probe(), sinkhole._loop).result(5) < 1
        # What reaches the sinkhole undiverted has no resolver to be passed on to, least of all itself.
        query = dns.message.make_query("example.com", "A")
        answer = wire.far.inside(lambda: dns.query.udp(query, "127.0.0.1", 3, 10_054))
        assert answer.rcode() == dns.rcode.SERVFAIL


def test_the_answers_are_neither_heard_nor_held() -> None:
    """The raw socket takes no copy of the machine's datagrams."""
    with diverted() as (wire, sinkhole, _):
        ask(wire, "tiktok.com", FAR_RESOLVER_V4, False)
        (raw,) = [door._anyone._socket for door in sinkhole._doors if door._anyone and not door._anyone._v6]
        with pytest.raises(BlockingIOError):
            raw.recv(100)
        assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
