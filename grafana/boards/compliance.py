"""Defines the dashboard Ban compliance: what each ban stopped, what still passed, and how devices try to
bypass bans.
"""

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
# Counters of blocked traffic, in the units of the three layers.
QUERIES: Final = "dns_blocked_queries_total"
FLOWS: Final = "killed_flows_total"
PACKETS: Final = "refused_packets_total"
NONE_ENFORCED: Final = "No ban is enforced."
WORKS: Final = {"0": ("down", "red"), "1": ("works", "green")}
PASSED: Final = {"0": ("failed", "red"), "1": ("passed", "green")}


def compliance() -> build.Dashboard:
    description = "What each ban stopped, what still passed, and how devices try to bypass bans."
    return board("compliance", "Ban compliance", description, (INSTANCES, BANNED, BAN_GROUPS), ROWS)


HOLDS = Row(
    "Are bans enforced?",
    (
        number(
            About("Enforced bans", "Enforced bans: banned vendors and categories, counted per group."),
            f"count({series('ban_info', ENFORCED, *CHOSEN)}) or vector(0)",
        ),
        words(
            About(
                "Enforcement",
                "Whether the kernel table exists and the sinkhole answers. Only parts that a ban needs are shown.",
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
                "Bytes that passed in the time range although an enforced ban was in force. The value must be 0.",
                BYTES,
                bad_above(1),
            ),
            grown("leaked_bytes_total", "", *CHOSEN),
        ),
        number(
            About("Blocked names", "DNS queries for banned names in the time range."),
            grown(QUERIES, "", *CHOSEN),
        ),
        number(
            About("Flows cut", "Flows that bans cut in the time range."),
            grown(FLOWS, "", *CHOSEN),
        ),
        number(
            About("Refused", "Packets to or from banned addresses that were refused in the time range."),
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
                "Bans that cannot stop anything, by vendor and group; `gatewatch status` prints the reasons.",
                COUNT,
                bad_above(1),
            ),
            f"sum({series('ban_state', INEFFECTIVE, *CHOSEN)}) or vector(0)",
            width=6,
        ),
        words(
            About(
                "Self-test",
                "Whether the last self-test, a test client under a test ban, was stopped on each layer.",
                COUNT,
                bad_below(1),
                "has not run; `[selftest].every` sets the interval",
            ),
            Query(f"min by (layer) ({series('selftest_success')})", "{{layer}}"),
            PASSED,
            width=12,
        ),
        number(
            About(
                "Last self-test",
                "Time since the last self-test ended; `[selftest].every` sets the interval.",
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
                "The share of all bytes in the time range that could not be identified.",
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
                "The share of cut flows in the time range whose server answered before the cut: the first "
                "packets of the answer passed. This happens with servers less than a millisecond away.",
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
                "What each ban did in the time range: DNS queries answered as banned, flows that were cut, "
                "packets refused by address, bytes that leaked, bytes of flows until they were cut, "
                "what bans in shadow mode would have stopped, and devices stopped in the last hour. Each group "
                "links to the traffic of its devices.",
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
                "The current state of bans. Ineffective: cannot stop anything. Waiting: the list was not fetched yet. "
                "Idle: no device of the group was seen in the last hour. Off: paused, outside the schedule, observing "
                "only, or not enabled. `gatewatch status` prints the reasons.",
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
                "DNS queries answered as banned, flows cut, packets refused by address. The units differ: no stack.",
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
                "Bytes that passed under an enforced ban, by the evidence that identified their vendor. After a "
                "ban takes effect this is zero.",
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
                "What bans in shadow mode would have stopped. Check this before you enforce a ban.",
                A_MINUTE,
                absent="No ban is in shadow mode.",
            ),
            Query(pace("shadow_blocked_total", f"{SUBJECT}, layer", *CHOSEN), "{{vendor}} {{service}} {{layer}}"),
            stacked=True,
        ),
        curve(
            About(
                "Time to effect",
                "Time from a banned ClientHello on the wire to the cut in the kernel, all bans. A server closer than "
                "this may answer before the cut.",
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
                "Devices that a ban stopped in the preceding hour.",
                COUNT,
                above(1, 50),
                NONE_ENFORCED,
            ),
            Query(f"sum by ({BAN}) ({series('ban_devices', *CHOSEN)})", "{{vendor}} {{service}} {{group}}"),
        ),
        curve(
            About(
                "Before the cut",
                "Bytes of cut flows up to and including the ClientHello.",
                BYTES_A_SECOND,
                absent=NONE_ENFORCED,
            ),
            Query(rate("blocked_bytes_total", BAN, *CHOSEN), "{{vendor}} {{service}} {{group}}"),
        ),
    ),
)

ROUND = Row(
    "Bypass attempts",
    (
        curve(
            About(
                "Bypass attempts",
                "Flows that hide names from the gateway, all groups, by method.",
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
                "The share of each group's bytes that could not be identified; bans have no effect on them.",
                SHARE,
                above(0.05, 0.2),
            ),
            Query(share(rate("blind_bytes_total", "group"), rate("flow_bytes_total", "group")), "{{group}}"),
        ),
    ),
)

ROWS = (HOLDS, EACH, COURSE, ROUND)
