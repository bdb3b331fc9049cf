"""The rows of the dashboard *gatewatch itself* about its lists, its enforcement and what it remembers."""

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

# Of a list that is shipped, since the daemon read it; it grows old with the package.
AGE: Final = f"max by (list) (time() - {series('list_last_success_timestamp_seconds')})"
# Seconds since 1970, which is when a subscription that was never fetched was fetched last: older than any list.
NEVER: Final = 1e9
INTERVAL: Final = f"min by (list) ({series('list_update_interval_seconds')})"

LISTS = Row(
    "Its lists",
    (
        rows(
            About(
                "Lists",
                "The time since the list was last loaded well, intervals of a subscription that passed meanwhile, "
                "entries, updates that failed, and lines that made no sense and were ignored.",
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
            About("Entries over time", "The twenty largest lists; a cliff is a broken download.", COUNT),
            Query(f"topk(20, max by (list) ({series('list_entries')}))", "{{list}}"),
            width=11,
        ),
    ),
)

ENFORCING = Row(
    "Enforcing",
    (
        curve(
            About("Kernel transactions", "Changes of set elements in the kernel, by result.", A_SECOND),
            Query(rate("kernel_transactions_total", "result"), "{{result}}"),
            width=8,
        ),
        curve(
            About(
                "Repairs and refusals",
                "Kernel state that somebody else had changed and that was put back or could not be, and set elements "
                "that the kernel did not take.",
                A_MINUTE,
                bad_above(1),
            ),
            Query(pace("kernel_repairs_total", "result"), "repairs: {{result}}"),
            Query(pace("kernel_refused_elements_total", "") + " or vector(0)", "refused"),
            width=8,
        ),
        curve(
            About(
                "Time to effect", "From a banned hello on the wire to its cut in the kernel.", SECONDS, above(0.01, 0.1)
            ),
            Query(quantile(0.5, "enforce_seconds"), "50 % within"),
            Query(quantile(0.99, "enforce_seconds"), "99 % within"),
            width=8,
        ),
        curve(
            About(
                "Self-test",
                "How long the last self-test took, by layer.",
                SECONDS,
                above(0.5, 1),
                absent="It has not run; `[selftest].every` says how often.",
            ),
            Query(f"max by (layer) ({series('selftest_seconds')})", "{{layer}}"),
            width=8,
        ),
        curve(
            About(
                "Sinkhole", "Queries that the sinkhole took, by what became of them.", A_SECOND, absent=SINKHOLE_UNUSED
            ),
            Query(rate("sinkhole_queries_total", "action"), "{{action}}"),
            width=8,
        ),
        curve(
            About(
                "Resolvers behind it",
                "Queries that no resolver answered well, by reason.",
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
                "TCP connections of clients that the sinkhole ended by itself.",
                A_MINUTE,
                above(6, 60),
                absent=SINKHOLE_UNUSED,
            ),
            Query(pace("sinkhole_connections_refused_total", "reason"), "{{reason}}"),
            width=8,
        ),
        curve(
            About("Changes that wait", "Portions of a large change of the table that wait for their turn.", COUNT),
            Query(f"max by (instance) ({series('kernel_pending_changes')})", "{{instance}}"),
            width=8,
        ),
        curve(
            About("Time of a change", "How long the last change of the table took until all of it held.", SECONDS),
            Query(f"max by (instance) ({series('kernel_load_seconds')})", "{{instance}}"),
            width=8,
        ),
        curve(
            About(
                "Unsent answers",
                "Answers of the sinkhole that could not be sent.",
                A_MINUTE,
                bad_above(1),
                absent=SINKHOLE_UNUSED,
            ),
            Query(pace("sinkhole_unsent_answers_total", ""), "unsent"),
        ),
        curve(
            About(
                "Blocked pages",
                "Requests to the page that tells what is blocked, by what became of them.",
                A_MINUTE,
                absent=SINKHOLE_UNUSED,
            ),
            Query(pace("blocked_page_requests_total", "action"), "{{action}}"),
        ),
    ),
)

LEARNING = Row(
    "What it remembers",
    (
        curve(
            About("Learned addresses", "What became of addresses that trusted answers gave to banned names.", A_MINUTE),
            Query(pace("learned_addresses_total", "result"), "{{result}}"),
            width=8,
        ),
        curve(
            About("Lookups", "Names whose addresses gatewatch asked for by itself, by how that went.", A_MINUTE),
            Query(pace("lookups_total", "result"), "{{result}}"),
            width=8,
        ),
        curve(
            About("Journal's size", "The file that remembers who talked to which vendor, by day.", BYTES),
            Query(f"max by (instance) ({series('journal_bytes')})", "{{instance}}"),
            width=8,
        ),
        curve(
            About("Journal's rows", "Rows that were written, once a minute.", A_MINUTE),
            Query(pace("journal_written_rows_total", ""), "written"),
            every="2m",
        ),
        curve(
            About(
                "Journal's losses",
                "Rows that were lost, by reason, and attempts to write that failed.",
                A_MINUTE,
                bad_above(1),
            ),
            Query(pace("journal_dropped_rows_total", "reason"), "{{reason}}"),
            Query(pace("journal_errors_total", ""), "attempts that failed"),
        ),
    ),
)
