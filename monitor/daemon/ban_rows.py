"""Bans as rows for programs: what they are, their state, and when they begin or end next."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from monitor.config.policy import local_time
from monitor.daemon.policy_words import ban_row
from monitor.policy.ban_state import BanState, next_turn
from monitor.policy.judge import Policy


def ban_rows(states: Sequence[BanState], policy: Policy | None, now: float) -> list[dict[str, Any]]:
    """A row a ban. `state` and `why` are those of the ban as a whole, `pairs` those of each subject and group."""
    active = {ban.id for ban in policy.active} if policy is not None else set()
    return [
        {
            **ban_row(one.ban),
            "active": one.ban.id in active,
            "state": one.state,
            "why": one.reason,
            "pairs": [
                {"vendor": pair.subject, "group": pair.group, "state": pair.state, "why": pair.reason}
                for pair in one.pairs
            ],
            **schedule_row(one, now),
        }
        for one in states
    ]


def schedule_row(one: BanState, now: float) -> dict[str, Any]:
    """`next_change`: when the schedule or the end of the ban puts it in force (`starts`) or out of it (`ends`)."""
    due = next_turn(one.ban, local_time, now)
    begins = not one.ban.schedule.active(*local_time(now))
    change = {"time": due, "what": "starts" if begins else "ends"} if isfinite(due) else None
    return {"schedule": str(one.ban.schedule), "next_change": change}
