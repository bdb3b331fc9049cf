"""Tests enforcement: sends the packets of a banned client through every layer, each of which must refuse them in time.

The packets come from the self-test's own client (`kernel/netns/probe.py`), so no real client is affected:

    dns   a query over UDP and TCP is diverted to the sinkhole and answered from the address that was queried
    sni   a ClientHello with a banned name is seen, its client is reset, and later packets of its flow are refused
    quic  the same over QUIC: the client is notified, and later packets are cut (`quic.py`)
    ip    a connection to a banned address is refused

on IPv4 and IPv6, if this host forwards them. A layer that no ban needs is not tested.
"""

import asyncio
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from monitor.errors import MachineError
from monitor.kernel.netns.probe import PROBE_MAC, ProbeLink
from monitor.kernel.nft.enforcer import Enforcer
from monitor.model import PROTOCOL_TCP, TCP_ACK, TCP_RST, TCP_SYN, flow_key, reverse_key
from monitor.policy.ban import DNS, IP, SNI
from monitor.policy.table.probe import ProbeAddresses
from monitor.selftest.check import Check
from monitor.selftest.frames import Segment, make_frame, read_segment, wait_for
from monitor.selftest.pipeline import ProbeLine
from monitor.selftest.quic import forget, say_initial
from monitor.sinkhole.probe import OVER, probe_over
from monitor.sinkhole.responder import PROBE_NAME
from monitor.sinkhole.sinkhole import Sinkhole
from monitor.sinkhole.timeouts import in_time
from monitor.wire.build.client_hello import client_hello

# A layer of the self-test of its own: a ClientHello over QUIC takes another path than one over TLS.
QUIC: Final = "quic"
TRIED: Final = (DNS, SNI, QUIC, IP)
ATTEMPTS: Final = 2  # a machine may pause for a moment
WAIT_SECONDS: Final = 1.0
DNS_PORT: Final = 53
HTTPS: Final = 443
TCP_PSH: Final = 0x08
LEAP: Final = 1_000  # distinguishes the reset of one segment from that of another


async def try_enforcement(enforcer: Enforcer, link: ProbeLink, sinkhole: Sinkhole | None) -> list[Check]:
    """Tests every layer. `sinkhole` is None if no queries are diverted."""
    checks = await try_diversion(link, sinkhole) if sinkhole is not None else []
    line = ProbeLine(asyncio.get_running_loop(), lambda kill: enforcer.kill([kill]))
    try:
        hellos = try_forwarding(link, SNI, "TLS", partial(say_hello, enforcer, link))
        initials = try_forwarding(link, QUIC, "QUIC", partial(say_initial, enforcer, link))
        addresses = try_forwarding(link, IP, "TCP", partial(connect, link))
        found = await asyncio.gather(hellos, initials, addresses)
    finally:
        line.close()
    return [*checks, *[check for some in found for check in some]]


async def try_diversion(link: ProbeLink, sinkhole: Sinkhole) -> list[Check]:
    """Tests queries of every known address family, over both transports."""
    return await asyncio.gather(
        *[
            check(DNS, f"{over} on {family_name(addresses)}", partial(ask, link, sinkhole, addresses, kind))
            for addresses in link.known
            for kind, over in OVER.items()
        ]
    )


async def try_forwarding(
    link: ProbeLink, layer: str, over: str, attempt: Callable[[ProbeAddresses], Awaitable[float]]
) -> list[Check]:
    """Runs `attempt` for each address family that this host forwards."""
    return await asyncio.gather(
        *[
            check(layer, f"{over} on {family_name(addresses)}", partial(attempt, addresses))
            for addresses in link.forwarded
        ]
    )


async def check(layer: str, what: str, attempt: Callable[[], Awaitable[float]]) -> Check:
    """Repeats `attempt`, which returns its duration in seconds, until it succeeds, at most `ATTEMPTS` times."""
    began = time.monotonic()
    fault = ""
    for _ in range(ATTEMPTS):
        try:
            return Check(layer, what, await attempt())
        except MachineError as error:
            fault = str(error)
        except OSError as error:
            fault = f"{error.strerror or error}"
    return Check(layer, what, time.monotonic() - began, fault)


async def ask(link: ProbeLink, sinkhole: Sinkhole, addresses: ProbeAddresses, kind: int) -> float:
    family = socket.AF_INET if len(addresses.asker) == 4 else socket.AF_INET6
    server, asker = socket.inet_ntop(family, addresses.server), socket.inet_ntop(family, addresses.asker)
    return await probe_over(link.make_socket, kind, (server, DNS_PORT), sinkhole.expect, asker)


async def say_hello(enforcer: Enforcer, link: ProbeLink, addresses: ProbeAddresses) -> float:
    """Checks that the client is reset once its ClientHello was seen, and that its later packets are refused."""
    opening = new_flow(addresses.client, addresses.server)
    theirs = secrets.randbits(31)
    hello = client_hello(PROBE_NAME, secrets.token_bytes(32))
    first, then = opening.sequence + 1, opening.sequence + 1 + len(hello)
    segments = [
        opening,
        opening.back(theirs, first, TCP_SYN | TCP_ACK),
        opening.on(hello, first, theirs + 1, TCP_PSH | TCP_ACK),
    ]
    with link.open_frames() as frames:
        began = time.monotonic()
        try:
            for segment in segments:
                frames.send(make_frame(segment, PROBE_MAC))
            await reset(frames, opening.key, theirs + 1, "a hello with a banned name was not reset")
            frames.send(make_frame(opening.on(b"?", then, theirs + LEAP, TCP_PSH | TCP_ACK), PROBE_MAC))
            await reset(frames, opening.key, theirs + LEAP, "what followed on a cut flow was not refused")
            return time.monotonic() - began
        finally:
            forget(enforcer, opening.key)


async def connect(link: ProbeLink, addresses: ProbeAddresses) -> float:
    opening = new_flow(addresses.client, addresses.banned)
    with link.open_frames() as frames:
        began = time.monotonic()
        frames.send(make_frame(opening, PROBE_MAC))
        await reset(frames, opening.key, 0, "a connection to a banned address was not refused")
        return time.monotonic() - began


async def reset(frames: socket.socket, key: bytes, sequence: int, otherwise: str) -> None:
    """Waits for a reset to the source of `key` with this sequence number. Raises MachineError if none arrives."""
    back = reverse_key(key)

    def is_reset(seen: Segment) -> bool:
        return seen.key == back and bool(seen.flags & TCP_RST) and seen.sequence == sequence

    try:
        await in_time(wait_for(frames, read_segment, is_reset), WAIT_SECONDS)
    except TimeoutError as error:
        raise MachineError(f"{otherwise} within {WAIT_SECONDS:.0f} s") from error


def new_flow(client: bytes, server: bytes) -> Segment:
    """Returns the first segment of a connection, from a random port, to avoid those of earlier connections."""
    port = 0x8000 + secrets.randbits(14)
    return Segment(flow_key(client, server, port, HTTPS, PROTOCOL_TCP), secrets.randbits(31), 0, TCP_SYN)


def family_name(addresses: ProbeAddresses) -> str:
    return "IPv4" if len(addresses.client) == 4 else "IPv6"
