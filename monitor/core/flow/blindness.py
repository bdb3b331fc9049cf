"""Flows that hide names from the gateway: the method that a flow uses, and why its traffic cannot be identified."""

from typing import Final

from monitor.attribution.client_side import DNS_PORT, DOT_PORT
from monitor.attribution.counters import Attribution
from monitor.attribution.flows import Flow
from monitor.attribution.matches import ASN, NOTHING
from monitor.core.flow.losses import Losses
from monitor.model import PROTOCOL_TCP, PROTOCOL_UDP
from monitor.policy.shared_prefixes import SHARED_PREFIX

PROTOCOL_ESP: Final = 50
UNSAID: Final = "unknown"  # the application of a flow whose first data does not identify it, or was not seen
# The application of a flow on a DNS port whose payload is neither DNS nor any other known protocol (EVE's term).
FAILED: Final = "failed"

# The categories whose traffic hides names, and the methods by which a device bypasses plain DNS.
ENCRYPTED_DNS: Final = "encrypted-dns"
VPN_PROXY: Final = "vpn-proxy"
PRIVATE_RELAY: Final = "private-relay"

DOH: Final = "doh"
DOT: Final = "dot"
DOQ: Final = "doq"
VPN: Final = "vpn"
RELAY: Final = "relay"
ECH: Final = "ech"
# A ClientHello with the Encrypted ClientHello extension: `offered` if the SNI is the true name as far as known, `real`
# if the SNI is only the outer name.
ECH_OFFERED: Final = "offered"
ECH_REAL: Final = "real"
FOREIGN_RESOLVER: Final = "foreign_resolver"
MAC_CHANGE: Final = "mac_change"
MIDSTREAM: Final = "midstream"
UNDECODABLE: Final = "undecodable"
DROPPED: Final = "dropped"

REASONS: Final = (ECH, VPN, DOH, UNDECODABLE, DROPPED, MIDSTREAM, SHARED_PREFIX)
METHODS: Final = (DOH, DOT, DOQ, VPN, RELAY, ECH, FOREIGN_RESOLVER, MAC_CHANGE)

# The category of a flow that uses a method, even at an address that no list contains.
METHOD_CATEGORY: Final = {
    DOH: ENCRYPTED_DNS, DOT: ENCRYPTED_DNS, DOQ: ENCRYPTED_DNS, VPN: VPN_PROXY, RELAY: PRIVATE_RELAY,
}  # fmt: skip


def bypass_method(flow: Flow, categories: tuple[str, ...]) -> str:
    """Returns the method by which the flow bypasses plain DNS, or `""` if it does not as far as can be observed."""
    if flow.method:
        return flow.method
    if not flow.outbound:
        return ""
    if flow.port == DOT_PORT:
        return DOT if flow.protocol == PROTOCOL_TCP else DOQ
    if flow.protocol == PROTOCOL_ESP or VPN_PROXY in categories:
        return VPN
    if PRIVATE_RELAY in categories:
        return RELAY
    return DOH if ENCRYPTED_DNS in categories and flow.port != DNS_PORT and flow.port != 0 else ""


def blind_reason(flow: Flow, method: str, attribution: Attribution, losses: Losses) -> str:
    """Returns the reason why the flow's traffic cannot be identified, or `""` if it can."""
    if method in (VPN, RELAY):
        return VPN
    if method:
        return DOH
    if attribution.evidence not in (NOTHING, ASN):
        return ""
    if flow.claim is not None or (flow.port == DNS_PORT and flow.application != FAILED):
        return ""
    if flow.ech:
        # The owner of the network does not identify the service behind an ECH hello.
        return ECH
    if flow.host or flow.inherited or attribution.evidence == ASN:
        return ""
    if losses.touch(flow.start):
        return DROPPED
    if flow.midstream and flow.application == UNSAID:
        return MIDSTREAM
    return UNDECODABLE if flow.protocol in (PROTOCOL_TCP, PROTOCOL_UDP) else ""
