"""Determines the vendor of a flow, strongest evidence first.

1. The name in a ClientHello, or in an HTTP request's Host.
2. The name in an answer to this device with the address, newest first.
3. The name in an answer to any device with the address, newest first.
4. The outer name of a ClientHello with real ECH (`ech_fronts.py`); with GREASE the name is the true one.
5. The name of the QUIC connection that the flow continues from another port (`migrations.py`), if the evidence of 2, 3
   and 6 is of another vendor.
6. The vendor's own prefix.
7. The network's operator: its ASN, or a prefix of a cloud or CDN.

An unlisted name is evidence too: it overrides older names and the network's operator (this guards addresses that many
share), but not the vendor's own prefix. Names that belong to a vendor through a CNAME chain are evidence `dns`, and
their entry is marked accordingly.

A user list adds owners and removes none. If only user lists name a flow, its attribution without them (`beneath`) is
judged as well.
"""

from typing import Final, final

from monitor.attribution.answer_cache import AnswerCache, NameBinding
from monitor.attribution.client_side import DNS_PORT
from monitor.attribution.counters import UNKNOWN, Attribution
from monitor.attribution.description import Description, flow_name
from monitor.attribution.ech_fronts import EchFronts
from monitor.attribution.flows import HTTP_HOST, QUIC_HELLO, TLS_HELLO, Flow
from monitor.attribution.matches import ASN, DNS, HTTP, MIGRATED, NOTHING, QUIC, SNI, Matches
from monitor.attribution.remotes import RemoteAddress, RemoteCache

NOBODY: Final = Attribution(UNKNOWN, UNKNOWN, NOTHING, "", "")

HELLO_EVIDENCE: Final = {TLS_HELLO: SNI, QUIC_HELLO: QUIC, HTTP_HOST: HTTP}


