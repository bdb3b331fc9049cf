"""The one table of all metric families: name without the `gatewatch_` prefix, type, help, labels.

Labels come from closed sets only: never a domain, a MAC or an address.
"""

from dataclasses import dataclass
from typing import Final

PREFIX: Final = "gatewatch_"
GAUGE: Final = "gauge"
COUNTER: Final = "counter"
HISTOGRAM: Final = "histogram"


@dataclass(frozen=True)
class Family:
    """A metric family; `labels` in the order in which samples give their values."""

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
    Family("capture_packets_total", COUNTER, "Frames that the capture handed over.", ("interface",)),
    Family(
        "capture_dropped_packets_total",
        COUNTER,
        "Frames that the kernel dropped because the capture was not read fast enough.",
        ("interface",),
    ),
    Family("capture_bytes_total", COUNTER, "Bytes of the frames that the capture handed over.", ("interface",)),
    Family(
        "decode_errors_total", COUNTER, "Packets and messages that could not be decoded, by kind.", ("layer", "kind")
    ),
    Family(
        "dns_queries_total", COUNTER, "DNS queries of devices, by what became of them.", ("vendor", "group", "action")
    ),
    Family("dns_responses_total", COUNTER, "DNS responses to devices.", ("rcode",)),
    Family("dns_response_seconds", HISTOGRAM, "Time between a device's DNS query and its response."),
    Family("handshakes_total", COUNTER, "TLS and QUIC client hellos.", ("vendor", "group", "transport")),
    Family(
        "ech_handshakes_total",
        COUNTER,
        "Client hellos with the ECH extension: beside the true name (offered), or hiding it (real).",
        ("group", "ech"),
    ),
    Family("flow_bytes_total", COUNTER, "IP bytes of flows, up and down as the device sees it.", _FLOW),
    Family("flows_total", COUNTER, "Flows that began.", ("vendor", "service", "group", "evidence")),
    Family("flows_active", GAUGE, "Flows in the table now."),
    Family(
        "conntrack_overruns_total",
        COUNTER,
        "Times that conntrack's events came faster than they were read; a listing of all flows makes up for them.",
    ),
    Family(
        "destination_bytes_total",
        COUNTER,
        "IP bytes by the network and country of the other end; the smaller ones are in other.",
        ("asn", "country", "direction"),
    ),
    Family("devices", GAUGE, "Devices seen with the vendor in the last hour.", ("vendor", "group")),
    Family("group_devices", GAUGE, "Devices of the group seen in the last hour.", ("group",)),
    Family(
        "host_names_refused_total",
        COUNTER,
        "Host names in DHCP requests that did not count: another MAC has the name, or the MAC another name.",
    ),
    Family(
        "bypass_attempts_total",
        COUNTER,
        "Flows of a kind that hides names from a gateway, by method; devices whose MAC may have changed: mac_change.",
        ("group", "method"),
    ),
    Family(
        "ban_info",
        GAUGE,
        "1 for each vendor or category, service and group that a ban is in force for; no service: the whole vendor.",
        ("vendor", "service", "group", "mode"),
    ),
    Family(
        "ban_state",
        GAUGE,
        "1 for the state of a ban: effective, idle, waiting, ineffective or off; without a service for a whole vendor.",
        ("vendor", "service", "group", "mode", "state"),
    ),
    Family("dns_blocked_queries_total", COUNTER, "DNS queries that the sinkhole answered as banned.", _BAN),
    Family("killed_flows_total", COUNTER, "Flows that an enforced ban cut.", _BAN),
    Family("refused_packets_total", COUNTER, "Packets that the kernel refused by their address.", _BAN),
    Family(
        "blocked_total",
        COUNTER,
        "Deprecated, gone in the next release: the sum of dns_blocked_queries_total, killed_flows_total and "
        "refused_packets_total.",
        ("vendor", "group", "layer"),
    ),
    Family("shadow_blocked_total", COUNTER, "What bans in shadow would have stopped.", (*_BAN, "layer")),
    Family(
        "leaked_bytes_total",
        COUNTER,
        "IP bytes that passed after an enforced ban took effect.",
        (*_BAN, "direction", "evidence"),
    ),
    Family("blocked_bytes_total", COUNTER, "IP bytes of cut flows up to their hello.", _BAN),
    Family("ban_devices", GAUGE, "Devices that an enforced ban stopped in the last hour.", _BAN),
    Family("late_answers_total", COUNTER, "Cut flows whose server was faster than the cut."),
    Family("enforce_seconds", HISTOGRAM, "Time between a banned hello on the wire and its cut in the kernel."),
    Family("enforcement_up", GAUGE, "1 where that part of enforcement, which a ban needs, works.", ("part",)),
    Family("selftest_success", GAUGE, "1 where enforcement passed its last self-test on that layer.", ("layer",)),
    Family("selftest_seconds", GAUGE, "How long the last self-test took on that layer.", ("layer",)),
    Family("selftest_last_timestamp_seconds", GAUGE, "When the last self-test ended."),
    Family("kernel_transactions_total", COUNTER, "Changes of set elements in the kernel.", ("result",)),
    Family("kernel_pending_changes", GAUGE, "Portions of a large change of the table that wait for their turn."),
    Family("kernel_load_seconds", GAUGE, "How long the last change of the table took until the kernel held all of it."),
    Family(
        "kernel_refused_elements_total",
        COUNTER,
        "Set elements that the kernel did not take, by its reason.",
        ("reason",),
    ),
    Family(
        "kernel_repairs_total",
        COUNTER,
        "Times that kernel state which somebody else had changed was put back, or could not be.",
        ("result",),
    ),
    Family(
        "learned_addresses_total",
        COUNTER,
        "Addresses that trusted answers gave to banned names, by what became of them.",
        ("result",),
    ),
    Family("lookups_total", COUNTER, "Names whose addresses gatewatch asked for by itself.", ("result",)),
    Family("blind_bytes_total", COUNTER, "IP bytes that nothing could name, by reason.", ("group", "reason")),
    Family("loop_stall_seconds", GAUGE, "Longest time in the last minute that the daemon's loop stood still."),
    Family("list_entries", GAUGE, "Entries of a list.", ("list",)),
    Family("list_ignored_lines", GAUGE, "Lines of a list that made no sense.", ("list",)),
    Family(
        "list_last_success_timestamp_seconds",
        GAUGE,
        "When a list was last loaded; of a subscription, when it was last fetched or found unchanged, 0: never.",
        ("list",),
    ),
    Family("list_update_interval_seconds", GAUGE, "How often a subscription is to be fetched.", ("list",)),
    Family(
        "list_failed_updates",
        GAUGE,
        "Updates of a subscription that have failed since the last one that did not.",
        ("list",),
    ),
    Family("table_entries", GAUGE, "Entries of an internal table.", ("table",)),
    Family("table_limit", GAUGE, "Most entries that an internal table may have, as [limits] says.", ("table",)),
    Family(
        "table_evictions_total",
        COUNTER,
        "Entries that a full table dropped; of series, those folded into other.",
        ("table",),
    ),
    Family(
        "sinkhole_queries_total", COUNTER, "Queries that came to the sinkhole, by what became of them.", ("action",)
    ),
    Family(
        "sinkhole_upstream_errors_total",
        COUNTER,
        "Queries that no resolver answered in time, and answers that nobody had asked for, by reason.",
        ("reason",),
    ),
    Family(
        "sinkhole_connections_refused_total",
        COUNTER,
        "TCP connections of clients that the sinkhole ended by itself, by reason.",
        ("reason",),
    ),
    Family("sinkhole_unsent_answers_total", COUNTER, "Answers of the sinkhole that could not be sent."),
    Family(
        "blocked_page_requests_total",
        COUNTER,
        "Requests to the page that tells what is blocked, by what became of them.",
        ("action",),
    ),
    Family("events_total", COUNTER, "Events written.", ("type",)),
    Family("events_dropped_total", COUNTER, "Events that could not be written."),
    Family("journal_bytes", GAUGE, "Size of the journal's file."),
    Family("journal_written_rows_total", COUNTER, "Rows that were written into the journal, a row for each minute."),
    Family(
        "journal_dropped_rows_total",
        COUNTER,
        "Rows of the journal that were lost: waited too long for the disk, found no room, or were old and gave way.",
        ("reason",),
    ),
    Family("journal_errors_total", COUNTER, "Attempts to write the journal that failed."),
    Family("config_last_reload_success", GAUGE, "1 if the last reload of the configuration went well."),
    Family("config_info", GAUGE, "The configuration that runs, by its hash.", ("hash",)),
)

BY_NAME: Final = {family.name: family for family in FAMILIES}
