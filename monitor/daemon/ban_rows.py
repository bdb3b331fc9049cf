"""Bans as rows for programs: definition, state, and the next start or end."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from monitor.config.policy import local_time
from monitor.core.books.rows import DeviceRow
from monitor.daemon.ban_figures import Figures
from monitor.daemon.policy_words import ban_row, device_text
from monitor.policy.ban import CONFIGURED, RUNTIME, is_over
from monitor.policy.ban_state import BanState, next_turn
from monitor.policy.overrides import EffectivePolicy
from monitor.policy.policy import Policy


def ban_rows(
    states: Sequence[BanState], figures: Sequence[Figures], policy: Policy | None, now: float
) -> list[dict[str, Any]]:
    """Returns one row per ban. `state` and `why` describe the ban as a whole, `pairs` each combination of subject and
    group, `notes` what the ban leaves open.

    `blocked` maps each layer to what was blocked (in shadow mode: would have been blocked); `leaked_bytes` counts what
    passed. Both count from the start of the ban.
    """
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
            "notes": list(one.notes),
            "since": figure.since,
            "blocked": {layer: round(count) for layer, count in figure.blocked.items()},
            "leaked_bytes": round(figure.leaked),
            "allow": [name.decode() for name in one.ban.allow],
            **schedule_row(one, now),
        }
        for one, figure in zip(states, figures, strict=True)
    ]


def schedule_row(one: BanState, now: float) -> dict[str, Any]:
    """`next_change` is when the ban comes into force (`starts`) or expires or leaves its schedule (`ends`)."""
    due = next_turn(one.ban, local_time, now)
    begins = not one.ban.schedule.active(*local_time(now))
    change = {"time": due, "what": "starts" if begins else "ends"} if isfinite(due) else None
    return {"schedule": str(one.ban.schedule), "next_change": change}


def host_names(devices: Sequence[DeviceRow]) -> dict[str, str]:
    """Returns the host names that devices announced, by MAC and by each address as text."""
    return {key: row.hostname for row in devices if row.hostname for key in (row.mac, *row.addresses)}


def exception_rows(
    standing: EffectivePolicy, configured: EffectivePolicy, hosts: Mapping[str, str], now: float
) -> list[dict[str, Any]]:
    """Returns the exceptions in force, run-time ones first. `device` is a MAC or an address as text; `hosts` maps MACs
    and addresses to host names.
    """
    return [
        {
            **{key: value for key, value in asdict(one).items() if key in ("group", "prefix") and value},
            "device": device_text(one.device) if one.device else "",
            "hostname": hosts.get(device_text(one.device), "") if one.device else "",
            "name": one.name.decode(),
            "vendor": one.vendor,
            "until": one.until,
            "reason": one.reason,
            "source": CONFIGURED if one in configured.exemptions else RUNTIME,
        }
        for one in standing.exemptions
        if not is_over(one.until, now)
    ]
