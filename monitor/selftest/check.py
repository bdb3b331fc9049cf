"""What one part of the self-test has found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing that was tried; `fault` says what went wrong, "" where nothing did."""

    layer: str
    what: str
    seconds: float
    fault: str = ""

    def __str__(self) -> str:
        where = f"{self.layer}, {self.what}" if self.what else self.layer
        return f"{where}: {self.fault or 'ok'}"
