"""Times for display: local, with the zone."""

import time


def moment(when: float, now: float) -> str:
    """Formats as `14:30 CET`, with the date if it differs from that of `now`; both are in seconds since the epoch."""
    local = time.localtime(when)
    same = local[:3] == time.localtime(now)[:3]
    return time.strftime("%H:%M %Z" if same else "%Y-%m-%d %H:%M %Z", local)
