"""Ban compliance: what each ban stopped, what passed all the same, and how devices try to get round it."""

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build

from boards.frame import BAN_GROUPS, BANNED, INSTANCES, Row, board, place
from boards.panels import (
    A_MINUTE,
    BYTES,
    BYTES_A_SECOND,
    COUNT,
    SECONDS,
    SHARE,
    About,
    Column,
    Query,
    above,
    bad_above,
    bad_below,
    curve,
    number,
    rows,
    words,
)
from boards.queries import BAN_GROUP, TRAFFIC, VENDOR, everyone, grown, pace, quantile, rate, series, share, total

CHOSEN: Final = (VENDOR, BAN_GROUP)
BAN: Final = "vendor, service, group"
SUBJECT: Final = "vendor, service"
ENFORCED: Final = 'mode="enforce"'
INEFFECTIVE: Final = 'state="ineffective"'
# What bans stopped, in the units of the three layers.
QUERIES: Final = "dns_blocked_queries_total"
FLOWS: Final = "killed_flows_total"
PACKETS: Final = "refused_packets_total"
NONE_ENFORCED: Final = "No ban is enforced."
WORKS: Final = {"0": ("does not hold", "red"), "1": ("holds", "green")}
PASSED: Final = {"0": ("failed", "red"), "1": ("passed", "green")}


def compliance() -> build.Dashboard:
    description = "What each ban stopped, what passed all the same, and how devices try to get round it."
    return board("compliance", "Ban compliance", description, (INSTANCES, BANNED, BAN_GROUPS), ROWS)


HOLDS = Row(
    "Do the bans hold?",
    (
        number(
            About("Enforced bans", "Vendors and categories, by group, that are banned now."),
            f"count({series('ban_info', ENFORCED, *CHOSEN)}) or vector(0)",
        ),
        words(
            About(
                "Enforcement",
                "Whether the kernel's table is there and whether the sinkhole answers; only what a ban needs is shown.",
                COUNT,
                bad_below(1),
                "no ban needs it",
            ),
            Query(f"min by (part) ({series('enforcement_up')})", "{{part}}"),
            WORKS,
        ),
        number(
            About(
                "Leaked",
                "Bytes that passed over the time shown although an enforced ban was in force. One is one too many.",
                BYTES,
                bad_above(1),
            ),
            grown("leaked_bytes_total", "", *CHOSEN),
        ),
        number(
            About("Blocked names", "DNS queries that bans answered over the time shown."),
            grown(QUERIES, "", *CHOSEN),
        ),
        number(
            About("Flows cut", "Flows that bans cut over the time shown."),
            grown(FLOWS, "", *CHOSEN),
        ),
        number(
            About("Refused", "Packets that bans refused by their address over the time shown."),
            grown(PACKETS, "", *CHOSEN),
        ),
        number(
            About("Still trying", "Devices that a ban stopped in the last hour.", COUNT, above(1, 50)),
            f"sum({series('ban_devices', *CHOSEN)}) or vector(0)",
            width=6,
        ),
        number(
            About(
                "Ineffective",
                "Bans that cannot stop anything, by vendor and group; `gatewatch status` has the reasons.",
                COUNT,
                bad_above(1),
            ),
            f"sum({series('ban_state', INEFFECTIVE, *CHOSEN)}) or vector(0)",
            width=6,
        ),
        words(
            About(
                "Self-test",
                "Whether a client of gatewatch's own, under a ban of its own, was stopped on each layer the last time.",
                COUNT,
                bad_below(1),
                "has not run; `[selftest].every` says how often",
            ),
            Query(f"min by (layer) ({series('selftest_success')})", "{{layer}}"),
            PASSED,
            width=12,
        ),
        number(
            About(
                "Last self-test",
                "Time since it ended; `[selftest].every` says how often.",
                SECONDS,
                above(3600, 86_400),
                "never",
            ),
            f"max(time() - {series('selftest_last_timestamp_seconds')})",
            width=8,
            course=False,
        ),
        number(
            About(
                "Blind",
                "The share of all bytes over the time shown that nothing could name.",
                SHARE,
                above(0.05, 0.2),
                "no traffic",
            ),
            share(f"sum(increase({series('blind_bytes_total')}[$__range]))", f"sum({total(TRAFFIC, 'instance')})"),
            width=8,
        ),
        number(
            About(
                "Late answers",
                "The share of all cut flows over the time shown whose server was faster than the cut: the first "
                "packets of an answer passed. Servers nearer than a millisecond are.",
                SHARE,
                above(0.05, 0.5),
                "no cuts",
            ),
            share(
                f"sum(increase({series('late_answers_total')}[$__range]))",
                f"sum(increase({series(FLOWS)}[$__range]))",
            ),
            width=8,
        ),
    ),
)

