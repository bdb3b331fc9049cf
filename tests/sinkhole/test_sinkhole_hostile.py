"""Whatever arrives, memory stays bounded, everything is counted, and the next client is served."""

import asyncio
import random
import resource
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

import dns.message
import dns.query
import dns.rcode
import pytest
from place import Place, sinkhole

from monitor.sinkhole.framing import framed
from monitor.sinkhole.settings import SinkholeLimits

pytestmark = pytest.mark.slow

PACKETS = 20_000
PATIENCE_SECONDS = 60.0
BANNED = dns.message.make_query("www.tiktok.com", "HTTPS", want_dnssec=True)
ALLOWED = dns.message.make_query("www.example.com", "A")


def still_serves(place: Place) -> None:
    for over in (dns.query.udp, dns.query.tcp):
        assert over(BANNED, place.v4.address, 3, place.v4.port).rcode() == dns.rcode.NXDOMAIN
        assert over(ALLOWED, place.v4.address, 3, place.v4.port).answer


def mutated(dice: random.Random) -> bytes:
    data = bytearray(dice.choice((BANNED, ALLOWED)).to_wire())
    for _ in range(dice.randrange(6)):
        data[dice.randrange(len(data))] = dice.randrange(256)
    kind = dice.randrange(4)
    if kind == 0:
        return bytes(data[: dice.randrange(len(data) + 1)])
    if kind == 1:
        return bytes(data) + dice.randbytes(dice.randrange(600))
    return dice.randbytes(dice.randrange(100)) if kind == 2 else bytes(data)


def memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_mutated_packets_are_counted_and_cost_no_memory() -> None:
    limits = SinkholeLimits(in_flight=64, in_flight_per_client=64, server_seconds=0.2)
    with sinkhole(limits=limits) as place, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        dice = random.Random(3)
        client.connect((place.v4.address, place.v4.port))
        client.setblocking(False)
        before = 0
        for number in range(PACKETS):
            client.send(mutated(dice))
            if number == PACKETS // 4:
                before = memory()
            if number % 50 == 0:
                drain(client, place, number)
        assert memory() - before < 20_000  # KiB
        wait_until(lambda: len(place.sinkhole._upstream) == 0)
        still_serves(place)
        counts = place.sinkhole.counts
        assert sum(counts.queries.values()) > PACKETS * 0.95
        assert all(counts.queries[action] > 100 for action in ("banned", "error", "dropped", "passed"))
        assert len(place.sinkhole._upstream) == 0


def test_queries_that_come_faster_than_they_are_read_are_counted() -> None:
    with sinkhole() as place, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((place.v4.address, place.v4.port))
        busy, over = threading.Event(), threading.Event()

        async def stand_still() -> None:
            busy.set()
            over.wait(60)

        standing = asyncio.run_coroutine_threadsafe(stand_still(), place.loop)
        busy.wait(60)
        for _ in range(PACKETS):
            client.send(BANNED.to_wire())
        over.set()
        standing.result(60)
        wait_until(lambda: sum(place.sinkhole.samples()["sinkhole_queries_total"].values()) >= PACKETS)
        queries = place.sinkhole.samples()["sinkhole_queries_total"]
        assert queries["unread",] > 100
        assert queries["banned",] + queries["unread",] == PACKETS
        still_serves(place)
        place.sinkhole.close_door("loopback")
        assert place.sinkhole.samples()["sinkhole_queries_total"]["unread",] == queries["unread",]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def drain(client: socket.socket, place: Place, sent: int) -> None:
    """Reads what came back, and waits for the sinkhole where it lags behind."""
    end = time.monotonic() + PATIENCE_SECONDS
    while sum(place.sinkhole.counts.queries.values()) < sent - 100 and time.monotonic() < end:
        time.sleep(0.001)
    try:
        while client.recv(65_535):
            pass
    except OSError:  # nothing more
        return


def test_idle_connections_keep_nobody_out() -> None:
    limits = SinkholeLimits(connections=64, connections_per_client=8, idle_seconds=60)
    with sinkhole(limits=limits) as place, ExitStack() as held:
        for number in range(400):
            client = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            client.bind((f"127.0.{number % 100}.{2 + number // 200}", 0))
            client.connect((place.v4.address, place.v4.port))
        still_serves(place)
        assert place.sinkhole.samples()["table_entries"][("sinkhole_connections",)] <= 64
        assert place.count("connections", "full") >= 300
        for _ in range(20):
            held.enter_context(socket.create_connection((place.v4.address, place.v4.port), 3))
        wait_until(lambda: place.count("connections", "greedy") >= 10)


def test_idle_connections_are_closed() -> None:
    with (
        sinkhole(limits=SinkholeLimits(idle_seconds=0.3)) as place,
        socket.create_connection((place.v4.address, place.v4.port), 3) as client,
    ):
        client.sendall(framed(BANNED.to_wire())[:-1])
        began = time.monotonic()
        assert ended(client)
        assert time.monotonic() - began > 0.2
        assert place.count("connections", "idle") == 1


def ended(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_stream_that_is_no_dns_ends() -> None:
    with sinkhole() as place:
        for data in (b"GET / HTTP/1.1\r\n\r\n", b"\0\3abc", framed(b"\0\0\x80\0" + bytes(8))):
            with socket.create_connection((place.v4.address, place.v4.port), 3) as client:
                client.sendall(data)
                assert ended(client)
        assert place.count("connections", "malformed") == 3
        still_serves(place)


def test_a_client_that_reads_nothing_is_cut_off() -> None:
    large = dns.message.make_response(ALLOWED).to_wire() + bytes(60_000)

    with (
        sinkhole(script=lambda query, tcp: [query.id.to_bytes(2, "big") + large[2:]]) as place,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client,
    ):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((place.v4.address, place.v4.port))
        client.settimeout(0.2)
        with suppress(OSError):
            for _ in range(2_000):
                client.sendall(framed(ALLOWED.to_wire()))
        end = time.monotonic() + PATIENCE_SECONDS
        while place.count("connections", "slow") == 0:
            assert time.monotonic() < end
            time.sleep(0.01)


def test_a_flood_over_one_connection_does_not_hold_up_others() -> None:
    with sinkhole() as place, socket.create_connection((place.v4.address, place.v4.port), 3) as flood:
        flood.setblocking(False)
        data = framed(BANNED.to_wire()) * 4_000
        worst = 0.0
        for _ in range(20):
            with suppress(OSError):
                flood.send(data)
                flood.recv(1 << 20)
            began = time.monotonic()
            dns.query.udp(BANNED, place.v4.address, 3, place.v4.port)
            worst = max(worst, time.monotonic() - began)
        assert worst < 0.25
