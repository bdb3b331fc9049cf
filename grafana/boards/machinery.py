"""Defines the rows of the dashboard gatewatch itself about lists, enforcement and stored data."""

from typing import Final

from boards.frame import Row
from boards.panels import (
    A_MINUTE,
    A_SECOND,
    BYTES,
    COUNT,
    SECONDS,
    About,
    Column,
    Query,
    above,
    bad_above,
    bad_below,
    curve,
    rows,
)
from boards.queries import pace, quantile, rate, series

SINKHOLE_UNUSED: Final = "No ban needs the sinkhole."

# The age of a shipped list counts from its loading by the daemon.
AGE: Final = f"max by (list) (time() - {series('list_last_success_timestamp_seconds')})"
# A subscription that was never fetched has timestamp 0: it is older than this, and any other list is younger.
NEVER: Final = 1e9
INTERVAL: Final = f"min by (list) ({series('list_update_interval_seconds')})"

LISTS = Row(
    "Lists",
    (
        rows(
            About(
                "Lists",
                "Time since the list was last loaded successfully, missed update intervals of a subscription, "
                "entries, failed updates, and lines without an entry.",
            ),
            ("list",),
            (
                Column("Age", AGE, SECONDS, too_large=(NEVER, "never")),
                Column("Missed", f"floor({AGE} / {INTERVAL})", COUNT, above(1, 3), (NEVER / 86_400, "all")),
                Column("Entries", f"max by (list) ({series('list_entries')})", COUNT, bad_below(1)),
                Column("Failed", f"max by (list) ({series('list_failed_updates')})", COUNT, above(1, 3)),
                Column("Ignored", f"max by (list) ({series('list_ignored_lines')})", COUNT, above(1, 1000)),
            ),
            width=13,
        ),
        curve(
            About("Entries over time", "The twenty largest lists; a sharp drop indicates a broken download.", COUNT),
            Query(f"topk(20, max by (list) ({series('list_entries')}))", "{{list}}"),
            width=11,
        ),
    ),
)

ENFORCING = Row(
    "Enforcement",
    (
        curve(
            About("Kernel transactions", "Netlink transactions that change set elements, by result.", A_SECOND),
            Query(rate("kernel_transactions_total", "result"), "{{result}}"),
            width=8,
        ),
        curve(
            About(
                "Repairs and refused elements",
                "Repairs of kernel state that another program changed, by result, and set elements that the kernel "
                "refused.",
                A_MINUTE,
                bad_above(1),
            ),
            Query(pace("kernel_repairs_total", "result"), "repairs: {{result}}"),
            Query(pace("kernel_refused_elements_total", "") + " or vector(0)", "refused"),
            width=8,
        ),
        curve(
            About(
                "Time to effect",
                "Time from a banned ClientHello on the wire to the cut in the kernel.",
                SECONDS,
                above(0.01, 0.1),
            ),
            Query(quantile(0.5, "enforce_seconds"), "50 % within"),
            Query(quantile(0.99, "enforce_seconds"), "99 % within"),
            width=8,
        ),
        curve(
            About(
                "Self-test",
                "Duration of the last self-test, by layer.",
                SECONDS,
                above(0.5, 1),
                absent="It has not run; `[selftest].every` sets the interval.",
            ),
            Query(f"max by (layer) ({series('selftest_seconds')})", "{{layer}}"),
            width=8,
        ),
        curve(
            About("Sinkhole", "Queries that the sinkhole received, by action.", A_SECOND, absent=SINKHOLE_UNUSED),
            Query(rate("sinkhole_queries_total", "action"), "{{action}}"),
            width=8,
        ),
        curve(
            About(
                "Upstream errors",
                "Queries without a usable answer from a resolver, by reason.",
                A_MINUTE,
                above(6, 60),
                absent=SINKHOLE_UNUSED,
            ),
            Query(pace("sinkhole_upstream_errors_total", "reason"), "{{reason}}"),
            width=8,
        ),
        curve(
            About(
                "Refused connections",
                "TCP connections of clients that the sinkhole closed.",
                A_MINUTE,
                above(6, 60),
                absent=SINKHOLE_UNUSED,
            ),
            Query(pace("sinkhole_connections_refused_total", "reason"), "{{reason}}"),
            width=8,
        ),
        curve(
            About("Pending changes", "Portions of a large table change that are not applied yet.", COUNT),
            Query(f"max by (instance) ({series('kernel_pending_changes')})", "{{instance}}"),
            width=8,
        ),
        curve(
            About("Duration of changes", "Duration of the last table change, until the kernel had all of it.", SECONDS),
            Query(f"max by (instance) ({series('kernel_load_seconds')})", "{{instance}}"),
            width=8,
        ),
        curve(
            About(
                "Unsent answers",
                "Answers that the sinkhole could not send.",
                A_MINUTE,
                bad_above(1),
                absent=SINKHOLE_UNUSED,
            ),
            Query(pace("sinkhole_unsent_answers_total", ""), "unsent"),
        ),
        curve(
            About(
                "Blocked pages",
                "Requests to the blocked page, by action.",
                A_MINUTE,
                absent=SINKHOLE_UNUSED,
            ),
            Query(pace("blocked_page_requests_total", "action"), "{{action}}"),
        ),
    ),
)

LEARNING = Row(
    "Stored data",
    (
        curve(
            About("Learned addresses", "Addresses of banned names in trusted answers, by result.", A_MINUTE),
            Query(pace("learned_addresses_total", "result"), "{{result}}"),
            width=8,
        ),
        curve(
            About("Lookups", "DNS lookups that gatewatch made itself, by result.", A_MINUTE),
            Query(pace("lookups_total", "result"), "{{result}}"),
            width=8,
        ),
        curve(
            About("Journal's size", "Size of the journal file, which stores traffic by day, device and vendor.", BYTES),
            Query(f"max by (instance) ({series('journal_bytes')})", "{{instance}}"),
            width=8,
        ),
        curve(
            About("Journal's rows", "Rows written, once a minute.", A_MINUTE),
            Query(pace("journal_written_rows_total", ""), "written"),
            every="2m",
        ),
        curve(
            About(
                "Journal's losses",
                "Lost rows, by reason, and failed attempts to write.",
                A_MINUTE,
                bad_above(1),
            ),
            Query(pace("journal_dropped_rows_total", "reason"), "{{reason}}"),
            Query(pace("journal_errors_total", ""), "failed attempts"),
        ),
    ),
)
