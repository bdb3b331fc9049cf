"""Follows QUIC connections that continue from another port of their device (RFC 9000 section 9) without sending a name.

A flow without a handshake inherits the name of a flow that a QUIC ClientHello named, if both are from the same device
to the same address and port of a server, and the last packet of the named flow was at most a minute before. The name is
weak evidence: it labels the flow, but never kills it. A flow that inherited its name does not pass it on.

A flow with the same ports as the named flow is the same connection: conntrack deleted its entry when a ban killed it,
and the ban has ended. The evidence of its ClientHello counts as before.
"""

from typing import Final, final

from monitor.attribution.flows import NO_HELLO, QUIC_HELLO, Flow

MIGRATION_SECONDS: Final = 60.0


@final
class Migrations:
    """The last flow that a QUIC ClientHello named, by device and server; at most `limit`, the oldest is
    dropped first.
    """

    __slots__ = ("_limit", "_named", "evictions")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._named: dict[bytes, Flow] = {}
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._named)

    def resize(self, limit: int) -> None:
        """Changes the limit. Excess entries are dropped at once."""
        self._limit = limit
        self._make_room(limit)

    def note(self, flow: Flow) -> None:
        """Stores that a ClientHello named the flow. Leaves out flows whose name is the outer name of real ECH."""
        if flow.hello != QUIC_HELLO or not flow.host or flow.ech or not flow.outbound or flow.device is None:
            return
        key = migration_key(flow)
        self._named.pop(key, None)
        self._make_room(self._limit - 1)
        self._named[key] = flow

    def inherit(self, flow: Flow) -> None:
        """Gives a new flow the name of the flow that it continues, or the ClientHello if it is the same connection."""
        if not self._named or flow.device is None or not flow.outbound or flow.hello != NO_HELLO:
            return
        named = self._named.get(migration_key(flow))
        if named is None or flow.start - named.last > MIGRATION_SECONDS:
            return
        flow.application = named.application
        if named.key == flow.key:
            flow.hello, flow.host = named.hello, named.host
        else:
            flow.inherited = named.host

    def expire(self, now: float) -> None:
        """Drops the oldest entries, up to the first whose flow had a packet in the last `MIGRATION_SECONDS`."""
        while self._named:
            key = next(iter(self._named))
            if now - self._named[key].last <= MIGRATION_SECONDS:
                return
            del self._named[key]

    def step(self, seconds: float) -> None:
        """Shifts the times of ended flows after a clock step. The flow table shifts those of all other flows."""
        for flow in self._named.values():
            if flow.ended:
                flow.last += seconds

    def _make_room(self, most: int) -> None:
        while len(self._named) > max(0, most):
            self.evictions += 1
            del self._named[next(iter(self._named))]


def migration_key(flow: Flow) -> bytes:
    """Returns the key of device and server. The device may change its address, so its number identifies it."""
    device, key = flow.device, flow.key
    number = 0 if device is None else device.number
    half = (len(key) - 5) // 2
    return number.to_bytes(8, "big") + flow.tag + key[half : 2 * half] + key[2 * half + 2 :]
