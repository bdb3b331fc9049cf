"""The clock: schedules, expiries and every timestamp go by it."""

import ctypes
import time
from collections.abc import Iterator
from typing import Final

from monitor.doctor.case import Case
from monitor.doctor.finding import Finding

TOPIC: Final = "clock"
TIME_ERROR: Final = 5  # adjtimex(2): the clock is not synchronised
TIMEX_BYTES: Final = 512  # struct timex has 208; all zero asks and changes nothing
BUILT: Final = 1_735_689_600  # 2025-01-01: no clock that is right says less
MEND: Final = "timedatectl set-ntp true   # or: apt-get install chrony"


def find(case: Case) -> Iterator[Finding]:
    if time.time() < BUILT:
        now = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
        yield Finding(TOPIC, f"the clock says {now}: schedules and expiries will be wrong", MEND)
    elif not is_synchronised():
        yield Finding(TOPIC, "the clock is not synchronised: schedules, expiries and events drift with it", MEND)


def is_synchronised() -> bool:
    """What adjtimex(2) says; true where it cannot be asked."""
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))) != TIME_ERROR
