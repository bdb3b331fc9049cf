"""Checks the clock, on which schedules, expiries and timestamps depend."""

import ctypes
import time
from collections.abc import Iterator
from typing import Final

from monitor.doctor.case import Case
from monitor.doctor.finding import Finding

TOPIC: Final = "clock"
TIME_ERROR: Final = 5  # adjtimex(2): the clock is not synchronised
TIMEX_BYTES: Final = 512  # struct timex has 208 bytes; all zero reads the state without a change
BUILT: Final = 1_735_689_600  # 2025-01-01: a correct clock is never before this
MEND: Final = "timedatectl set-ntp true   # or: apt-get install chrony"


def find(case: Case) -> Iterator[Finding]:
    if time.time() < BUILT:
        now = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
        yield Finding(TOPIC, f"the clock shows {now}: schedules and expiries will be wrong", MEND)
    elif not is_synchronised():
        yield Finding(TOPIC, "the clock is not synchronised: schedules, expiries and events drift with it", MEND)


def is_synchronised() -> bool:
    """Whether adjtimex(2) reports a synchronised clock; true if the call fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))) != TIME_ERROR
