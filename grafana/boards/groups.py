"""Defines the dashboard Device groups: the traffic of the devices under one policy, together and separately."""

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build

from boards.frame import GROUPS, INSTANCES, VENDORS, Row, board, place
from boards.panels import (
    A_MINUTE,
    A_SECOND,
    BYTES,
    BYTES_A_SECOND,
    SHARE,
    About,
    Column,
    Query,
    above,
    bad_above,
    curve,
    mirrored,
    rows,
)
from boards.queries import DOWN, GROUP, TRAFFIC, UP, VENDOR, grown, largest, pace, rate, series, share, total

CHOSEN: Final = (VENDOR, GROUP)
BLIND: Final = share(grown("blind_bytes_total", "group", GROUP), total(TRAFFIC, "group", GROUP))


def groups() -> build.Dashboard:
    description = "The traffic of device groups, side by side and each separately."
    return board("groups", "Device groups", description, (INSTANCES, GROUPS, VENDORS), (BESIDE, COURSE, EACH))


BESIDE = Row(
    "Side by side",
    (
        rows(
            About(
                "Groups",
                "Each group in the time range, with its devices of the last hour; it links to its bans.",
                BYTES,
            ),
            ("group",),
            (
                Column("Upload", total(TRAFFIC, "group", UP, *CHOSEN), BYTES),
                Column("Download", total(TRAFFIC, "group", DOWN, *CHOSEN), BYTES),
                Column("Devices", f"sum by (group) ({series('group_devices', GROUP)})"),
                Column("Names", grown("dns_blocked_queries_total", "group", *CHOSEN)),
                Column("Flows", grown("killed_flows_total", "group", *CHOSEN)),
                Column("Packets", grown("refused_packets_total", "group", *CHOSEN)),
                Column("Leaked", grown("leaked_bytes_total", "group", *CHOSEN), BYTES, bad_above(1)),
                Column(
                    "Bypass attempts",
                    grown("bypass_attempts_total", "group", GROUP),
                    steps=((None, "green"), (1, "yellow")),
                ),
                Column("Blind", BLIND, SHARE, above(0.05, 0.2)),
            ),
            height=7,
            link=("Its bans", place("compliance", "var-group=${__value.raw}")),
        ),
    ),
)

COURSE = Row(
    "Over time",
    (
        mirrored(
            curve(
                About("Upload and download", "Download is drawn upwards, upload downwards.", BYTES_A_SECOND),
                Query(rate("flow_bytes_total", "group", DOWN, *CHOSEN), "{{group}} down"),
                Query(rate("flow_bytes_total", "group", UP, *CHOSEN), "{{group}} up"),
            ),
            "/ up$/",
        ),
        curve(
            About("Devices", "Devices of the group that were seen in the preceding hour."),
            Query(f"sum by (group) ({series('group_devices', GROUP)})", "{{group}}"),
        ),
        curve(
            About("Devices with a vendor", "Devices that were seen with the vendor in the preceding hour."),
            Query(largest(15, f"sum by (vendor, group) ({series('devices', *CHOSEN)})"), "{{vendor}} {{group}}"),
        ),
        curve(
            About("Questions", "DNS queries, by action.", A_SECOND),
            Query(rate("dns_queries_total", "group, action", *CHOSEN), "{{group}} {{action}}"),
        ),
        curve(
            About(
                "Bypass attempts",
                "Flows that hide names from the gateway, by method.",
                A_MINUTE,
                above(6, 60),
            ),
            Query(pace("bypass_attempts_total", "group, method", GROUP), "{{group}} {{method}}"),
        ),
        curve(
            About("Blind bytes", "Bytes that could not be identified, by reason.", BYTES_A_SECOND),
            Query(rate("blind_bytes_total", "group, reason", GROUP), "{{group}} {{reason}}"),
            stacked=True,
        ),
    ),
)

EACH = Row(
    "Each group separately",
    (
        curve(
            About("Vendors of $group", "Upload and download together, the ten largest at each moment.", BYTES_A_SECOND),
            Query(largest(10, rate("flow_bytes_total", "vendor", *CHOSEN)), "{{vendor}}"),
            stacked=True,
        )
        .repeat("group")
        .repeat_direction("h")
        .max_per_row(2),
    ),
)
