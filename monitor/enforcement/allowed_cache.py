"""The addresses of names that pass, remembered for when the table is made anew: nobody who may reach them is refused
until their resolvers have been asked again.
"""

import time
from collections.abc import Iterator
from typing import Final, final

NAMES_MAX: Final = 16_384


@final
class AllowedAnswers:
    """What the last trusted answer said of each name, as long as it holds; of too many the oldest is forgotten."""

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
        """Each name with its addresses and the seconds that are left."""
        now = time.monotonic()
        self._answers = {name: answer for name, answer in self._answers.items() if answer[1] > now}
        for name, (addresses, until) in self._answers.items():
            yield name, addresses, until - now

    def names_at(self, address: bytes) -> list[bytes]:
        """The names that the packed address was given for."""
        return [name for name, addresses, _ in self.standing() if address in addresses]

    def forget(self) -> None:
        self._answers.clear()
