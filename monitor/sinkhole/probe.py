"""Asks the sinkhole as a client would, to see that it answers and how fast."""

import asyncio
import socket
from typing import Final

from dnslib import RCODE, DNSRecord

from monitor.errors import MachineError
from monitor.sinkhole.framing import framed
from monitor.sinkhole.responder import PROBE_NAME
from monitor.sinkhole.sockets import MakeSocket, Peer, family_of

PROBE_SECONDS: Final = 1.0


async def probe(make: MakeSocket, address: str, port: int) -> float:
    """Seconds until the slower of UDP and TCP has answered there. Raises MachineError where one does not."""
    loop = asyncio.get_running_loop()
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    query = bytes(DNSRecord.question(PROBE_NAME.decode()).pack())
    began = loop.time()
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            replies = await asyncio.gather(
                _datagram(make, (address, port), query), _stream(make, (address, port), query)
            )
    except OSError as error:  # TimeoutError is one
        raise MachineError(f"the sinkhole does not answer at {address} port {port}: {error or 'timeout'}") from error
    if any(DNSRecord.parse(reply).header.rcode != RCODE.NXDOMAIN or reply[:2] != query[:2] for reply in replies):
        raise MachineError(f"somebody else answers at {address} port {port}")
    return loop.time() - began


async def _datagram(make: MakeSocket, server: Peer, query: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    with make(family_of(server[0]), socket.SOCK_DGRAM, 0) as client:
        client.setblocking(False)
        await loop.sock_connect(client, server)
        await loop.sock_sendall(client, query)
        return await loop.sock_recv(client, 512)


async def _stream(make: MakeSocket, server: Peer, query: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    with make(family_of(server[0]), socket.SOCK_STREAM, 0) as client:
        client.setblocking(False)
        await loop.sock_connect(client, server)
        await loop.sock_sendall(client, framed(query))
        data = await loop.sock_recv(client, 514)
        return data[2:]
