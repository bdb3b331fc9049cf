"""Tracks QUIC connections by their clients' Initial packets, on any port.

A datagram is QUIC if it has a long header of a known version, and is a client's if its packet opens with the keys
derived from its destination id: the AEAD authenticates both. The keys follow the client's first id; a Retry, or a new
connection on the same ports, appears as an id whose own keys open the packet (RFC 9001 section 5.2).

Tables by flow and client id, each with its maximum, the oldest entry is dropped first:

    connections   at least one packet was opened
    refused       no packet could be opened: the number of tries by flow, client id and tried id. A damaged or forged
                  packet may come before a good one of the same ids, so a few are tried
"""

from typing import Final, final

from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import Observation, Packet, reverse_key
from monitor.wire.quic.connection import GOOD, QuicConnection
from monitor.wire.quic.crypto import ClientKeys
from monitor.wire.quic.header import Header, read_header
from monitor.wire.quic.versions import HANDSHAKE, INITIAL, RETRY

# Packets that are opened for a hello. Servers set no limit of their own; the bytes that are kept have theirs.
PACKETS_MAX: Final = 1024
# Failed packets of one id after which further packets with this id are not tried.
REFUSALS_MAX: Final = 8
# Packets opened after a ClientHello, for the second one after a HelloRetryRequest.
PACKETS_BEHIND_HELLO: Final = 4
# Maximum of new ids of a connection, each of which costs new keys.
ATTEMPTS_MAX: Final = 8
# Packets that cannot be opened cost 30 µs: this is the limit per second.
FAILURES_PER_SECOND: Final = 2000
# The cost of a connection in addition to its bytes.
CONNECTION_OVERHEAD: Final = 2048


@final
class QuicConnections:
    """QUIC connections of all clients. `evictions` counts the entries dropped by full tables, by table."""

    __slots__ = (
        "_limits", "bytes_held", "connections", "errors", "evictions", "failures", "refused", "second",
    )  # fmt: skip

    def __init__(self, limits: Limits, errors: ErrorCounts) -> None:
        self.errors = errors
        self._limits = limits
        self.bytes_held = 0
        self.second = 0
        self.failures = 0
        self.connections: dict[bytes, QuicConnection] = {}
        self.refused: dict[bytes, int] = {}
        self.evictions: dict[str, int] = {"quic_connections": 0, "quic_refused": 0}

    def resize(self, limits: Limits) -> None:
        """Changes the limits. Excess entries are dropped when the next entries are added."""
        self._limits = limits

    def datagram(self, packet: Packet, data: bytes, start: int, end: int, out: list[Observation]) -> bool:
        """Reads a UDP payload; appends what it completes to `out`. `True`: it was QUIC, with a long header."""
        header = read_header(data, start, end)
        if header is None:
            return False
        packet.opening = True
        while header is not None:
            if header.kind == INITIAL:
                self._read_initial(packet, data, header, out)
            elif header.kind == HANDSHAKE:
                self._close(packet.key + header.source_id)
            elif header.kind == RETRY:
                retried = self.connections.get(reverse_key(packet.key) + header.destination_id)
                if retried is not None:
                    retried.retry_id = header.source_id
            header = read_header(data, header.end, end)
        return True

    def expire(self, now: float) -> None:
        """Drops the connections that have been silent for `stream_seconds`."""
        oldest = now - self._limits.stream_seconds
        silent = [key for key, connection in self.connections.items() if connection.time < oldest]
        for key in silent:
            self._remove(key)

    def table_sizes(self) -> dict[str, int]:
        return {"quic_connections": len(self.connections), "quic_refused": len(self.refused)}

    def _read_initial(self, packet: Packet, data: bytes, header: Header, out: list[Observation]) -> None:
        key = packet.key + header.source_id
        connection = self.connections.get(key)
        if connection is None:
            answered = self.connections.get(reverse_key(packet.key) + header.destination_id)
            if answered is not None:
                answered.learn(header.source_id)
                return
        else:
            connection.time = packet.time
            if connection.keys is not None:
                frames = connection.keys.open(data, header)
                if frames is not None:
                    connection.learn(header.destination_id)
                    self._read_frames(packet, header, connection, frames, out)
                    return
            if header.destination_id in connection.ids or connection.attempts >= ATTEMPTS_MAX:
                return
            connection.attempts += 1
        self._try_keys(packet, data, header, key, out)

    def _try_keys(self, packet: Packet, data: bytes, header: Header, key: bytes, out: list[Observation]) -> None:
        """Opens the packet with the keys of its own destination id, if that is worth the cost."""
        tried = key + header.destination_id
        if self.refused.get(tried, 0) >= REFUSALS_MAX or not self._may_fail(packet.time):
            return
        keys = ClientKeys(header.version, header.destination_id)
        frames = keys.open(data, header)
        if frames is None:
            self._refuse(tried)
            return
        connection = QuicConnection(keys, header.destination_id)
        connection.time = packet.time
        before = self.connections.get(key)
        if before is not None:
            connection.follow(before, header.destination_id)
            self._remove(key)
        self._add(key, connection)
        self._read_frames(packet, header, connection, frames, out)

    def _read_frames(
        self, packet: Packet, header: Header, connection: QuicConnection, frames: bytes, out: list[Observation]
    ) -> None:
        before = connection.size()
        hellos = connection.hellos
        trouble = connection.read_frames(packet, header.version, frames, self._limits.stream_bytes, out)
        connection.packets = connection.packets + 1 if connection.hellos == hellos else 0
        if trouble != GOOD:
            self.errors.add("tls" if trouble == "malformed_hello" else "quic", trouble)
            connection.close()
        elif connection.packets >= (PACKETS_BEHIND_HELLO if connection.hellos else PACKETS_MAX):
            connection.close()
        self.bytes_held += connection.size() - before
        while self.bytes_held > self._limits.streams_bytes and len(self.connections) > 1:
            self._evict_connection()

    def _may_fail(self, now: float) -> bool:
        second = int(now)
        if second != self.second:
            self.second = second
            self.failures = 0
        if self.failures < FAILURES_PER_SECOND:
            return True
        self.errors.add("quic", "flood")
        return False

    def _refuse(self, tried: bytes) -> None:
        self.failures += 1
        self.errors.add("quic", "undecryptable")
        count = self.refused.get(tried, 0)
        while len(self.refused) >= self._limits.quic_connections and count == 0:
            self.evictions["quic_refused"] += 1
            del self.refused[next(iter(self.refused))]
        self.refused[tried] = count + 1

    def _add(self, key: bytes, connection: QuicConnection) -> None:
        while len(self.connections) >= self._limits.quic_connections:
            self._evict_connection()
        self.connections[key] = connection
        self.bytes_held += CONNECTION_OVERHEAD

    def _close(self, key: bytes) -> None:
        """Closes the connection: a client that sends Handshake packets sends no more Initial packets
        with new content.
        """
        connection = self.connections.get(key)
        if connection is not None and connection.keys is not None:
            self.bytes_held -= connection.size()
            connection.close()

    def _evict_connection(self) -> None:
        self.evictions["quic_connections"] += 1
        self._remove(next(iter(self.connections)))

    def _remove(self, key: bytes) -> None:
        self.bytes_held -= self.connections.pop(key).size() + CONNECTION_OVERHEAD
