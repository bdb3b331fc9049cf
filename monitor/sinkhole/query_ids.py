"""Ids that nobody can guess (RFC 5452 section 9.2), without asking the kernel for each."""

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
        """A number from 0 to 65,535."""
        if self._at >= len(self._pool):
            self._pool = os.urandom(_POOL_BYTES)
            self._at = 0
        at = self._at
        self._at = at + 2
        return self._pool[at] << 8 | self._pool[at + 1]

    def free_id(self, taken: Container[int]) -> int:
        """An id that is not taken; a few at most are."""
        number = self.throw()
        while number in taken:
            number = self.throw()
        return number
