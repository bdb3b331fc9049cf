"""The status page: health, bans, and traffic by vendor and group. Works without JavaScript."""

from collections.abc import Iterable, Sequence
from typing import Final

from markupsafe import Markup

from monitor.policy.ban_conditions import INEFFECTIVE
from monitor.units import bytes_text, count_text, span_text
from monitor.web.ban_card import bans
from monitor.web.document import STYLE, document, page_headers
from monitor.web.moments import moment
from monitor.web.status import (
    ROWS_MAX,
    Facts,
    InterfaceLine,
    ListLine,
    Numbers,
    VendorUsage,
    groups,
    hidden_bytes,
    interfaces,
    total,
    unnamed_bytes,
    vendors,
)

PARTS_SHOWN: Final = 4
LABELS: Final = {"none": "no group", "unknown": "unidentified"}
HIDDEN: Final = {
    "ech": "ECH", "vpn": "VPN", "doh": "encrypted DNS", "undecodable": "undecodable", "dropped": "lost by the capture",
    "midstream": "started before gatewatch", "shared_prefix": "in networks that a ban of a service leaves open",
}  # fmt: skip

PAGE_STYLE: Final = (
    STYLE
    + """
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem .75rem; margin: .25rem 0 1rem; }
header .soft { flex: 1 1 12rem; } #fresh { font-size: .85rem; color: var(--soft); }
.stale #fresh { color: var(--bad); font-weight: 600; } .stale main { opacity: .55; }
.state { border-left: .3rem solid var(--good); } .state.bad { border-left-color: var(--bad); color: inherit; }
.state strong { font-size: 1.1rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem; margin: .8rem 0 0; }
.figures dt { color: var(--soft); font-size: .85rem; } .figures dd { margin: 0; font-size: 1.15rem; font-weight: 600; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; font-size: .8rem; color: var(--soft); padding: 0 .5rem .35rem 0; }
td { padding: .45rem .5rem .45rem 0; border-top: 1px solid var(--line); vertical-align: top; }
th.n, td.n { text-align: right; white-space: nowrap; padding-left: .35rem; }
th:last-child, td:last-child { padding-right: 0; }
td.name { overflow-wrap: anywhere; } .name b { font-weight: 600; }
svg.bar { display: block; width: 100%; max-width: 16rem; height: 4px; margin: .25rem 0; border-radius: 2px;
  background: var(--line); } svg.bar rect { fill: var(--mark); }
.ban { border-top: 1px solid var(--line); padding: .6rem 0; } .ban:first-of-type { border-top: 0; padding-top: 0; }
.ban:last-child { padding-bottom: 0; } .ban .what { font-weight: 600; overflow-wrap: anywhere; margin-right: .4rem; }
.columns { display: grid; gap: 0 1rem; } @media (min-width: 48rem) { .columns { grid-template-columns: 3fr 2fr; } }
.columns > * { min-width: 0; align-self: start; }
@media (max-width: 34rem) {
  .usage thead { position: absolute; clip-path: inset(50%); }
  .usage tr { display: flex; flex-wrap: wrap; gap: 0 1rem; }
  .usage tr { border-top: 1px solid var(--line); padding: .5rem 0; }
  .usage td { border: 0; padding: 0; } .usage td.name { flex: 1 0 100%; padding-bottom: .15rem; }
  .usage td.n { text-align: left; } .usage td.n::before { content: attr(title) " "; color: var(--soft); }
  svg.bar { max-width: none; } }
summary { cursor: pointer; } details[open] summary { margin-bottom: .6rem; }
footer { color: var(--soft); font-size: .85rem; margin: 0 0 1rem; }
a { color: var(--mark); }
"""
)

# Refreshes every five seconds while the page is visible. After a failure it shows the failure and fades the figures.
SCRIPT: Final = """
"use strict";
const fresh = document.getElementById("fresh");
let last = new Date();
fresh.textContent = "updates automatically";
async function renew() {
  if (document.hidden) return;
  try {
    const reply = await fetch(location.pathname, { cache: "no-store" });
    if (!reply.ok) throw new Error(reply.status);
    const next = new DOMParser().parseFromString(await reply.text(), "text/html");
    const open = Array.from(document.querySelectorAll("details[open]"), (one) => one.id);
    for (const id of open) { const one = next.getElementById(id); if (one) one.open = true; }
    document.querySelector("main").replaceWith(document.adoptNode(next.querySelector("main")));
    document.title = next.title;
    document.documentElement.classList.remove("stale");
    last = new Date();
    fresh.textContent = "as of " + last.toLocaleTimeString();
  } catch (error) {
    document.documentElement.classList.add("stale");
    fresh.textContent = "no answer since " + last.toLocaleTimeString();
  }
}
setInterval(renew, 5000);
document.addEventListener("visibilitychange", renew);
"""

