"""The addresses that follow from a plan."""

from ipaddress import IPv6Network, ip_address, ip_network

from monitor.lab.plan import Lan, Plan, bridge_mac, client_mac, privacy_address

TWO_LANS = Plan(
    lans=(Lan(), Lan("br-gov", ("10.20.0.0/24", "10.21.0.0/24", "fd88::/64", "fd89::/64"), ("tablet",))), resolver="lan"
)


def test_every_client_has_a_number_of_its_own() -> None:
    members = [(lan.interface, name, number) for lan, name, number in TWO_LANS.members()]
    assert members == [
        ("br-lan", "phone", 10),
        ("br-lan", "laptop", 11),
        ("br-lan", "dns", 12),
        ("br-gov", "tablet", 13),
    ]


def test_the_clients_ask_the_resolver_where_it_lives() -> None:
    assert Plan().resolver_addresses() == ["203.0.113.53", "2001:db8:53::53"]
    assert Plan(resolver="gateway").resolver_addresses() == ["192.168.77.1", "fd77:6761:7465:1::1"]
    assert TWO_LANS.resolver_addresses() == ["192.168.77.12", "fd77:6761:7465:1::c"]


def test_macs_are_local_unicast_and_differ() -> None:
    macs = [client_mac(10), client_mac(11), *(bridge_mac(lan) for lan in TWO_LANS.lans)]
    assert len(set(macs)) == 4
    assert {int(mac[:2], 16) & 3 for mac in macs} == {2}


def test_a_privacy_address_lies_in_its_network() -> None:
    network = IPv6Network("fd77:6761:7465:1::/64")
    assert ip_address(privacy_address(network, 10)) in ip_network("fd77:6761:7465:1::/64")
