"""The bans on the status page: the state of each, what it has blocked since it started, and its next change."""

from typing import Final

from markupsafe import Markup

from monitor.policy.ban import EVERYONE
from monitor.policy.ban_conditions import EFFECTIVE, INEFFECTIVE, WAITING
from monitor.policy.group_words import group_text
from monitor.units import bytes_text, count_text
from monitor.web.moments import moment
from monitor.web.status import BanLine, Facts

# Red marks faults only: a ban that works is green, however much it blocks.
STATE_BADGES: Final = {EFFECTIVE: "good", WAITING: "warm", INEFFECTIVE: "bad"}
BLOCKED_UNITS: Final = {"dns": ("DNS query", "DNS queries"), "sni": ("connection", ""), "ip": ("packet", "")}
WORDS: Final = {"enforce": "blocked", "shadow": "would have blocked"}


def bans(facts: Facts) -> Markup:
    paused = facts.paused_until < 0 or facts.paused_until > facts.now
    pause = Markup("")
    if paused:
        until = (
            f"until {moment(facts.paused_until, facts.now)}" if facts.paused_until > 0 else "until `gatewatch resume`"
        )
        pause = Markup('<p><span class="badge warm">all paused</span> {}</p>\n').format(until)
    if facts.bans:
        lines = Markup("").join(ban(one, facts.now) for one in facts.bans)
    else:
        lines = Markup('<p class="soft">None: gatewatch only observes.</p>')
    excused = Markup("")
    if facts.exceptions:
        excused = Markup('<p class="soft small">{} in force, listed by <code>gatewatch status</code></p>').format(
            count_text(facts.exceptions, "exception")
        )
    return Markup('<section class="card"><h2>Bans</h2>\n{}{}{}</section>').format(pause, lines, excused)


def ban(line: BanLine, now: float) -> Markup:
    why = Markup("")
    if line.why:
        shade = "bad" if line.state == INEFFECTIVE else "soft"
        why = Markup('<div class="{} small">{}</div>\n').format(shade, line.why)
    notes = Markup("").join([Markup('<div class="soft small">{}</div>\n').format(note) for note in line.notes])
    reason = Markup("<br>{}").format(line.reason) if line.reason else Markup("")
    return Markup(
        '<div class="ban"><span class="what">{}</span><span class="badge {}">{}</span> <span class="badge">{}</span>\n'
        '{}<div class="small">{}</div>\n<div class="soft small">{}{}</div></div>\n'
    ).format(
        ", ".join(line.subjects), STATE_BADGES.get(line.state, ""), line.state, line.mode, why + notes,
        counts(line, now), " · ".join(terms(line, now)), reason,
    )  # fmt: skip


def counts(line: BanLine, now: float) -> Markup:
    """Returns what the ban has blocked by layer, and what leaked, since it started."""
    if line.mode not in WORDS or (line.state == INEFFECTIVE and not any(line.blocked.values())):
        return Markup("")
    blocked = [blocked_text(layer, line.blocked.get(layer, 0.0)) for layer in line.layers]
    text = Markup("{} {}").format(WORDS[line.mode], ", ".join(blocked))
    if line.mode == "enforce":
        shade = "bad" if line.leaked else "soft"
        leaked = f"{bytes_text(line.leaked)} leaked".replace(" ", "\N{NO-BREAK SPACE}")
        text += Markup(' · <span class="{}">{}</span>').format(shade, leaked)
    return text + (f" · since {moment(line.since, now)}" if line.since else "")


def blocked_text(layer: str, count: float) -> str:
    one, many = BLOCKED_UNITS.get(layer, (layer, layer))
    return count_text(round(count), one, many).replace(" ", "\N{NO-BREAK SPACE}")


def terms(line: BanLine, now: float) -> list[str]:
    """Returns the ban's groups, layers, schedule, end and exemptions."""
    words = [f"for {', '.join('everyone' if group == EVERYONE else group_text(group) for group in line.groups)}"]
    words.append(f"layers {', '.join(line.layers) or 'none'}")
    if line.schedule:
        words.append(f"schedule {line.schedule}")
    if line.next_change is not None:
        when, what = line.next_change
        words.append(f"{what} {moment(when, now)}")
    elif line.until:
        words.append(f"ends {moment(line.until, now)}")
    if line.allow:
        words.append(f"{count_text(line.allow, 'name')} allowed")
    if line.at_run_time:
        words.append("temporary")
    return words
