"""Asks for a name's addresses itself: what clients were told by resolvers of their choice moves no address.

The system's resolvers are asked, or the configured ones, once a TTL at most; an answer counts only from the address
that was asked, with the id and the question (RFC 5452 section 9.1).
"""

import asyncio
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from monitor.attribution.networks import parse_prefix
from monitor.config.sections import Sinkhole
from monitor.errors import ErrorCounts
from monitor.model import PROTOCOL_UDP, DnsMessage, Packet, flow_key
from monitor.sinkhole.settings import SYSTEM
from monitor.wire.answers import TYPE_A, TYPE_AAAA, record_address
from monitor.wire.dns import parse_message

RESOLV_CONF: Final = Path("/etc/resolv.conf")
DNS_PORT: Final = 53
WAIT_SECONDS: Final = 2.0
NAMES_MAX: Final = 4_096
AT_ONCE: Final = 32
TTL_LEAST: Final = 30.0
TTL_MOST: Final = 3_600.0
ANSWER_BYTES: Final = 4_096
FAILED_SECONDS: Final = 10.0

# The name, its packed addresses and the seconds for which they may be believed.
Found = Callable[[bytes, list[bytes], float], None]


class Lookups:
    """`found` is told of every answer that has addresses."""

    def __init__(self, found: Found) -> None:
        self.resolvers: tuple[bytes, ...] = ()
        self._found = found
        self._due: dict[bytes, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, name: bytes) -> None:
        """Asks for the name, unless it was asked for within its TTL."""
        now = time.monotonic()
        if self._due.get(name, 0.0) > now or len(self._tasks) >= AT_ONCE or not wire_name(name):
            return
        if len(self._due) >= NAMES_MAX:
            del self._due[next(iter(self._due))]
        self._due[name] = now + FAILED_SECONDS
        task = asyncio.get_running_loop().create_task(self._look_up(name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def forget(self) -> None:
        """What was found is to be asked for again."""
        self._due.clear()

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look_up(self, name: bytes) -> None:
        servers = self.resolvers or system_resolvers()
        messages = await asyncio.gather(*[ask_any(servers, name, kind) for kind in (TYPE_A, TYPE_AAAA)])
        records = [(message, record) for message in messages if message is not None for record in message.answers]
        addresses = [address for message, record in records if (address := record_address(message, record))]
        if addresses:
            ttl = min(max(TTL_LEAST, float(min(record.ttl for _, record in records))), TTL_MOST)
            # Asked again a little before it lapses.
            self._due[name] = time.monotonic() + ttl / 2
            self._found(name, addresses, ttl + TTL_LEAST)


def system_resolvers() -> tuple[bytes, ...]:
    """The name servers of this machine, packed."""
    try:
        lines = RESOLV_CONF.read_text().splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    found = [parse_prefix(line[1].partition("%")[0]) for line in words if len(line) > 1 and line[0] == "nameserver"]
    return tuple(server.value.to_bytes(server.size, "big") for server in found if server is not None)


def never_diverted(section: Sinkhole) -> tuple[bytes, ...]:
    """Resolvers whose own questions are left alone: one of them that lives on the LAN would be asked what it asks.

    They are those of `exempt`, and whomever the sinkhole passes questions on to.
    """
    exempt = [address.packed for address in section.exempt]
    if isinstance(section.upstream, str):
        return (*exempt, *(system_resolvers() if section.upstream == SYSTEM else ()))
    return (*exempt, *[address.packed for address in section.upstream])


async def ask_any(servers: tuple[bytes, ...], name: bytes, kind: int) -> DnsMessage | None:
    """The answer of the first server that gives one."""
    for server in servers:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await ask_one(server, name, kind)
        except OSError:  # TimeoutError is one
            continue
    return None


async def ask_one(server: bytes, name: bytes, kind: int) -> DnsMessage:
    """Raises OSError where the server cannot be asked."""
    loop = asyncio.get_running_loop()
    number = secrets.token_bytes(2)
    query = number + b"\x01\x00\0\x01\0\0\0\0\0\0" + wire_name(name) + kind.to_bytes(2, "big") + b"\0\x01"
    family = socket.AF_INET if len(server) == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        await loop.sock_connect(asking, (socket.inet_ntop(family, server), DNS_PORT))
        await loop.sock_sendall(asking, query)
        while True:
            data = await loop.sock_recv(asking, ANSWER_BYTES)
            message = read_message(data)
            if message is None or not message.is_response or data[:2] != number:
                continue
            if (message.name, message.type) == (name, kind):
                return message


def wire_name(name: bytes) -> bytes:
    """A host name as questions have it (RFC 1035 section 3.1), `b""` for what is no host name."""
    labels = name.split(b".")
    if b"\\" in name or not all(0 < len(label) < 64 for label in labels):
        return b""
    return b"".join([bytes((len(label),)) + label for label in labels]) + b"\0"


def read_message(data: bytes) -> DnsMessage | None:
    nobody = Packet(0.0, 0, 0, b"", flow_key(bytes(4), bytes(4), 0, 0, PROTOCOL_UDP), len(data), 0)
    return parse_message(nobody, data, 0, len(data), 0, False, ErrorCounts())
