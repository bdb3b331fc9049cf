"""A plugin of pytest for an emulated machine, some twenty times slower: `-p vm.patience` waits longer for the lab."""

from typing import Any, Final

from monitor.lab import child, gateway, namespace

TIMES: Final = 8


def waits_longer(function: Any) -> None:
    """Every number among a function's defaults is seconds."""
    defaults = function.__defaults__ or ()
    function.__defaults__ = tuple(value * TIMES if isinstance(value, float) else value for value in defaults)


for patient in (gateway.LabDaemon.start, gateway.LabDaemon.wait_for, namespace.Namespace.run):
    waits_longer(patient)
gateway.RUN_SECONDS *= TIMES  # type: ignore[misc]
child.START_SECONDS *= TIMES  # type: ignore[misc]
child.STOP_SECONDS *= TIMES  # type: ignore[misc]
