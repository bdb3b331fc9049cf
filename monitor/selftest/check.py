"""The result of one part of the self-test."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One tested item. `fault` describes the failure, "" if there is none."""

    layer: str
    what: str
    seconds: float
    fault: str = ""

    def __str__(self) -> str:
        where = f"{self.layer}, {self.what}" if self.what else self.layer
        return f"{where}: {self.fault or 'ok'}"
