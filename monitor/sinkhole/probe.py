"""Queries the sinkhole as a client does, to check that the sinkhole itself answers, and how fast."""

import asyncio
import secrets
import socket
from collections.abc import Callable
from typing import Final, TypeAlias

from dnslib import EDNS0, DNSRecord

from monitor.errors import MachineError
from monitor.sinkhole.framing import framed
from monitor.sinkhole.responder import PROBE_NAME
from monitor.sinkhole.sockets import MakeSocket, Peer, be_anywhere, family_of
from monitor.sinkhole.timeouts import in_time

PROBE_SECONDS: Final = 1.0
ANSWER_BYTES: Final = 1_024
OVER: Final[dict[int, str]] = {socket.SOCK_DGRAM: "UDP", socket.SOCK_STREAM: "TCP"}

# Returns the answer to a query that only the sinkhole gives.
Expect: TypeAlias = Callable[[bytes], bytes]


async def probe(make: MakeSocket, address: str, port: int, expect: Expect) -> float:
    """Returns the seconds until both UDP and TCP have answered. Raises MachineError if one does not answer."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    return max(await asyncio.gather(*[probe_over(make, kind, (address, port), expect) for kind in OVER]))


async def probe_over(make: MakeSocket, kind: int, server: Peer, expect: Expect, source: str = "") -> float:
    """Returns the seconds until the sinkhole has answered a query to `server` over one transport.

    `source` is the source address, which this host need not have. Raises MachineError if the sinkhole does not answer,
    or if another server does.
    """
    loop = asyncio.get_running_loop()
    query = make_query()
    where = f"{server[0]} port {server[1]} over {OVER[kind]}"
    began = loop.time()
    try:
        with make(family_of(server[0]), kind, 0) as client:
            client.setblocking(False)
            if source:
                be_anywhere(client)
                client.bind((source, 0))
            reply = await in_time(_ask(client, kind, server, query), PROBE_SECONDS)
    except TimeoutError as error:
        raise MachineError(f"the sinkhole did not answer at {where} within {PROBE_SECONDS:.0f} s") from error
    except OSError as error:
        raise MachineError(f"the sinkhole does not answer at {where}: {error.strerror or error}") from error
    if reply != expect(query):
        raise MachineError(f"a server other than the sinkhole answers at {where}")
    return loop.time() - began


def make_query() -> bytes:
    """Returns a query with EDNS, so that the answer can contain the sinkhole's extended DNS error."""
    record = DNSRecord.question(PROBE_NAME.decode())
    record.header.id = secrets.randbits(16)
    record.add_ar(EDNS0(udp_len=1232))
    return bytes(record.pack())


async def _ask(client: socket.socket, kind: int, server: Peer, query: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, server)
    if kind == socket.SOCK_DGRAM:
        await loop.sock_sendall(client, query)
        return await loop.sock_recv(client, ANSWER_BYTES)
    await loop.sock_sendall(client, framed(query))
    data = b""
    while len(data) < 2 or len(data) - 2 < int.from_bytes(data[:2], "big"):
        more = await loop.sock_recv(client, ANSWER_BYTES)
        if not more:
            raise OSError("the connection ended without an answer")
        data += more
    return data[2:]
