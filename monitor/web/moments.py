"""Times for people: local, with the zone."""

import time


def moment(when: float, now: float) -> str:
    """`14:30 CET`, with its date where that is not the date of `now`; both in seconds since the epoch."""
    local = time.localtime(when)
    same = local[:3] == time.localtime(now)[:3]
    return time.strftime("%H:%M %Z" if same else "%Y-%m-%d %H:%M %Z", local)
