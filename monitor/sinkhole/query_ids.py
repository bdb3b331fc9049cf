"""Unpredictable query ids (RFC 5452 section 9.2), without a system call for each."""

import os
from collections.abc import Container
from typing import Final, final

_POOL_BYTES: Final = 4_096


@final
class QueryIds:
    def __init__(self) -> None:
        self._pool = b""
        self._at = 0

    def throw(self) -> int:
        """Returns a random number from 0 to 65,535."""
        if self._at >= len(self._pool):
            self._pool = os.urandom(_POOL_BYTES)
            self._at = 0
        at = self._at
        self._at = at + 2
        return self._pool[at] << 8 | self._pool[at + 1]

    def free_id(self, taken: Container[int]) -> int:
        """Returns an id that is not taken; expects that few ids are taken."""
        number = self.throw()
        while number in taken:
            number = self.throw()
        return number
