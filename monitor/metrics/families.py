"""Defines all metric families: name without the `gatewatch_` prefix, type, help, labels.

Label values come from closed sets: never a domain, a MAC address or an IP address.
"""

from dataclasses import dataclass
from typing import Final

PREFIX: Final = "gatewatch_"
GAUGE: Final = "gauge"
COUNTER: Final = "counter"
HISTOGRAM: Final = "histogram"


@dataclass(frozen=True)
class Family:
    """A metric family; samples give their label values in the order of `labels`."""

    name: str
    type: str
    help: str
    labels: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        return PREFIX + self.name


# Of bans: `service` is empty for a ban of a whole vendor or of a category.
_BAN: Final = ("vendor", "service", "group")
_FLOW: Final = ("vendor", "service", "group", "direction", "evidence")

FAMILIES: Final = (
    Family("build_info", GAUGE, "Version, and whether the core runs compiled or interpreted.", ("version", "engine")),
    Family("capture_packets_total", COUNTER, "Frames that the capture delivered.", ("interface",)),
    Family(
        "capture_dropped_packets_total",
        COUNTER,
        "Frames that the kernel dropped because the capture was not read fast enough.",
        ("interface",),
    ),
    Family("capture_bytes_total", COUNTER, "Bytes of the frames that the capture delivered.", ("interface",)),
    Family(
        "decode_errors_total", COUNTER, "Packets and messages that could not be decoded, by kind.", ("layer", "kind")
    ),
    Family("dns_queries_total", COUNTER, "DNS queries of devices, by action.", ("vendor", "group", "action")),
    Family("dns_responses_total", COUNTER, "DNS responses to devices.", ("rcode",)),
    Family("dns_response_seconds", HISTOGRAM, "Time between a device's DNS query and its response."),
    Family("handshakes_total", COUNTER, "TLS and QUIC ClientHellos.", ("vendor", "group", "transport")),
    Family(
        "ech_handshakes_total",
        COUNTER,
        "ClientHellos with the ECH extension: offered (the SNI is the true name) or real (ECH hides the name).",
        ("group", "ech"),
    ),
    Family("flow_bytes_total", COUNTER, "IP bytes of flows; up and down are seen from the device.", _FLOW),
    Family("flows_total", COUNTER, "Flows that started.", ("vendor", "service", "group", "evidence")),
    Family("flows_active", GAUGE, "Flows in the flow table."),
    Family(
        "conntrack_overruns_total",
        COUNTER,
        "Overruns of the conntrack event socket. A dump of all flows follows each overrun.",
    ),
    Family(
        "destination_bytes_total",
        COUNTER,
        "IP bytes by network and country of the remote address; small ones are summed as other.",
        ("asn", "country", "direction"),
    ),
    Family("devices", GAUGE, "Devices seen with the vendor in the last hour.", ("vendor", "group")),
    Family("group_devices", GAUGE, "Devices of the group seen in the last hour.", ("group",)),
    Family(
        "host_names_refused_total",
        COUNTER,
        "Host names in DHCP requests that were ignored: another MAC has the name, or the MAC has another name.",
    ),
    Family(
        "bypass_attempts_total",
        COUNTER,
        "Flows that hide names from a gateway, by method; mac_change counts devices whose MAC may have changed.",
        ("group", "method"),
    ),
    Family(
        "ban_info",
        GAUGE,
        "1 for each vendor or category, service and group with a ban in force; an empty service is the whole vendor.",
        ("vendor", "service", "group", "mode"),
    ),
    Family(
        "ban_state",
        GAUGE,
        "1 for the state of a ban: effective, idle, waiting, ineffective or off; an empty service is the whole vendor.",
        ("vendor", "service", "group", "mode", "state"),
    ),
    Family("dns_blocked_queries_total", COUNTER, "DNS queries for banned names that the sinkhole answered.", _BAN),
    Family("killed_flows_total", COUNTER, "Flows that an enforced ban cut.", _BAN),
    Family("refused_packets_total", COUNTER, "Packets that the kernel refused because of their address.", _BAN),
    Family(
        "blocked_total",
        COUNTER,
        "Deprecated, removed in the next release: the sum of dns_blocked_queries_total, killed_flows_total and "
        "refused_packets_total.",
        ("vendor", "group", "layer"),
    ),
    Family(
        "shadow_blocked_total",
        COUNTER,
        "Queries, flows and packets that bans in shadow mode would have stopped.",
        (*_BAN, "layer"),
    ),
    Family(
        "leaked_bytes_total",
        COUNTER,
        "IP bytes that passed after an enforced ban took effect.",
        (*_BAN, "direction", "evidence"),
    ),
    Family("blocked_bytes_total", COUNTER, "IP bytes of cut flows up to and including the ClientHello.", _BAN),
    Family("ban_devices", GAUGE, "Devices that an enforced ban stopped in the last hour.", _BAN),
    Family("late_answers_total", COUNTER, "Cut flows whose server answered before the cut."),
    Family(
        "enforce_seconds",
        HISTOGRAM,
        "Time between a banned ClientHello on the wire and the cut of its flow in the kernel.",
    ),
    Family("enforcement_up", GAUGE, "1 if this part of enforcement works; only parts that a ban needs.", ("part",)),
    Family("selftest_success", GAUGE, "1 if enforcement passed the last self-test of this layer.", ("layer",)),
    Family("selftest_seconds", GAUGE, "Duration of the last self-test of this layer.", ("layer",)),
    Family("selftest_last_timestamp_seconds", GAUGE, "Time at which the last self-test ended."),
    Family("kernel_transactions_total", COUNTER, "Netlink transactions that change set elements.", ("result",)),
    Family("kernel_pending_changes", GAUGE, "Portions of a large table change that are not applied yet."),
    Family("kernel_load_seconds", GAUGE, "Duration of the last table change, until the kernel had all of it."),
    Family(
        "kernel_refused_elements_total",
        COUNTER,
        "Set elements that the kernel refused, by reason.",
        ("reason",),
    ),
    Family(
        "kernel_repairs_total",
        COUNTER,
        "Repairs of kernel state that another program changed, by result.",
        ("result",),
    ),
    Family(
        "learned_addresses_total",
        COUNTER,
        "Addresses of banned names in trusted answers, by result.",
        ("result",),
    ),
    Family("lookups_total", COUNTER, "DNS lookups that gatewatch made itself.", ("result",)),
    Family("blind_bytes_total", COUNTER, "IP bytes that could not be identified, by reason.", ("group", "reason")),
    Family("loop_stall_seconds", GAUGE, "Longest stall of the daemon's event loop in the last minute."),
    Family("list_entries", GAUGE, "Entries of a list.", ("list",)),
    Family("list_ignored_lines", GAUGE, "Lines of a list that gave no entry.", ("list",)),
    Family(
        "list_last_success_timestamp_seconds",
        GAUGE,
        "Time of the last load of a list; for a subscription, of the last fetch or unchanged reply. 0: never.",
        ("list",),
    ),
    Family(
        "list_update_interval_seconds", GAUGE, "Configured interval between two fetches of a subscription.", ("list",)
    ),
    Family(
        "list_failed_updates",
        GAUGE,
        "Failed updates of a subscription since the last successful one.",
        ("list",),
    ),
    Family("table_entries", GAUGE, "Entries of an internal table.", ("table",)),
    Family("table_limit", GAUGE, "Maximum number of entries of an internal table, from [limits].", ("table",)),
    Family(
        "table_evictions_total",
        COUNTER,
        "Entries that a full table dropped; for the table series, series that were summed as other.",
        ("table",),
    ),
    Family("sinkhole_queries_total", COUNTER, "Queries that the sinkhole received, by action.", ("action",)),
    Family(
        "sinkhole_upstream_errors_total",
        COUNTER,
        "Queries that no resolver answered in time and answers that match no query, by reason.",
        ("reason",),
    ),
    Family(
        "sinkhole_connections_refused_total",
        COUNTER,
        "TCP connections of clients that the sinkhole closed, by reason.",
        ("reason",),
    ),
    Family("sinkhole_unsent_answers_total", COUNTER, "Answers that the sinkhole could not send."),
    Family(
        "blocked_page_requests_total",
        COUNTER,
        "Requests to the blocked page, by action.",
        ("action",),
    ),
    Family("events_total", COUNTER, "Events written.", ("type",)),
    Family("events_dropped_total", COUNTER, "Events that could not be written."),
    Family("journal_bytes", GAUGE, "Size of the journal file."),
    Family("journal_written_rows_total", COUNTER, "Rows written to the journal, one row per minute."),
    Family(
        "journal_dropped_rows_total",
        COUNTER,
        "Lost rows of the journal: the disk was unavailable too long, no room was left, or old rows were removed.",
        ("reason",),
    ),
    Family("journal_errors_total", COUNTER, "Failed attempts to write the journal."),
    Family("config_last_reload_success", GAUGE, "1 if the last reload of the configuration succeeded."),
    Family("config_info", GAUGE, "1, labelled with the hash of the running configuration.", ("hash",)),
)

BY_NAME: Final = {family.name: family for family in FAMILIES}
