"""The exceptions, split by cause.

    GatewatchError
    ├── UsageError        the command line: an invalid verb or option             exit 2
    ├── ConfigError       the configuration: file, line, key                      exit 2
    ├── ListError         a list that cannot be read at all                       exit 2
    ├── CaptureFileError  a capture file that cannot be read at all               exit 1
    └── MachineError      the machine: privilege, interface, kernel feature       exit 3

A malformed packet never raises an exception: it is counted by layer and kind (`ErrorCounts`). An invalid line of a list
does not raise either: it is reported as a complaint beside the list's entries.
"""

from typing import ClassVar, Final, final

EXIT_OK: Final = 0
EXIT_FINDING: Final = 1
EXIT_USAGE: Final = 2
EXIT_MACHINE: Final = 3


class GatewatchError(Exception):
    """The message states what failed, where, and what to do."""

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
    """Counts malformed bytes by layer and kind: `decode_errors_total{layer,kind}`.

    Layers and kinds are literals in the code, so traffic cannot grow the table.
    """

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}

    def add(self, layer: str, kind: str) -> None:
        key = (layer, kind)
        self.counts[key] = self.counts.get(key, 0) + 1
