"""Defines the dashboard Overview: traffic by vendor, upload and download, and destinations."""

from grafana_foundation_sdk.builders import dashboard as build

from boards.frame import GROUPS, INSTANCES, VENDORS, Row, board, place
from boards.panels import (
    A_SECOND,
    BYTES,
    BYTES_A_SECOND,
    SECONDS,
    SHARE,
    About,
    Column,
    Query,
    above,
    bars,
    curve,
    mirrored,
    number,
    rows,
)
from boards.queries import DOWN, GROUP, TRAFFIC, UP, VENDOR, largest, quantile, rate, series, share, total

CHOSEN = (VENDOR, GROUP)
NAMED = 'vendor!~"unknown|other"'


def overview() -> build.Dashboard:
    description = "Traffic by vendor and group, upload and download, and its destinations."
    return board("overview", "Overview", description, (INSTANCES, VENDORS, GROUPS), ROWS)


NOW = Row(
    "Now",
    (
        number(
            About("Upload", "Bytes per second from the devices to the chosen vendors.", BYTES_A_SECOND),
            rate("flow_bytes_total", "", UP, *CHOSEN),
        ),
        number(
            About("Download", "Bytes per second from the chosen vendors to the devices.", BYTES_A_SECOND),
            rate("flow_bytes_total", "", DOWN, *CHOSEN),
        ),
        number(
            About("Vendors", "Vendors with which at least one device communicated in the last hour."),
            f"count(sum by (vendor) ({series('devices', NAMED, *CHOSEN)}) > 0)",
        ),
        number(
            About("Devices", "Devices seen in the last hour, in the chosen groups."),
            f"sum({series('group_devices', GROUP)})",
        ),
        number(About("Flows", "Active flows of all devices."), f"sum({series('flows_active')})"),
        number(
            About(
                "Named",
                "The share of bytes whose vendor is known. Bytes that cannot be identified count as blind.",
                SHARE,
                ((None, "red"), (0.5, "yellow"), (0.8, "green")),
            ),
            share(
                rate("flow_bytes_total", "", NAMED, GROUP),
                rate("flow_bytes_total", "", GROUP),
            ),
        ),
    ),
)

WHO = Row(
    "Traffic by vendor",
    (
        rows(
            About(
                "Vendors", "Bytes in the time range, and devices of the last hour; a vendor links to its bans.", BYTES
            ),
            ("vendor",),
            (
                Column("Upload", largest(50, total(TRAFFIC, "vendor", UP, *CHOSEN)), BYTES),
                Column("Download", largest(50, total(TRAFFIC, "vendor", DOWN, *CHOSEN)), BYTES),
                Column("Devices", f"sum by (vendor) ({series('devices', *CHOSEN)})"),
            ),
            width=12,
            link=("Its bans", place("compliance", "var-vendor=${__value.raw}")),
        ),
        rows(
            About("Services", "Bytes in the time range, by service of each vendor.", BYTES),
            ("vendor", "service"),
            (
                Column("Upload", largest(50, total(TRAFFIC, "vendor, service", UP, *CHOSEN)), BYTES),
                Column("Download", largest(50, total(TRAFFIC, "vendor, service", DOWN, *CHOSEN)), BYTES),
            ),
            width=12,
        ),
        curve(
            About("Upload by vendor", "The ten largest at each moment.", BYTES_A_SECOND),
            Query(largest(10, rate("flow_bytes_total", "vendor", UP, *CHOSEN)), "{{vendor}}"),
            stacked=True,
        ),
        curve(
            About("Download by vendor", "The ten largest at each moment.", BYTES_A_SECOND),
            Query(largest(10, rate("flow_bytes_total", "vendor", DOWN, *CHOSEN)), "{{vendor}}"),
            stacked=True,
        ),
        mirrored(
            curve(
                About("Upload and download, by group", "Download is drawn upwards, upload downwards.", BYTES_A_SECOND),
                Query(rate("flow_bytes_total", "group", DOWN, *CHOSEN), "{{group}} down"),
                Query(rate("flow_bytes_total", "group", UP, *CHOSEN), "{{group}} up"),
            ),
            "/ up$/",
        ),
        curve(
            About(
                "Evidence",
                "Bytes by the evidence that identified the vendor: names in handshakes are the strongest, "
                "`none` means no vendor.",
                BYTES_A_SECOND,
            ),
            Query(rate("flow_bytes_total", "evidence", *CHOSEN), "{{evidence}}"),
            stacked=True,
        ),
    ),
)

WHERE = Row(
    "Destinations",
    (
        rows(
            About(
                "Networks",
                "Bytes of all devices by network and country of the remote address, in the time range. Needs the MMDB "
                "files of `[geo]`; without them every value is `unknown`. Small ones are summed as `other`.",
                BYTES,
            ),
            ("asn", "country"),
            (
                Column("Upload", largest(50, total("destination_bytes_total", "asn, country", UP)), BYTES),
                Column("Download", largest(50, total("destination_bytes_total", "asn, country", DOWN)), BYTES),
            ),
            width=12,
        ),
        bars(
            About(
                "Countries",
                "Upload of all devices in the time range, for the ten countries with most bytes.",
                BYTES,
            ),
            Query(largest(10, total("destination_bytes_total", "country", UP)), "{{country}}"),
        ),
    ),
)

NAMES = Row(
    "Names",
    (
        curve(
            About("Questions", "DNS queries of the devices, by action.", A_SECOND),
            Query(rate("dns_queries_total", "action", *CHOSEN), "{{action}}"),
            stacked=True,
        ),
        curve(
            About("Answers", "DNS responses to all devices, by response code.", A_SECOND),
            Query(rate("dns_responses_total", "rcode"), "{{rcode}}"),
            stacked=True,
        ),
        curve(
            About("Response time", "Time between a query and its response, all devices.", SECONDS, above(0.1, 0.5)),
            Query(quantile(0.5, "dns_response_seconds"), "50 % within"),
            Query(quantile(0.9, "dns_response_seconds"), "90 % within"),
            Query(quantile(0.99, "dns_response_seconds"), "99 % within"),
        ),
        curve(
            About(
                "Handshakes and flows", "TLS and QUIC ClientHellos, those with ECH, and flows that started.", A_SECOND
            ),
            Query(rate("handshakes_total", "transport", *CHOSEN), "{{transport}}"),
            Query(rate("ech_handshakes_total", "ech", GROUP), "ECH {{ech}}"),
            Query(rate("flows_total", "", *CHOSEN), "flows"),
        ),
    ),
)

ROWS = (NOW, WHO, WHERE, NAMES)
