"""Overview: who talks to which vendor, how much goes up and comes down, and where it goes."""

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
    description = "Who talks to which vendor, upload against download, and where it goes."
    return board("overview", "Overview", description, (INSTANCES, VENDORS, GROUPS), ROWS)


NOW = Row(
    "Now",
    (
        number(
            About("Upload", "Bytes a second from the devices to the chosen vendors.", BYTES_A_SECOND),
            rate("flow_bytes_total", "", UP, *CHOSEN),
        ),
        number(
            About("Download", "Bytes a second from the chosen vendors to the devices.", BYTES_A_SECOND),
            rate("flow_bytes_total", "", DOWN, *CHOSEN),
        ),
        number(
            About("Vendors", "Vendors that at least one device talked to in the last hour."),
            f"count(sum by (vendor) ({series('devices', NAMED, *CHOSEN)}) > 0)",
        ),
        number(
            About("Devices", "Devices seen in the last hour, in the chosen groups."),
            f"sum({series('group_devices', GROUP)})",
        ),
        number(About("Flows", "Flows that live now, of all devices."), f"sum({series('flows_active')})"),
        number(
            About(
                "Named",
                "The share of bytes whose vendor is known. What nobody can name is counted as blind.",
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
    "Who talks to which vendor",
    (
        rows(
            About(
                "Vendors", "Bytes over the time shown, and devices of the last hour; a vendor leads to its bans.", BYTES
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
            About("Services", "Bytes over the time shown, of the services that vendors are made of.", BYTES),
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
                About("Upload against download, by group", "Download is drawn upwards, upload down.", BYTES_A_SECOND),
                Query(rate("flow_bytes_total", "group", DOWN, *CHOSEN), "{{group}} down"),
                Query(rate("flow_bytes_total", "group", UP, *CHOSEN), "{{group}} up"),
            ),
            "/ up$/",
        ),
        curve(
            About(
                "How we know",
                "Bytes by the evidence that tied them to a vendor: names in handshakes are the strongest, "
                "`none` has none.",
                BYTES_A_SECOND,
            ),
            Query(rate("flow_bytes_total", "evidence", *CHOSEN), "{{evidence}}"),
            stacked=True,
        ),
    ),
)

WHERE = Row(
    "Where it goes",
    (
        rows(
            About(
                "Networks",
                "Bytes of all devices by the network and country of the other end, over the time shown. Needs the MMDB "
                "files of `[geo]`; without them all is `unknown`. Small ones are in `other`.",
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
                "Upload of all devices over the time shown, by the ten countries that most of it went to.",
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
            About("Questions", "DNS queries of the devices, by what became of them.", A_SECOND),
            Query(rate("dns_queries_total", "action", *CHOSEN), "{{action}}"),
            stacked=True,
        ),
        curve(
            About("Answers", "DNS responses to all devices, by their code.", A_SECOND),
            Query(rate("dns_responses_total", "rcode"), "{{rcode}}"),
            stacked=True,
        ),
        curve(
            About("Time to an answer", "Between a query and its response, of all devices.", SECONDS, above(0.1, 0.5)),
            Query(quantile(0.5, "dns_response_seconds"), "50 % within"),
            Query(quantile(0.9, "dns_response_seconds"), "90 % within"),
            Query(quantile(0.99, "dns_response_seconds"), "99 % within"),
        ),
        curve(
            About("Handshakes and flows", "TLS and QUIC hellos, those with ECH, and flows that began.", A_SECOND),
            Query(rate("handshakes_total", "transport", *CHOSEN), "{{transport}}"),
            Query(rate("ech_handshakes_total", "ech", GROUP), "ECH {{ech}}"),
            Query(rate("flows_total", "", *CHOSEN), "flows"),
        ),
    ),
)

ROWS = (NOW, WHO, WHERE, NAMES)
