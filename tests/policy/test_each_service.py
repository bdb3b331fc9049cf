"""A ban of each shipped service in turn: what is the service's is refused, what is its siblings' stays reachable.

What is whose is read from the vendor files themselves; the judge and the plan of the kernel's table answer for it.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network

import pytest
from fake_kernel import PASS, REJECT, FakeKernel, Packet
from worlds import local_time, packed

from monitor.catalog.index import Index
from monitor.lists.loader import load_catalogue
from monitor.lists.shipped import shipped_files
from monitor.policy.ban import DNS, ENFORCE, SNI, Ban, Subject
from monitor.policy.groups import Group, Groups
from monitor.policy.policy import BLOCK, Policy
from monitor.policy.shared_prefixes import open_prefixes
from monitor.policy.table.desired import Desired
from monitor.policy.table.members import Members
from monitor.policy.table.owned_prefixes import OwnedPrefixes
from monitor.policy.table.planner import chain_for, plan_table
from monitor.policy.table.rules import DiversionRules, learned_set

NOW = 1_000_000.0
PHONE = packed("192.168.1.20")
PHONE_V6 = packed("fd00::20")
PHONES = Group("phones", ("192.168.1.0/24", "fd00::/64"))
NO_DEVICE = (b"", b"", "")
# No vendor's: an address that an answer gave to a name.
LEARNED = packed("21.0.0.1")
# What may say so: no other vendor's own prefixes carry one service alone.
ALONE = {"bytedance": "tiktok"}


@dataclass(frozen=True)
class Vendor:
    """A vendor file: its services, and for each name and own prefix the services that it counts for."""

    slug: str
    services: tuple[str, ...]
    names: dict[str, frozenset[str]]
    prefixes: dict[str, frozenset[str]]


@cache
def vendors() -> list[Vendor]:
    return [vendor for vendor in read_vendors() if vendor.services]


def read_vendors() -> Iterator[Vendor]:
    for path in shipped_files():
        table = tomllib.loads(path.read_text())
        if table.get("kind", "vendor") != "vendor":
            continue
        names: dict[str, frozenset[str]] = {}
        prefixes: dict[str, frozenset[str]] = {}
        for group in table["entries"]:
            services = {group.get("service", ""), *group.get("also", [])}
            for value in (*group.get("suffix", []), *group.get("exact", [])):
                names[value] = frozenset(services)
            if "service" not in group and "own_prefixes_service" in table:
                services.add(table["own_prefixes_service"])
            if "shared" not in group and "hosting" not in group:
                prefixes |= dict.fromkeys(group.get("prefix", []), frozenset(services))
        yield Vendor(path.stem, tuple(table.get("services", {})), names, prefixes)


@cache
def index() -> Index:
    return load_catalogue().index


@cache
def territory() -> OwnedPrefixes:
    return OwnedPrefixes(index(), (), ())


def policy_of(vendor: Vendor, service: str) -> Policy:
    ban = Ban("b", (Subject(vendor.slug, service),), ("phones",), ENFORCE)
    return Policy((ban,), (), (), local_time)


@cache
def planned(slug: str, service: str) -> Desired:
    (vendor,) = [one for one in vendors() if one.slug == slug]
    members = Members(Groups((PHONES,), ["lan0"]))
    return plan_table(
        policy_of(vendor, service), members, territory(), index().vendors(), ["lan0"], DiversionRules(), NOW
    )


def kernel_of(desired: Desired) -> FakeKernel:
    kernel = FakeKernel(desired)
    kernel.put("alive", b"lan0")
    return kernel


def verdict(kernel: FakeKernel, address: bytes) -> str:
    return kernel.forward(Packet(PHONE if len(address) == 4 else PHONE_V6, address, b"\2" * 6))


@cache
def owners_of_slug(slug: str) -> dict[tuple[str, ...], frozenset[str]]:
    """The owners of the vendor's names, each with the services that it is of."""
    (vendor,) = [one for one in vendors() if one.slug == slug]
    found: dict[tuple[str, ...], frozenset[str]] = {}
    for name, services in vendor.names.items():
        entries = index().owners_of_name(name.encode()).entries
        found[tuple(entry.owner for entry in entries if entry.vendor == slug)] = services
    return found


def each_service() -> list[tuple[Vendor, str]]:
    return [(vendor, service) for vendor in vendors() for service in vendor.services]


def test_the_names_of_a_banned_service_are_refused_and_those_of_its_siblings_are_not() -> None:
    for vendor, service in each_service():
        policy = policy_of(vendor, service)
        wrong = []
        for name, services in vendor.names.items():
            owners = index().owners_of_name(name.encode()).names
            for layer in (DNS, SNI):
                found = policy.judge(("phones",), NO_DEVICE, owners, name.encode(), NOW, layer)
                refused = found is not None and found.action == BLOCK
                if refused != (service in services and not policy.is_protected(name.encode())):
                    wrong.append((name, layer))
        assert wrong == [], f"{vendor.slug}/{service}"


@pytest.mark.slow
def test_the_addresses_of_a_banned_service_are_refused_and_those_of_its_siblings_are_not() -> None:
    for vendor, service in each_service():
        kernel = kernel_of(planned(vendor.slug, service))
        wrong = []
        for prefix, services in vendor.prefixes.items():
            network = ip_network(prefix)
            for address in {network[0], network[-1]}:
                owners = index().owners_of_address(address.packed)
                if owners.entry is None or ip_network(owners.entry.value) != network:
                    continue  # a longer prefix lies there, or one of another vendor
                expected = REJECT if service in services else PASS
                if verdict(kernel, address.packed) != expected:
                    wrong.append(str(ip_address(address)))
        assert wrong == [], f"{vendor.slug}/{service}"


def test_an_address_that_was_learned_for_a_sibling_is_not_refused() -> None:
    """Each owner of the vendor has a name that leads to the address."""
    for vendor, service in each_service():
        desired = planned(vendor.slug, service)
        for own, services in owners_of_slug(vendor.slug).items():
            kernel = kernel_of(desired)
            chain = chain_for(desired, own)
            if chain:
                kernel.put(learned_set(chain, 4), LEARNED)
                kernel.put("learned4", LEARNED)
            expected = REJECT if service in services else PASS
            assert verdict(kernel, LEARNED) == expected, f"{vendor.slug}/{service}: {own}"


@pytest.mark.parametrize("vendor", ["meta", "google", "microsoft", "tencent"])
def test_the_own_prefixes_of_vendors_of_many_services_are_of_none(vendor: str) -> None:
    (found,) = [one for one in vendors() if one.slug == vendor]
    assert set().union(*found.prefixes.values()) == {""}
    assert all(open_prefixes(index(), Subject(vendor, service)) for service in found.services)


def test_tiktok_alone_has_the_prefixes_of_its_vendor_and_its_telemetry() -> None:
    by_service = {vendor.slug: set().union(*vendor.prefixes.values()) - {""} for vendor in vendors()}
    assert {slug: services for slug, services in by_service.items() if services} == {
        slug: {service} for slug, service in ALONE.items()
    }
    assert open_prefixes(index(), Subject("bytedance", "tiktok")) == 0
    assert open_prefixes(index(), Subject("bytedance", "capcut")) == 67
    for service, refused in (("tiktok", True), ("ads", True), ("capcut", False)):
        (vendor,) = [one for one in vendors() if one.slug == "bytedance"]
        owners = index().owners_of_name(b"analytics.tiktok.com").names
        found = policy_of(vendor, service).judge(("phones",), NO_DEVICE, owners, b"analytics.tiktok.com", NOW, DNS)
        assert (found is not None) == refused
