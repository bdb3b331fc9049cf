"""Reads the client's Initial packets of one connection: its CRYPTO stream and the ClientHello in it."""

from typing import Final, final

from monitor.model import Observation, Packet
from monitor.wire.integers import two
from monitor.wire.quic.crypto import ClientKeys
from monitor.wire.quic.frames import MALFORMED, find_crypto
from monitor.wire.quic.header import NO_NUMBER, read_number, skip_number
from monitor.wire.quic.versions import Version
from monitor.wire.tcp.assembly import Assembly
from monitor.wire.tls.client_hello import read_hello
from monitor.wire.tls.records import CLIENT_HELLO, HANDSHAKE_HEADER, observe_hello

# Ids to which the client may send: its own first choice, one after a Retry, those of the server.
IDS_MAX: Final = 8

GOOD: Final = ""


@final
class QuicConnection:
    """`keys` is `None` once no more packets are needed; `ids` are the destination ids of the connection.

    After the first ClientHello a few more packets are opened, for the second one after a HelloRetryRequest. After a
    Retry the client repeats its ClientHello with new keys (RFC 9000 section 17.2.5.3): `retry_id` is the id of the
    Retry, and with `repeats` the first ClientHello is not an observation. If the Retry was not captured, an equal
    `random` shows the repeat.
    """

    __slots__ = (
        "assembly",
        "attempts",
        "buffer",
        "hellos",
        "ids",
        "keys",
        "packets",
        "random",
        "repeats",
        "retry_id",
        "time",
    )

    def __init__(self, keys: ClientKeys, first_id: bytes) -> None:
        self.keys: ClientKeys | None = keys
        self.ids = [first_id]
        self.assembly = Assembly()
        self.buffer = b""
        self.random = b""
        self.retry_id = b""
        self.repeats = False
        self.hellos = 0
        self.packets = 0
        self.attempts = 0
        self.time = 0.0

    def size(self) -> int:
        """Returns the bytes that the connection holds."""
        return self.assembly.held + len(self.buffer)

    def learn(self, destination_id: bytes) -> None:
        """Adds an id to the connection."""
        if destination_id not in self.ids:
            if len(self.ids) >= IDS_MAX:
                del self.ids[1]
            self.ids.append(destination_id)

    def follow(self, before: "QuicConnection", connection_id: bytes) -> None:
        """Replaces `before`, because its client uses new keys, those of `connection_id`."""
        self.random = before.random
        self.repeats = before.hellos > 0 and connection_id == before.retry_id

    def close(self) -> None:
        """Drops all state but the fact that the connection was seen."""
        self.keys = None
        self.assembly = Assembly()
        self.buffer = b""

    def read_frames(self, packet: Packet, version: Version, frames: bytes, limit: int, out: list[Observation]) -> str:
        """Reads the frames of one packet; returns the kind of error, `GOOD` without one. `limit` bounds the CRYPTO
        stream.
        """
        at = find_crypto(frames, 0, version.crypto)
        end = len(frames)
        while at != MALFORMED and at < end:
            offset = read_number(frames, at, end)
            if offset == NO_NUMBER:
                return "malformed"
            at = skip_number(frames, at)
            length = read_number(frames, at, end)
            if length == NO_NUMBER:
                return "malformed"
            at = skip_number(frames, at)
            if at + length > end:
                return "malformed"
            if offset + length > self.assembly.position + limit or self.size() > 2 * limit:
                return "too_long"
            if length:
                self.assembly.hold(offset, frames[at : at + length])
            at = find_crypto(frames, at + length, version.crypto)
        if at == MALFORMED:
            return "malformed"
        return self._read_hello(packet, version, limit, out)

    def _read_hello(self, packet: Packet, version: Version, limit: int, out: list[Observation]) -> str:
        piece = self.assembly.take()
        while piece:
            self.buffer += piece
            piece = self.assembly.take()
        buffer = self.buffer
        if buffer and buffer[0] != CLIENT_HELLO:
            return "malformed"
        if len(buffer) < HANDSHAKE_HEADER:
            return GOOD
        end = HANDSHAKE_HEADER + (buffer[1] << 16) + two(buffer, 2)
        if end > limit:
            return "too_long"
        if len(buffer) < end:
            return GOOD
        self.buffer = buffer[end:]
        hello = read_hello(buffer[:end])
        if hello is None:
            return "malformed"
        self.hellos += 1
        repeated = self.hellos == 1 and (self.repeats or hello.random == self.random)
        if not repeated:
            out.append(observe_hello(packet, hello, version.number))
        self.random = hello.random
        return GOOD if hello.clean else "malformed_hello"
