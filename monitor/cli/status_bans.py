"""The bans and exceptions of `status`: the state of each, what it has blocked, and its next change."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from monitor.cli.columns import printable
from monitor.units import bytes_text, count_text, span_text
from monitor.web.moments import moment

WORDS_SHOWN: Final = 4
BLOCKED_UNITS: Final = {"dns": ("DNS query", "DNS queries"), "sni": ("connection", ""), "ip": ("packet", "")}
BLOCKED: Final = {"enforce": "blocked", "shadow": "would have blocked"}


def state_lines(ban: dict[str, Any]) -> Iterator[str]:
    """Yields the state of a ban with its reason; one line per state if its subjects and groups differ."""
    if "state" not in ban:  # a daemon of an earlier version
        return
    pairs = [(pair["state"], pair["why"]) for pair in ban["pairs"]]
    if len(set(pairs)) == 1:
        yield f"  {ban['state']}{': ' if ban['why'] else ''}{printable(ban['why'])}\n"
        return
    for state, why in dict.fromkeys(pairs):
        where = [
            f"{pair['vendor']} for {pair['group']}"
            for pair in ban["pairs"]
            if (pair["state"], pair["why"]) == (state, why)
        ]
        yield f"  {state}: {some(where)}{': ' if why else ''}{printable(why)}\n"


def some(words: Sequence[str]) -> str:
    """Joins the first words and counts the rest."""
    more = f" and {len(words) - WORDS_SHOWN} more" if len(words) > WORDS_SHOWN else ""
    return ", ".join(words[:WORDS_SHOWN]) + more


def detail_lines(ban: dict[str, Any], now: float) -> Iterator[str]:
    """Yields what the ban has blocked since it started, its schedule and end, and the names that it allows."""
    if ban["mode"] in BLOCKED and ban.get("since"):
        counts = [count_text(count, *BLOCKED_UNITS.get(layer, (layer, ""))) for layer, count in ban["blocked"].items()]
        leaked = f", leaked {bytes_text(ban['leaked_bytes'])}" if ban["mode"] == "enforce" else ""
        yield f"  {BLOCKED[ban['mode']]} {', '.join(counts)}{leaked}, since {moment(ban['since'], now)}\n"
    for note in ban.get("notes", ()):
        yield f"  note: {printable(note)}\n"
    change = ban.get("next_change")
    when = f"{change['what']} {moment(change['time'], now)}" if change else ""
    if ban.get("schedule", "always") != "always":
        yield f"  schedule {ban['schedule']}{': ' if when else ''}{when}\n"
    elif when:
        yield f"  {when}\n"
    if ban.get("allow"):
        yield f"  allows {some(ban['allow'])}\n"


def exception_lines(exceptions: Sequence[dict[str, Any]], now: float) -> Iterator[str]:
    for one in exceptions:
        host = f" ({printable(one['hostname'])})" if one.get("hostname") else ""
        who = f"{one['device']}{host}" if one["device"] else one.get("group") or one.get("prefix") or "?"
        made = " at run time" if one["source"] == "runtime" else ""
        until = f" until {moment(one['until'], now)}" if one["until"] else ""
        reason = f" ({printable(one['reason'])})" if one["reason"] else ""
        yield f"exception{made}: {who} may reach {one['name'] or one['vendor']}{until}{reason}\n"


def policy_lines(policy: dict[str, Any], now: float) -> Iterator[str]:
    """Yields a line per ban, which marks bans made at run time, and a line per other change made at run time."""
    paused = policy["paused_until"]
    if paused < 0 or paused > now:
        end = f" for {span_text(paused - now)} more, until {moment(paused, now)}" if paused > 0 else " until `resume`"
        yield f"bans: all paused{end}\n"
    for ban in policy["bans"]:
        end = f" for {span_text(ban['until'] - now)} more" if ban["until"] else ""
        made = " at run time" if ban["source"] == "runtime" else ""
        asleep = "" if ban["active"] or paused < 0 or paused > now else ", inactive by its schedule"
        yield (
            f"ban{made}: {', '.join(ban['vendors'])} for {', '.join(ban['groups'])}: {ban['mode']}, "
            f"{', '.join(ban['layers'])}{end}{asleep}\n"
        )
        yield from state_lines(ban)
        yield from detail_lines(ban, now)
    yield from exception_lines(policy.get("exceptions", []), now)
    for order in policy["orders"]:
        about = order.get("vendor") or order.get("name") or ""
        if order["verb"] in ("unban", "allow"):
            end = f" for {span_text(order['until'] - now)} more" if order.get("until") else ""
            yield f"{order['verb']} at run time: {about}{end}, by {order['user']}\n"
    if policy["orders_fault"]:
        yield f"{policy['orders_fault']}\n"