PAGE_HEADERS: Final = page_headers(PAGE_STYLE, SCRIPT)

BODY: Final = Markup("""<header>
<h1>gatewatch</h1><span class="soft">{host}</span><span id="fresh" role="status"></span>
</header>
<main>
{state}
{bans}
<div class="columns">
{vendors}
<div>
{groups}
{interfaces}
{lists}
</div>
</div>
<footer>gatewatch {version}, {engine}, up {up}. Counts since {started}; devices: of the last hour.
<a href="/metrics">metrics</a> · <a href="/healthz">health</a></footer>
</main>""")


def status_page(numbers: Numbers, facts: Facts) -> bytes:
    wrong = [name for name, text in facts.health.items() if text]
    body = BODY.format(
        host=facts.host, state=state(numbers, facts), bans=bans(facts), vendors=vendor_card(numbers),
        groups=group_card(numbers), interfaces=interface_card(numbers),
        lists=list_card(facts.lists, facts.now), version=facts.version,
        engine=facts.engine, up=span_text(facts.now - facts.started), started=moment(facts.started, facts.now),
    )  # fmt: skip
    degraded = is_degraded(facts)
    mark = "unhealthy · " if wrong else "degraded · " if degraded else ""
    return document(f"{mark}gatewatch · {facts.host}", PAGE_STYLE, body, SCRIPT)


def is_degraded(facts: Facts) -> bool:
    return any(facts.degraded.values()) or any(ban.state == INEFFECTIVE for ban in facts.bans)


def state(numbers: Numbers, facts: Facts) -> Markup:
    """Returns the overall health, the faults, and the figures of the capture."""
    failed = any(facts.health.values())
    wrong = [(name, text) for name, text in {**facts.health, **facts.degraded}.items() if text]
    well = not failed and not is_degraded(facts)
    head = Markup("<strong>{}</strong>").format("Healthy" if well else "Unhealthy" if failed else "Degraded")
    lines = lines_of(Markup('<p class="bad"><b>{}</b>: {}</p>').format(name, text) for name, text in wrong)
    return Markup(
        '<section class="card state {}">\n'
        '<p>{} <span class="soft">watching {}, bytes from {}</span></p>\n{}{}\n</section>'
    ).format("good" if well else "bad", head, names(interfaces(numbers)), facts.counting, lines, figures(numbers))


def names(found: Sequence[InterfaceLine]) -> str:
    return ", ".join(interface.name for interface in found) or "nothing"


def figures(numbers: Numbers) -> Markup:
    seen = interfaces(numbers)
    dropped = sum(interface.dropped for interface in seen)
    pairs = [
        ("frames", f"{sum(interface.frames for interface in seen):,.0f}"),
        ("dropped", f"{dropped:,.0f}"),
        ("flows now", f"{total(numbers, 'flows_active'):,.0f}"),
        ("devices", f"{total(numbers, 'group_devices'):,.0f}"),
        ("unidentified", bytes_text(unnamed_bytes(numbers))),
    ]
    items = lines_of(Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(name, value) for name, value in pairs)
    return Markup('<dl class="figures">{}</dl>').format(items)


def vendor_card(numbers: Numbers) -> Markup:
    hidden = [f"{HIDDEN.get(reason, reason)} {bytes_text(value)}" for reason, value in hidden_bytes(numbers).items()]
    note = f"hidden: {', '.join(hidden)}" if hidden else ""
    return usage_card("Vendors", "vendor", vendors(numbers), "No traffic yet.", note)


def group_card(numbers: Numbers) -> Markup:
    return usage_card("Groups", "group", groups(numbers), "No device yet.")


