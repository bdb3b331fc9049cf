"""Caches trusted answers for allowed names, so that rebuilding the table never rejects allowed traffic while the names
are resolved again.
"""

import time
from collections.abc import Iterator
from typing import Final, final

NAMES_MAX: Final = 16_384


@final
class AllowedAnswers:
    """The last trusted answer for each name, until it expires. If there are too many, the oldest is evicted."""

    def __init__(self) -> None:
        self._answers: dict[bytes, tuple[list[bytes], float]] = {}

    def __contains__(self, name: bytes) -> bool:
        answer = self._answers.get(name)
        return answer is not None and answer[1] > time.monotonic()

    def note(self, name: bytes, addresses: list[bytes], seconds: float) -> None:
        self._answers.pop(name, None)
        self._answers[name] = (addresses, time.monotonic() + seconds)
        if len(self._answers) > NAMES_MAX:
            del self._answers[next(iter(self._answers))]

    def standing(self) -> Iterator[tuple[bytes, list[bytes], float]]:
        """Yields each name with its addresses and the remaining seconds."""
        now = time.monotonic()
        self._answers = {name: answer for name, answer in self._answers.items() if answer[1] > now}
        for name, (addresses, until) in self._answers.items():
            yield name, addresses, until - now

    def names_at(self, address: bytes) -> list[bytes]:
        """Returns the names whose answers contain the packed address."""
        return [name for name, addresses, _ in self.standing() if address in addresses]

    def forget(self) -> None:
        self._answers.clear()
