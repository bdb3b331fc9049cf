"""Describes policy changes and bans: text for terminals and the log, rows for programs."""

import time
from collections.abc import Sequence
from math import isfinite
from typing import Any

from monitor.catalog.index import Index
from monitor.policy.ban import CONFIGURED, EVERYONE, LAYERS, Ban
from monitor.policy.group_words import group_text
from monitor.policy.overrides import ALLOW, BAN, PAUSE, UNBAN, EffectivePolicy, Override, pairs_of
from monitor.policy.policy import Policy
from monitor.policy.shared_prefixes import open_notes
from monitor.wire.dns.presentation import address_text


def concerns(order: Override, ban: Ban) -> bool:
    """Whether a `ban` or `unban` order concerns a subject and group of the ban."""
    every = order.verb == UNBAN and not order.group
    return any(subject == order.subject and (every or group == order.group) for subject, group in pairs_of(ban))


def nothing_to_lift(order: Override, bans: Sequence[Ban]) -> str:
    devices = group_text(order.group) if order.group else "anyone"
    vendor = order.subject.partition("/")[0]
    near = [ban for ban in bans if any(str(subject).partition("/")[0] == vendor for subject in ban.subjects)]
    line = f"{order.subject} is not banned for {devices}"
    return line + (f"; there is {', '.join(map(describe, near))}" if near else "")


def describe(ban: Ban) -> str:
    subjects = ", ".join(map(str, ban.subjects))
    kind = "the configured ban" if ban.source == CONFIGURED else "a ban at run time"
    return f"{kind} of {subjects} for {devices_text(ban)}"


def devices_text(ban: Ban) -> str:
    return ", ".join([group_text(word) for word in ban.groups]) or "everyone"


def tell(
    order: Override, configured: EffectivePolicy, before: EffectivePolicy, after: EffectivePolicy, index: Index
) -> list[str]:
    """Returns lines for people about what the order did; the first line also goes to the log."""
    end = until_text(order.until)
    if order.verb == BAN:
        return tell_ban(order, configured, after, index)
    if order.verb == UNBAN:
        return tell_unban(order, configured, before, end)
    if order.verb == ALLOW:
        who = device_text(order.device)
        what = order.name.decode() or order.subject
        if order.until <= order.time:
            return [f"{who} may reach {what} no longer"]
        return [f"{who} may reach {what}{end}"]
    if order.verb == PAUSE:
        return [f"all bans pause{end or ' until `gatewatch resume`'}: {bans_text(after)}"]
    if order.everything:
        return [f"every change at run time is forgotten, the configuration alone rules: {bans_text(after)}"]
    paused = before.paused_until > order.time
    return [f"{'bans hold again' if paused else 'nothing was paused, bans hold'}: {bans_text(after)}"]


def bans_text(standing: EffectivePolicy) -> str:
    count = len(standing.bans)
    return f"{count} ban{'' if count == 1 else 's'}"


def tell_ban(order: Override, configured: EffectivePolicy, after: EffectivePolicy, index: Index) -> list[str]:
    ban = next(ban for ban in after.bans if ban.source != CONFIGURED and concerns(order, ban))
    layers = ", ".join(layers_of(ban))
    lines = [f"{order.subject} is banned for {devices_text(ban)}: {ban.mode}, {layers}{until_text(order.until)}"]
    lines += [f"in the place of {describe(old)}" for old in configured.bans if concerns(order, old)]
    if after.paused_until > order.time:
        lines.append("but all bans pause at present; `gatewatch resume` ends that")
    return [*lines, *open_notes(ban, index)]


def tell_unban(order: Override, configured: EffectivePolicy, before: EffectivePolicy, end: str) -> list[str]:
    lines = [f"{order.subject} is no longer banned for {group_text(order.group) if order.group else 'anyone'}{end}"]
    lines += [f"lifted {describe(ban)}" for ban in before.bans if concerns(order, ban)]
    if any(concerns(order, ban) for ban in configured.bans) and not order.until:
        lines.append("the configuration bans it still: take it out there, or `gatewatch resume --all` brings it back")
    return lines


def until_text(until: float) -> str:
    return time.strftime(" until %Y-%m-%d %H:%M:%S %Z", time.localtime(until)) if until else ""


def device_text(device: bytes) -> str:
    """Returns a packed MAC or address as text."""
    return device.hex(":") if len(device) == 6 else address_text(device)


def standing_rows(standing: EffectivePolicy, policy: Policy | None) -> dict[str, Any]:
    """Returns the bans and the pause for programs. An endless pause is -1. A ban outside its schedule is inactive."""
    paused = standing.paused_until
    active = {ban.id for ban in policy.active} if policy is not None else set()
    return {
        "bans": [{**ban_row(ban), "active": ban.id in active} for ban in standing.bans],
        "paused_until": paused if isfinite(paused) else -1.0,
    }


def layers_of(ban: Ban) -> list[str]:
    """Returns the ban's layers in the order in which they see traffic."""
    return [layer for layer in LAYERS if layer in ban.layers]


def ban_text(ban: Ban) -> str:
    """Returns all relevant properties of a ban in one line."""
    subjects = ", ".join(map(str, ban.subjects))
    layers = ", ".join(layers_of(ban))
    reason = f" ({ban.reason})" if ban.reason else ""
    return f"{ban.mode} {subjects} for {devices_text(ban)} by {layers}, {ban.on_failure} on failure{reason}"


def ban_row(ban: Ban) -> dict[str, object]:
    return {
        "ban": ban.id,
        "vendors": [str(subject) for subject in ban.subjects],
        "groups": list(ban.groups) or [EVERYONE],
        "mode": ban.mode,
        "layers": layers_of(ban),
        "until": ban.until,
        "source": ban.source,
        "reason": ban.reason,
    }