def usage_card(title: str, column: str, found: Sequence[VendorUsage], nothing: str, note: str = "") -> Markup:
    """Returns a table of the vendors or groups with most bytes, each with a bar of its share."""
    if not found:
        return Markup('<section class="card"><h2>{}</h2><p class="soft">{}</p></section>').format(title, nothing)
    most = max((usage.bytes for usage in found), default=0.0)
    rows = lines_of(usage_row(usage, most) for usage in found[:ROWS_MAX])
    more = Markup("")
    if len(found) > ROWS_MAX:
        rest = sum(usage.bytes for usage in found[ROWS_MAX:])
        more = Markup('<p class="soft small">and {:,} more with {}</p>').format(len(found) - ROWS_MAX, bytes_text(rest))
    return Markup(
        '<section class="card"><h2>{}</h2>\n<table class="usage"><thead><tr><th>{}</th><th class="n">devices</th>'
        '<th class="n">up</th><th class="n">down</th></tr></thead>\n<tbody>{}</tbody></table>{}{}</section>'
    ).format(title, column, rows, more, Markup('<p class="soft small">{}</p>').format(note) if note else "")


def usage_row(usage: VendorUsage, most: float) -> Markup:
    share = max(1.0, round(100.0 * usage.bytes / most, 1)) if most and usage.bytes else 0.0
    parts = sorted(usage.parts, key=lambda name: (-usage.parts[name], name))
    more = f" and {len(parts) - PARTS_SHOWN} more" if len(parts) > PARTS_SHOWN else ""
    shown = ", ".join(parts[:PARTS_SHOWN]) + more
    return Markup(
        '<tr><td class="name"><b>{}</b>'
        '<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{}" height="4"/></svg><span class="soft small">{}</span></td>'
        '<td class="n" title="devices">{:,.0f}</td><td class="n" title="up">{}</td>'
        '<td class="n" title="down">{}</td></tr>\n'
    ).format(
        LABELS.get(usage.name, usage.name), share, shown, usage.devices, bytes_text(usage.up), bytes_text(usage.down)
    )


def interface_card(numbers: Numbers) -> Markup:
    row = Markup('<tr><td class="name">{}</td><td class="n">{:,.0f}</td><td class="n">{:,.0f}</td></tr>\n')
    rows = lines_of(row.format(one.name, one.frames, one.dropped) for one in interfaces(numbers))
    return Markup(
        '<section class="card"><h2>Captured</h2>\n<table><thead><tr><th>interface</th><th class="n">frames</th>'
        '<th class="n">dropped</th></tr></thead>\n<tbody>{}</tbody></table></section>'
    ).format(rows)


def list_card(lists: Sequence[ListLine], now: float) -> Markup:
    """Returns the table of faulty lists and the user's lists, then the shipped lists in a collapsed section."""
    own = [line for line in lists if line.error or not line.shipped]
    shipped = [line for line in lists if not line.error and line.shipped]
    parts = [list_table(own, now)] if own else []
    if shipped:
        entries = sum(line.entries for line in shipped)
        oldest = span_text(now - min(line.loaded_at for line in shipped))
        counted = f"{count_text(len(shipped), 'shipped list')}, {count_text(entries, 'entry', 'entries')}"
        summary = f"{counted}, read {oldest} ago"
        inner = list_table(shipped, now)
        parts.append(Markup('<details id="shipped"><summary>{}</summary>{}</details>').format(summary, inner))
    return Markup('<section class="card"><h2>Lists</h2>\n{}</section>').format(lines_of(parts))


def list_table(lists: Sequence[ListLine], now: float) -> Markup:
    rows = lines_of(list_row(line, now) for line in lists)
    return Markup(
        '<table><thead><tr><th>list</th><th class="n">entries</th><th class="n">age</th></tr></thead>\n'
        "<tbody>{}</tbody></table>"
    ).format(rows)


def list_row(line: ListLine, now: float) -> Markup:
    trouble = Markup("")
    if line.error:
        trouble = Markup('<br><span class="bad small">{}</span>').format(line.error)
    elif line.ignored and not line.shipped:
        trouble = Markup('<br><span class="soft small">{} ignored</span>').format(count_text(line.ignored, "line"))
    age = span_text(now - line.loaded_at) if line.loaded_at else "-"
    return Markup('<tr><td class="name">{}{}</td><td class="n">{:,}</td><td class="n">{}</td></tr>\n').format(
        line.name, trouble, line.entries, age
    )


def lines_of(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)
