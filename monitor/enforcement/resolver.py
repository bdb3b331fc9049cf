"""Resolves names for gatewatch itself: answers to clients, from resolvers of their choice, change no address.

Queries the system's resolvers or the configured ones, at most once per TTL. An answer counts only if it comes from the
queried address, with the same id and question (RFC 5452 section 9.1). Devices determine which names are resolved, so
the number of pending names, the number of concurrent lookups and their rate are limited.
"""

import asyncio
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final

from monitor.attribution.answers import follow
from monitor.errors import ErrorCounts
from monitor.model import PROTOCOL_UDP, DnsMessage, Packet, flow_key
from monitor.sinkhole.servers import RESOLV_CONF, listed_resolvers
from monitor.sinkhole.settings import SYSTEM, SinkholeSettings
from monitor.wire.dns.addresses import TYPE_A, TYPE_AAAA, record_address
from monitor.wire.dns.message import parse_message

DNS_PORT: Final = 53
WAIT_SECONDS: Final = 2.0
NAMES_MAX: Final = 16_384
WAITING_MAX: Final = 1_024
AT_ONCE: Final = 16
# A slot is free again this long after it was taken: at most 80 names per second are resolved.
SLOT_SECONDS: Final = 0.2
ADDRESSES_MAX: Final = 64
TTL_LEAST: Final = 30.0
TTL_MOST: Final = 3_600.0
ANSWER_BYTES: Final = 4_096
FAILED_SECONDS: Final = 10.0
NAME_BYTES_MAX: Final = 253
TRUNCATED: Final = 0x0200
NO_ERROR: Final = 0
NO_NAME: Final = 3

ANSWERED: Final = "answered"
EMPTY: Final = "empty"
FAILED: Final = "failed"
DROPPED: Final = "dropped"

# Results of `ask`: the answer is pending, the name was resolved within its TTL, or (DROPPED) too many are pending.
COMING: Final = "coming"
KNOWN: Final = "known"

# Called with the name and its CNAME chain, its packed addresses (may be empty) and its TTL in seconds.
Found = Callable[[list[bytes], list[bytes], float], None]


