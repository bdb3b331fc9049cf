"""What can go wrong, split by whose fault it is.

    GatewatchError
    ├── UsageError        the person at the keyboard: a verb or an option         exit 2
    ├── ConfigError       the configuration: file, line, key                      exit 2
    ├── ListError         a list that cannot be read at all                       exit 2
    ├── CaptureFileError  a capture file that cannot be read at all               exit 1
    └── MachineError      the machine: privilege, interface, kernel feature       exit 3

Trouble with a packet is never an exception: it is a count by layer and kind (`ErrorCounts`). A line of a
list that makes no sense is a complaint beside the entries, never an exception either.
"""

from typing import ClassVar, Final, final

EXIT_OK: Final = 0
EXIT_FINDING: Final = 1
EXIT_USAGE: Final = 2
EXIT_MACHINE: Final = 3


class GatewatchError(Exception):
    """One clear line that says what, where and what to do."""

    exit_code: ClassVar[int] = EXIT_FINDING


class UsageError(GatewatchError):
    exit_code: ClassVar[int] = EXIT_USAGE


class ConfigError(GatewatchError):
    exit_code: ClassVar[int] = EXIT_USAGE


class ListError(GatewatchError):
    exit_code: ClassVar[int] = EXIT_USAGE


class CaptureFileError(GatewatchError):
    exit_code: ClassVar[int] = EXIT_FINDING


class MachineError(GatewatchError):
    exit_code: ClassVar[int] = EXIT_MACHINE


@final
class ErrorCounts:
    """Bad bytes by layer and kind: `decode_errors_total{layer,kind}`.

    Layers and kinds are literals in the code, so the table cannot grow from outside.
    """

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}

    def add(self, layer: str, kind: str) -> None:
        key = (layer, kind)
        self.counts[key] = self.counts.get(key, 0) + 1