EACH = Row(
    "Each ban",
    (
        rows(
            About(
                "Bans",
                "What each ban did over the time shown: names that were answered as banned, flows that were cut, "
                "packets that were refused by address, bytes that leaked, bytes of flows until they were cut, "
                "what bans in shadow would have stopped, and devices that were stopped in the last hour. Its group "
                "leads to what its devices do.",
            ),
            ("group", "vendor", "service", "mode"),
            (
                Column("In force", everyone(f"max by ({BAN}, mode) ({series('ban_info', *CHOSEN)})"), shown=False),
                Column("Names", everyone(grown(QUERIES, BAN, *CHOSEN))),
                Column("Flows", everyone(grown(FLOWS, BAN, *CHOSEN))),
                Column("Packets", everyone(grown(PACKETS, BAN, *CHOSEN))),
                Column("Leaked", everyone(grown("leaked_bytes_total", BAN, *CHOSEN)), BYTES, bad_above(1)),
                Column("Until cut", everyone(grown("blocked_bytes_total", BAN, *CHOSEN)), BYTES),
                Column("Shadow", everyone(grown("shadow_blocked_total", BAN, *CHOSEN))),
                Column("Trying", everyone(f"sum by ({BAN}) ({series('ban_devices', *CHOSEN)})")),
            ),
            link=("Its devices", place("groups", "var-group=${__value.raw}")),
            sort="Leaked",
        ),
        rows(
            About(
                "States",
                "What bans do now. Ineffective: they cannot stop anything. Waiting: the list was not fetched yet. "
                "Idle: no device of the group was seen in the last hour. Off: paused, outside the schedule, observing "
                "only, or not enabled. `gatewatch status` has the reasons.",
            ),
            ("group", "vendor", "service", "mode", "state"),
            (
                Column(
                    "Bans", everyone(f"sum by (vendor, service, group, mode, state) ({series('ban_state', *CHOSEN)})")
                ),
            ),
            height=7,
        ),
    ),
)

COURSE = Row(
    "Over time",
    (
        curve(
            About(
                "Blocked, by layer",
                "Questions answered as banned, flows cut, packets refused by address: three units, so not stacked.",
                A_MINUTE,
                absent=NONE_ENFORCED,
            ),
            Query(pace(QUERIES, SUBJECT, *CHOSEN), "{{vendor}} {{service}} queries"),
            Query(pace(FLOWS, SUBJECT, *CHOSEN), "{{vendor}} {{service}} flows"),
            Query(pace(PACKETS, SUBJECT, *CHOSEN), "{{vendor}} {{service}} packets"),
        ),
        curve(
            About(
                "Leaked",
                "Bytes that passed under an enforced ban, by the evidence that tells whose they were. After a "
                "ban begins this is zero.",
                BYTES_A_SECOND,
                bad_above(1),
                NONE_ENFORCED,
            ),
            Query(
                rate("leaked_bytes_total", f"{BAN}, evidence", *CHOSEN), "{{vendor}} {{service}} {{group}} {{evidence}}"
            ),
        ),
        curve(
            About(
                "In shadow",
                "What bans in shadow would have stopped. Look here before you enforce one.",
                A_MINUTE,
                absent="No ban is in shadow.",
            ),
            Query(pace("shadow_blocked_total", f"{SUBJECT}, layer", *CHOSEN), "{{vendor}} {{service}} {{layer}}"),
            stacked=True,
        ),
        curve(
            About(
                "Time to effect",
                "From a banned hello on the wire to its cut in the kernel, of all bans; a server that is nearer than "
                "this may answer first.",
                SECONDS,
                above(0.01, 0.1),
            ),
            Query(quantile(0.5, "enforce_seconds"), "50 % within"),
            Query(quantile(0.9, "enforce_seconds"), "90 % within"),
            Query(quantile(0.99, "enforce_seconds"), "99 % within"),
        ),
        curve(
            About(
                "Devices still trying",
                "Devices that a ban stopped in the hour before.",
                COUNT,
                above(1, 50),
                NONE_ENFORCED,
            ),
            Query(f"sum by ({BAN}) ({series('ban_devices', *CHOSEN)})", "{{vendor}} {{service}} {{group}}"),
        ),
        curve(
            About(
                "Before the cut",
                "Bytes of cut flows up to their hello: what a handshake says of itself.",
                BYTES_A_SECOND,
                absent=NONE_ENFORCED,
            ),
            Query(rate("blocked_bytes_total", BAN, *CHOSEN), "{{vendor}} {{service}} {{group}}"),
        ),
    ),
)

ROUND = Row(
    "Ways round the bans",
    (
        curve(
            About(
                "Bypass attempts",
                "Flows of a kind that hides names from a gateway, of all groups, by method.",
                A_MINUTE,
                above(6, 60),
            ),
            Query(pace("bypass_attempts_total", "group, method"), "{{group}} {{method}}"),
            Query(pace("host_names_refused_total", ""), "host names refused"),
            stacked=True,
        ),
        curve(
            About(
                "Blind share",
                "The share of each group's bytes that nothing could name: a ban cannot bite there.",
                SHARE,
                above(0.05, 0.2),
            ),
            Query(share(rate("blind_bytes_total", "group"), rate("flow_bytes_total", "group")), "{{group}}"),
        ),
    ),
)

ROWS = (HOLDS, EACH, COURSE, ROUND)