class NameResolver:
    """Calls `found` at the end of every lookup, including failed ones."""

    def __init__(self, found: Found) -> None:
        self.resolvers: tuple[bytes, ...] = ()
        self.counts = dict.fromkeys((ANSWERED, EMPTY, FAILED, DROPPED), 0)
        self.evictions = 0
        self._found = found
        self._due: dict[bytes, float] = {}
        self._urgent: dict[bytes, None] = {}
        self._waiting: dict[bytes, None] = {}
        self._asking: set[bytes] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._was_urgent = False

    def __len__(self) -> int:
        return len(self._due)

    def ask(self, name: bytes, urgent: bool = False) -> str:
        """Resolves the name unless that was done within its TTL. Urgent names get every second slot."""
        if name in self._asking or name in self._urgent or (name in self._waiting and not urgent):
            return COMING
        if self._due.get(name, 0.0) > time.monotonic() or not wire_name(name):
            return KNOWN
        queue = self._urgent if urgent else self._waiting
        if len(queue) >= WAITING_MAX:
            self.counts[DROPPED] += 1
            return DROPPED
        self._waiting.pop(name, None)
        queue[name] = None
        self._go_on()
        return COMING

    def forget(self, names: Sequence[bytes] | None = None) -> None:
        """Clears the results for these names, or all, so that they can be resolved again before their TTL expires."""
        for name in list(self._due) if names is None else names:
            self._due.pop(name, None)

    async def close(self) -> None:
        self._urgent.clear()
        self._waiting.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._asking.clear()

    def _go_on(self) -> None:
        """Assigns free slots to the names that have waited longest."""
        while len(self._tasks) < AT_ONCE and (self._urgent or self._waiting):
            self._was_urgent = bool(self._urgent) and (not self._waiting or not self._was_urgent)
            queue = self._urgent if self._was_urgent else self._waiting
            name = next(iter(queue))
            del queue[name]
            self._asking.add(name)
            task = asyncio.get_running_loop().create_task(self._take_slot(name))
            self._tasks.add(task)
            task.add_done_callback(self._leave_slot)

    async def _take_slot(self, name: bytes) -> None:
        began = time.monotonic()
        await self._look_up(name)
        await asyncio.sleep(max(0.0, began + SLOT_SECONDS - time.monotonic()))

    def _leave_slot(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._go_on()

    async def _look_up(self, name: bytes) -> None:
        try:
            servers = self.resolvers or system_resolvers()
            messages = await asyncio.gather(*[ask_any(servers, name, kind) for kind in (TYPE_A, TYPE_AAAA)])
        finally:
            self._asking.discard(name)
        names, addresses, ttl = read_answers(name, [message for message in messages if message is not None])
        if addresses:
            self._settle(name, ANSWERED, ttl)
        elif any(message is None for message in messages):
            self._settle(name, FAILED, FAILED_SECONDS)
        else:
            self._settle(name, EMPTY, TTL_LEAST)
        self._found(names, addresses, ttl)

    def _settle(self, name: bytes, result: str, seconds: float) -> None:
        self.counts[result] += 1
        self._due.pop(name, 0.0)
        if len(self._due) >= NAMES_MAX:
            del self._due[next(iter(self._due))]
            self.evictions += 1
        self._due[name] = time.monotonic() + seconds


def read_answers(name: bytes, messages: list[DnsMessage]) -> tuple[list[bytes], list[bytes], float]:
    """Returns the name with its CNAME chain, its addresses, and how many seconds they are valid."""
    names = {name: None}
    addresses: dict[bytes, None] = {}
    ttls: list[int] = []
    for message in messages:
        chain = follow(message, name)
        names.update(dict.fromkeys(chain))
        for record in message.answers:
            if record.name in chain:
                address = record_address(message, record)
                addresses.update({address: None} if address else {})
                ttls.append(record.ttl)
    ttl = min(max(TTL_LEAST, float(min(ttls, default=0))), TTL_MOST)
    return list(names), list(addresses)[:ADDRESSES_MAX], ttl


def system_resolvers() -> tuple[bytes, ...]:
    """Returns the packed addresses of this machine's name servers."""
    try:
        return tuple(listed_resolvers(RESOLV_CONF.read_text("utf-8", "replace")))
    except OSError:
        return ()


def never_diverted(section: SinkholeSettings) -> tuple[bytes, ...]:
    """Returns the resolvers whose own queries are not diverted: diverting those of a resolver on the LAN would loop.

    These are the resolvers in `exempt` and the upstream resolvers of the sinkhole.
    """
    exempt = section.exempt
    if isinstance(section.upstream, str):
        return (*exempt, *(system_resolvers() if section.upstream == SYSTEM else ()))
    return (*exempt, *section.upstream)


async def ask_any(servers: tuple[bytes, ...], name: bytes, kind: int) -> DnsMessage | None:
    """Returns the answer of the first server with one. Failures and refusals do not count as answers."""
    for server in servers:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                message = await ask_one(server, name, kind)
                if message.flags & TRUNCATED:
                    message = await ask_stream(server, name, kind)
        except (OSError, asyncio.IncompleteReadError):  # TimeoutError is an OSError
            continue
        if message.rcode in (NO_ERROR, NO_NAME):
            return message
    return None


async def ask_one(server: bytes, name: bytes, kind: int) -> DnsMessage:
    """Returns the server's answer over UDP. Raises OSError if the server cannot be queried."""
    loop = asyncio.get_running_loop()
    query = make_query(name, kind)
    family = socket.AF_INET if len(server) == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        await loop.sock_connect(asking, (socket.inet_ntop(family, server), DNS_PORT))
        await loop.sock_sendall(asking, query)
        while True:
            message = read_answer(await loop.sock_recv(asking, ANSWER_BYTES), query, name, kind)
            if message is not None:
                return message


async def ask_stream(server: bytes, name: bytes, kind: int) -> DnsMessage:
    """Returns an answer that is too long for a datagram (RFC 7766). Raises OSError or IncompleteReadError."""
    query = make_query(name, kind)
    family = socket.AF_INET if len(server) == 4 else socket.AF_INET6
    reader, writer = await asyncio.open_connection(socket.inet_ntop(family, server), DNS_PORT)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    finally:
        writer.close()
    message = read_answer(data, query, name, kind)
    if message is None:
        raise OSError("not an answer to what was asked")
    return message


def make_query(name: bytes, kind: int) -> bytes:
    head = secrets.token_bytes(2) + b"\x01\x00\0\x01\0\0\0\0\0\0"
    return head + wire_name(name) + kind.to_bytes(2, "big") + b"\0\x01"


def read_answer(data: bytes, query: bytes, name: bytes, kind: int) -> DnsMessage | None:
    """Returns the message if it is the answer to this query (RFC 5452 section 9.1), else None."""
    message = read_message(data)
    if message is None or not message.is_response or data[:2] != query[:2]:
        return None
    return message if (message.name, message.type) == (name, kind) else None


def wire_name(name: bytes) -> bytes:
    """Encodes a host name for a question (RFC 1035 section 3.1). Returns `b""` if it is not a host name."""
    labels = name.split(b".")
    if b"\\" in name or len(name) > NAME_BYTES_MAX or not all(0 < len(label) < 64 for label in labels):
        return b""
    return b"".join([bytes((len(label),)) + label for label in labels]) + b"\0"


def read_message(data: bytes) -> DnsMessage | None:
    nobody = Packet(0.0, 0, 0, b"", flow_key(bytes(4), bytes(4), 0, 0, PROTOCOL_UDP), len(data), 0)
    return parse_message(nobody, data, 0, len(data), 0, False, ErrorCounts())
