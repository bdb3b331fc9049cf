"""Addresses that wait for lookups of names before they are learned."""

from collections.abc import Sequence
from typing import final


@final
class PendingLookups:
    """The packed addresses that wait for each name, and the number of names that each address waits for."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, set[bytes]] = {}
        self._pending: dict[bytes, int] = {}

    def __contains__(self, address: bytes) -> bool:
        return address in self._pending

    def add(self, address: bytes, names: Sequence[bytes]) -> None:
        for name in names:
            waiting = self._waiting.setdefault(name, set())
            if address not in waiting:
                waiting.add(address)
                self._pending[address] = self._pending.get(address, 0) + 1

    def release(self, name: bytes) -> list[bytes]:
        """Ends the lookup of a name. Returns the addresses that waited for no other name."""
        free = []
        for address in self._waiting.pop(name, ()):
            self._pending[address] -= 1
            if not self._pending[address]:
                del self._pending[address]
                free.append(address)
        return free

    def clear(self) -> None:
        self._waiting.clear()
        self._pending.clear()