@final
class Attributor:
    """Attributes flows by the catalogue, answers and addresses."""

    __slots__ = ("_aliased", "fronts", "matches", "memory", "places")

    def __init__(self, matches: Matches, memory: AnswerCache, places: RemoteCache, fronts: EchFronts) -> None:
        self.fronts = fronts
        self.matches = matches
        self.memory = memory
        self.places = places
        self._aliased: dict[tuple[str, str, tuple[str, ...]], Attribution] = {}

    def reload(self) -> None:
        """Applies a change of the catalogue behind `matches` and `places`."""
        self._aliased = {}

    def attribute(self, flow: Flow, now: float) -> Attribution:
        """Returns the attribution of the flow, which is to no vendor if there is no evidence. Stores the answer that it
        used in `flow.claim`.
        """
        return self._attribute(flow, now, False)

    def describe(self, flow: Flow, now: float, shipped: bool = False) -> Description:
        """Returns the description of the flow, with its existing attribution or else a new one.

        `shipped`: with the attribution that it would have without user lists.
        """
        attribution = None if shipped else flow.attribution
        if attribution is None:
            attribution = self._attribute(flow, now, shipped)
        claim, remote, device = flow.claim, flow.remote, flow.device
        is_own = False
        if claim is not None and remote is not None and device is not None:
            is_own = self.memory.find(device, remote.address, claim.name, now) is not None
        categories = self.categories_of(flow)
        if categories and claim is not None and not is_own:
            categories = remote.categories if remote is not None else ()
        return Description(attribution, flow_name(flow), categories, is_own)

    def _attribute(self, flow: Flow, now: float, shipped: bool) -> Attribution:
        """Returns the strongest evidence; with `shipped`, names that only user lists contain do not count."""
        remote = flow.remote
        if remote is None:
            return NOBODY
        if not flow.outbound:
            # The names of an inbound flow are the device's own.
            return of_place(remote, False, shipped)
        named = bool(flow.host) and not flow.ech
        if named:
            found = self._by_hello(flow, shipped)
        else:
            found = self._by_answers(flow, remote, now, shipped)
            if found is None and flow.ech and flow.claim is None:
                found = unless_listed(self.of_hello(flow), shipped)
        if found is None:
            found = of_place(remote, named or flow.claim is not None, shipped)
        if flow.inherited and not flow.host and not flow.method:
            return self._by_migration(flow, remote, found, shipped)
        return found

    def _by_migration(self, flow: Flow, remote: RemoteAddress, found: Attribution, shipped: bool) -> Attribution:
        """Returns the attribution by the inherited name. `found`, the evidence without it, takes precedence if it is
        stronger than the ASN and of the same vendor and service.
        """
        inherited = unless_listed(self.matches.of(flow.inherited).attribution(MIGRATED), shipped)
        if inherited is None:
            return of_place(remote, True, shipped)
        same = found.vendor == inherited.vendor and found.service == inherited.service
        return found if same and found.evidence != ASN else inherited

    def of_hello(self, flow: Flow) -> Attribution | None:
        """Returns the attribution by the name that the flow itself sent."""
        return self.matches.of(flow.host).attribution(HELLO_EVIDENCE[flow.hello]) if flow.host else None

    def _by_hello(self, flow: Flow, shipped: bool) -> Attribution | None:
        found = unless_listed(self.of_hello(flow), shipped)
        if found is not None:
            return found
        alias = self.memory.aliases.of(flow.host)
        return self.of_name(flow.host, alias, shipped) if alias else None

    def _by_answers(self, flow: Flow, remote: RemoteAddress, now: float, shipped: bool) -> Attribution | None:
        """Returns the attribution by answers. Later queries of the device do not change the answer that a flow uses."""
        claim = flow.claim
        if claim is None:
            claim = self._choose(flow, remote, now)
            flow.claim = claim
        return None if claim is None else self.of_name(claim.name, claim.alias, shipped)

    def _choose(self, flow: Flow, remote: RemoteAddress, now: float) -> NameBinding | None:
        device = flow.device
        if device is None or flow.port == DNS_PORT or remote.group:
            return None
        claim = self.memory.newest(device, remote.address, now)
        return claim if claim is not None else self.memory.newest_of_any(remote.address, now)

    def of_name(self, name: bytes, alias: bytes, shipped: bool = False) -> Attribution | None:
        """Returns the attribution by a DNS name, or else by the name at the end of its CNAME chain (`b""`: none)."""
        found = unless_listed(self.matches.of(name).attribution(DNS), shipped) if name else None
        if found is not None or not alias:
            return found
        found = unless_listed(self.matches.of(alias).attribution(DNS), shipped)
        return None if found is None else self._by_alias(found)

    def _by_alias(self, found: Attribution) -> Attribution:
        entry = f"{found.entry} (by CNAME)"
        key = (found.list, entry, found.owners)
        kept = self._aliased.get(key)
        if kept is None:
            kept = Attribution(found.vendor, found.service, found.evidence, found.list, entry, found.owners, found.user)
            self._aliased[key] = kept
        return kept

    def name_of(self, flow: Flow, vendor: str) -> bytes:
        """Returns the name of the flow, or that at the end of its CNAME chain, if it is the vendor's; else `b""`."""
        if flow.inherited and not flow.host and self.is_of(flow.inherited, vendor):
            return flow.inherited
        claim = flow.claim
        answered = claim is not None and (flow.ech or not flow.host)
        name = claim.name if claim is not None and answered else flow.host
        if not name or self.is_of(name, vendor):
            return name
        alias = claim.alias if claim is not None and answered else self.memory.aliases.of(name)
        return alias if alias and self.is_of(alias, vendor) else b""

    def is_of(self, name: bytes, vendor: str) -> bool:
        """Whether a list assigns the name to this vendor or category."""
        return self.matches.of(name).owners.has(vendor)

    def categories_of(self, flow: Flow) -> tuple[str, ...]:
        """Returns the categories (`encrypted-dns`, `vpn-proxy`, …) of the flow's name and of its address."""
        remote = flow.remote
        if remote is None or not flow.outbound:
            return ()
        name = flow.host
        claim = flow.claim
        if claim is not None and (not name or flow.ech):
            name = claim.name
        found = self.matches.of(name).owners.categories if name else ()
        if not found:
            return remote.categories
        return found + tuple([category for category in remote.categories if category not in found])


def of_place(remote: RemoteAddress, named: bool, shipped: bool) -> Attribution:
    """Returns the attribution by the address; if the flow has a name, only the vendor's own prefix counts."""
    own = unless_listed(remote.own, shipped)
    if own is not None:
        return own
    network = unless_listed(remote.network, shipped)
    if network is not None and not named:
        return network
    return NOBODY


def unless_listed(found: Attribution | None, shipped: bool) -> Attribution | None:
    """Returns the attribution. With `shipped`, returns None if only user lists support it."""
    return None if shipped and found is not None and found.user else found
