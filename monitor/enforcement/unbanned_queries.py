"""Checks whether unbanned queries get through when the sinkhole forwards them with their clients' addresses.

Each interface is tested with the addresses of neighbours that the kernel knows on it. NAT, filters and resolvers treat
the test query like a query of these clients. Its response is diverted before it reaches them, so no device is affected.
The queried servers are the gateway's own address on the interface and the system's resolvers. An interface without any
response fails only if one of these resolvers answers the gateway itself. If none answers the gateway either, or if the
interface has no neighbour, there is no result.
"""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Mapping, Sequence
from ipaddress import ip_interface
from typing import Final

from monitor.attribution.networks import address_text
from monitor.enforcement.resolver import make_query, system_resolvers
from monitor.kernel.netlink.interfaces import Address, look_at_machine
from monitor.kernel.netlink.neighbours import reachable
from monitor.kernel.netns.namespace_link import NamespaceLink
from monitor.policy.ban import DNS
from monitor.policy.table.probe import PROBE
from monitor.selftest.check import Check
from monitor.sinkhole.servers import is_elsewhere, peer_of
from monitor.sinkhole.settings import DNS_PORT
from monitor.sinkhole.sockets import Control, family_of, receive_info, sent_from
from monitor.sinkhole.timeouts import in_time
from monitor.wire.dns.addresses import TYPE_A

ANSWER_SECONDS: Final = 0.5
ATTEMPTS: Final = 3
CLIENTS_MAX: Final = 3
SERVERS_MAX: Final = 3
ANSWER_BYTES: Final = 4_096
# Conntrack entries with this source port count for no device. It is below the range of the kernel's ephemeral ports.
OWN_PORT: Final = 16_384 + secrets.randbits(14)
# Resolvers answer this name themselves (RFC 6761 section 6.3).
NAME: Final = b"localhost"


async def try_ordinary(doors: Mapping[str, NamespaceLink]) -> list[Check]:
    """Tests each interface and address family. Returns one check for each of them that had a result."""
    machine = look_at_machine()
    tries = []
    for name, door in doors.items():
        interface = machine.interface(name)
        if interface is None or name == PROBE:
            continue
        for size in (4, 16):
            own = [one for one in interface.addresses if len(one.packed) == size and not is_link_local(one.packed)]
            clients = clients_of(door, interface.index, own)
            servers = servers_of(own)
            if clients and servers:
                tries.append(try_family(door, clients, servers))
    return [check for check in await asyncio.gather(*tries) if check is not None]


async def try_family(door: NamespaceLink, clients: Sequence[bytes], servers: Sequence[bytes]) -> Check | None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    what = f"an ordinary question on {door.interface} over IPv{4 if len(clients[0]) == 4 else 6}"
    pairs = [(client, server) for client in clients for server in servers if client != server]
    if pairs and await ask_as(door, pairs):
        return Check(DNS, what, loop.time() - began)
    own = await asyncio.gather(*[ask(server) for server in servers])
    answering = [address_text(server) for server, answered in zip(servers, own, strict=True) if answered]
    if not answering:
        return None
    fault = (
        f"clients get no answer from {answering[0]}, which answers the gateway itself: look for rules about port 53 on "
        f'{door.interface}, or let the gateway ask, by [sinkhole].upstream = "system"'
    )
    return Check(DNS, what, loop.time() - began, fault)


def clients_of(door: NamespaceLink, index: int, own: Sequence[Address]) -> list[bytes]:
    """Returns client addresses for the test: neighbours, or free addresses on a link without MAC addresses."""
    if not own:
        return []
    taken = {address.packed for address in own}
    if door.ethernet:
        known = [address for address in reachable(index) if len(address) == len(own[0].packed)]
        return [address for address in known if address not in taken and not is_link_local(address)][:CLIENTS_MAX]
    network = ip_interface((own[0].packed, own[0].length)).network
    if network.num_addresses < 4:
        return []
    return [address.packed for address in (network[-2], network[-3]) if address.packed not in taken][:1]


def servers_of(own: Sequence[Address]) -> list[bytes]:
    """Returns the gateway's address on the interface, then the system's resolvers of the same family."""
    if not own:
        return []
    size = len(own[0].packed)
    others = [address for address in system_resolvers() if len(address) == size and is_elsewhere(address)]
    return list(dict.fromkeys([own[0].packed, *others]))[:SERVERS_MAX]


async def ask_as(door: NamespaceLink, pairs: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether a server answers a query from the client address paired with it."""
    try:
        with door.make_socket(family_of(address_text(pairs[0][1])), socket.SOCK_DGRAM) as asking:
            receive_info(asking)
            return await is_answered(asking, OWN_PORT, [(sent_from(client, door.far), to) for client, to in pairs])
    except OSError:
        return False


async def ask(server: bytes) -> bool:
    """Whether the server answers this host."""
    try:
        with socket.socket(family_of(address_text(server)), socket.SOCK_DGRAM) as asking:
            return await is_answered(asking, 0, [(None, server)])
    except OSError:
        return False


async def is_answered(asking: socket.socket, port: int, ways: Sequence[tuple[Control | None, bytes]]) -> bool:
    """Whether any response to one of the queries arrives. Raises OSError if the port cannot be bound."""
    query = secrets.token_bytes(2) + make_query(NAME, TYPE_A)[2:]
    asking.setblocking(False)
    asking.bind(("::" if asking.family == socket.AF_INET6 else "0.0.0.0", port))
    for _ in range(ATTEMPTS):  # a datagram may be lost
        for control, server in ways:
            with contextlib.suppress(OSError):
                asking.sendmsg([query], [control] if control is not None else [], 0, peer_of(server, DNS_PORT, 0))
        with contextlib.suppress(TimeoutError):
            return await in_time(answered(asking, query), ANSWER_SECONDS)
    return False


async def answered(asking: socket.socket, query: bytes) -> bool:
    loop = asyncio.get_running_loop()
    while True:
        data = await loop.sock_recv(asking, ANSWER_BYTES)
        if data[:2] == query[:2] and len(data) > 2 and data[2] & 0x80:
            return True


def is_link_local(address: bytes) -> bool:
    return len(address) == 16 and address[0] == 0xFE and address[1] & 0xC0 == 0x80
