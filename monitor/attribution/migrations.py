"""QUIC connections that go on from another port of their device (RFC 9000 section 9), where no name is sent again.

A flow without a handshake of its own, from the same device to the same address and port of a server as a flow that
a QUIC ClientHello named, inherits that name where the named flow had its last packet at most a minute before. The
name is weak evidence: it labels, and it cuts no flow. A flow that has inherited its name hands it on to no other one.

A flow with the ports of the named one is the same connection, which conntrack has forgotten: a ban that had cut it was
lifted. What its hello named counts as before.
"""

from typing import Final, final

from monitor.attribution.flows import NO_HELLO, QUIC_HELLO, Flow

MIGRATION_SECONDS: Final = 60.0


@final
class Migrations:
    """The flow that a QUIC hello named last, by device and server; at most `limit`, the oldest leaves first."""

    __slots__ = ("_limit", "_named", "evictions")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._named: dict[bytes, Flow] = {}
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._named)

    def resize(self, limit: int) -> None:
        """Takes another limit; entries above it leave at once."""
        self._limit = limit
        self._make_room(limit)

    def note(self, flow: Flow) -> None:
        """A hello has named the flow. The outer name of real ECH is not the name of what travels."""
        if flow.hello != QUIC_HELLO or not flow.host or flow.ech or not flow.outbound or flow.device is None:
            return
        key = migration_key(flow)
        self._named.pop(key, None)
        self._make_room(self._limit - 1)
        self._named[key] = flow

    def inherit(self, flow: Flow) -> None:
        """Gives a flow that begins the name of the one that it continues, or the hello where it is that one."""
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
        """Forgets what no flow that begins now may continue. Entries are in the order of their hellos."""
        while self._named:
            key = next(iter(self._named))
            if now - self._named[key].last <= MIGRATION_SECONDS:
                return
            del self._named[key]

    def step(self, seconds: float) -> None:
        """The clock was set: flows that have ended are in no other table, and keep their age too."""
        for flow in self._named.values():
            if flow.ended:
                flow.last += seconds

    def _make_room(self, most: int) -> None:
        while len(self._named) > max(0, most):
            self.evictions += 1
            del self._named[next(iter(self._named))]


def migration_key(flow: Flow) -> bytes:
    """The device and the server of a flow. The device may have changed its address, so its number stands for it."""
    device, key = flow.device, flow.key
    number = 0 if device is None else device.number
    half = (len(key) - 5) // 2
    return number.to_bytes(8, "big") + flow.tag + key[half : 2 * half] + key[2 * half + 2 :]
