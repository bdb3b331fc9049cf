"""Defines the dashboard gatewatch itself: completeness of capture, load, freshness of lists, and resource use."""

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build

from boards.frame import INSTANCES, Row, board
from boards.machinery import ENFORCING, LEARNING, LISTS
from boards.panels import (
    A_MINUTE,
    A_SECOND,
    BYTES,
    BYTES_A_SECOND,
    COUNT,
    GOOD,
    PLAIN,
    SECONDS,
    SHARE,
    About,
    Query,
    above,
    bad_above,
    bad_below,
    curve,
    label,
    number,
    words,
)
from boards.queries import pace, rate, series, share

WELL: Final = {"0": ("failed", "red"), "1": ("succeeded", "green")}
WORKS: Final = {"0": ("down", "red"), "1": ("works", "green")}
CORES: Final = "cores"


def itself() -> build.Dashboard:
    description = "Whether capture is complete, gatewatch keeps up and lists are fresh, and the resources in use."
    return board("itself", "gatewatch itself", description, (INSTANCES,), ROWS)


WELL_ROW = Row(
    "Health",
    (
        label(
            About("Version", "The running version."), f"sum by (version) ({series('build_info')})", "version", width=3
        ),
        label(
            About(
                "Engine",
                "Whether the core runs compiled or interpreted. The code is the same; compiled is ten times as fast.",
            ),
            f"sum by (engine) ({series('build_info')})",
            "engine",
            width=3,
        ),
        number(
            About("Up for", "Time since the daemon started; of several daemons, the one started last.", SECONDS, GOOD),
            f"min(time() - {series('process_start_time_seconds')})",
            width=3,
        ),
        words(
            About("Reload", "Whether the last reload of the configuration succeeded.", COUNT, bad_below(1)),
            Query(f"min({series('config_last_reload_success')})"),
            WELL,
            width=3,
        ),
        label(
            About("Configuration", "The hash of the running configuration; equal configurations have equal hashes."),
            f"sum by (hash) ({series('config_info')})",
            "hash",
        ),
        words(
            About("Enforcement", "The parts of enforcement that a ban needs.", COUNT, bad_below(1), "no ban needs it"),
            Query(f"min by (part) ({series('enforcement_up')})", "{{part}}"),
            WORKS,
        ),
        number(
            About(
                "Longest stall",
                "The longest stall of the daemon's event loop in the last minute. After 5 s bans fail open.",
                SECONDS,
                above(0.25, 2),
            ),
            f"max({series('loop_stall_seconds')})",
        ),
    ),
)

CAPTURE = Row(
    "Capture",
    (
        curve(
            About("Frames", "Frames that the capture delivered; the kernel's filter drops most frames.", A_SECOND),
            Query(rate("capture_packets_total", "interface"), "{{interface}}"),
            width=8,
        ),
        curve(
            About("Bytes of frames", "Bytes of the frames that the capture delivered.", BYTES_A_SECOND),
            Query(rate("capture_bytes_total", "interface"), "{{interface}}"),
            width=8,
        ),
        curve(
            About(
                "Dropped frames",
                "Frames that the kernel dropped because the capture was not read fast enough; their content is lost.",
                A_SECOND,
                bad_above(1),
            ),
            Query(rate("capture_dropped_packets_total", "interface"), "{{interface}}"),
            width=8,
        ),
        curve(
            About("Not decoded", "Packets and messages that could not be decoded, by kind.", A_SECOND, above(1, 100)),
            Query(rate("decode_errors_total", "layer, kind"), "{{layer}} {{kind}}"),
            width=8,
        ),
        curve(
            About(
                "Overruns",
                "Overruns of the conntrack event socket. A dump of all flows follows each overrun, "
                "but flows that ended in between are reported late.",
                A_MINUTE,
                above(1, 30),
                "Bytes are those of packets.",
            ),
            Query(pace("conntrack_overruns_total", ""), "overruns"),
            width=8,
        ),
        curve(
            About(
                "Stalls",
                "The longest stall of the daemon's event loop within a minute.",
                SECONDS,
                above(0.25, 2),
            ),
            Query(f"max by (instance) ({series('loop_stall_seconds')})", "{{instance}}"),
            width=8,
        ),
    ),
)

TABLES = Row(
    "Its tables",
    (
        curve(
            About(
                "How full",
                "Entries of each table as a share of its limit in `[limits]`. A full table drops its oldest entries.",
                SHARE,
                above(0.8, 0.98),
            ),
            Query(
                share(f"max by (table) ({series('table_entries')})", f"min by (table) ({series('table_limit')})"),
                "{{table}}",
            ),
        ),
        curve(
            About("Entries", "Entries of each table, and active flows.", COUNT),
            Query(f"sum by (table) ({series('table_entries')})", "{{table}}"),
            Query(f"sum({series('flows_active')})", "flows now"),
        ),
        curve(
            About(
                "Given up",
                "Entries that a full table dropped; for `series`, series summed as `other`.",
                A_SECOND,
                bad_above(1),
            ),
            Query(rate("table_evictions_total", "table"), "{{table}}"),
        ),
        curve(
            About("Events", "Events written, by type, and events dropped.", A_SECOND),
            Query(rate("events_total", "type"), "{{type}}"),
            Query(rate("events_dropped_total", ""), "dropped"),
        ),
    ),
)

COSTS = Row(
    "Resources",
    (
        curve(
            About("Memory", "Resident memory.", BYTES, above(150e6, 300e6)),
            Query(f"max by (instance) ({series('process_resident_memory_bytes')})", "{{instance}}"),
            width=8,
        ),
        curve(
            About("Processor", "CPU cores in use.", CORES, above(0.7, 0.95)),
            Query(f"sum by (instance) (rate({series('process_cpu_seconds_total')}[$__rate_interval]))", "{{instance}}"),
            width=8,
        ),
        curve(
            About("Open files", "Open file descriptors as a share of the limit.", SHARE, above(0.5, 0.8)),
            Query(share(series("process_open_fds"), series("process_max_fds")), "{{instance}}"),
            width=8,
        ),
        curve(
            About("Scrapes", "Duration of a scrape.", SECONDS, above(0.5, 2)),
            Query(f"max by (instance) ({series('scrape_duration_seconds')})", "{{instance}}"),
        ),
        curve(
            About("Series", "Series per scrape.", COUNT, PLAIN),
            Query(f"max by (instance) ({series('scrape_samples_scraped')})", "{{instance}}"),
        ),
    ),
)

ROWS = (WELL_ROW, CAPTURE, TABLES, LISTS, ENFORCING, LEARNING, COSTS)
