"""VPN handshakes by their bytes, and what only looks a little like one."""

import pytest
from frames import ETHER, QUERY, Watch, observe, of, packet
from scapy.layers.inet import IP, UDP
from scapy.layers.isakmp import ISAKMP
from scapy.packet import Raw

from monitor.model import DnsMessage, Tunnel

IKE2 = bytes(ISAKMP(init_cookie=b"12345678", version=0x20, exch_type=34, length=28))
IKE1 = bytes(ISAKMP(init_cookie=b"12345678", version=0x10, exch_type=2, length=28))

HANDSHAKES = {
    "wireguard initiation": (51820, bytes.fromhex("01000000") + b"x" * 144),
    "wireguard response, any port": (40000, bytes.fromhex("02000000") + b"x" * 88),
    "openvpn reset": (1194, bytes.fromhex("38") + b"sessions" + bytes(5)),
    "openvpn reset, any port": (443, bytes.fromhex("38") + b"sessions" + bytes(5)),
    "openvpn server": (1194, bytes.fromhex("40") + b"sessions" + bytes.fromhex("01") + bytes(40)),
    "openvpn with authentication": (1194, bytes.fromhex("50") + b"x" * 53),
    "ike 2": (500, IKE2),
    "ike 1": (500, IKE1),
    "ike behind nat": (4500, bytes(4) + IKE2),
}

OTHERS = {
    "wireguard data": (51820, bytes.fromhex("04000000") + b"x" * 144),
    "wireguard of another size": (51820, bytes.fromhex("01000000") + b"x" * 143),
    "wireguard without zeros": (51820, bytes.fromhex("01000100") + b"x" * 144),
    "openvpn with authentication elsewhere": (443, bytes.fromhex("38") + b"x" * 53),
    "openvpn data": (1194, bytes.fromhex("48") + b"x" * 53),
    "ike of a later exchange": (500, IKE2.replace(b"\x20\x22", b"\x20\x23")),
    "ike of another length": (500, IKE2 + b"x"),
    "esp in udp": (4500, b"\0\0\0\1" + IKE2),
    "nothing": (1194, b""),
}


def frame(port: int, content: bytes) -> bytes:
    return bytes(ETHER / IP() / UDP(sport=40001, dport=port) / Raw(content))


@pytest.mark.parametrize("name", HANDSHAKES)
def test_handshakes(name: str) -> None:
    data = frame(*HANDSHAKES[name])
    (one,) = of(Tunnel, observe(data))
    assert one.method == "vpn"
    assert one.packet.key == packet(data).key


@pytest.mark.parametrize("name", OTHERS)
def test_others(name: str) -> None:
    assert of(Tunnel, observe(frame(*OTHERS[name]))) == []


def test_dns_is_never_a_vpn() -> None:
    asks = bytes.fromhex("0100") + QUERY[2:]
    assert len(of(DnsMessage, observe(frame(53, asks)))) == 1
    assert of(Tunnel, observe(frame(53, asks))) == []


@pytest.mark.parametrize("port", [53, 5353])
def test_a_vpn_on_a_port_of_dns_is_no_dns(port: int) -> None:
    """Neither its handshake nor what follows in the conversation."""
    handshake = HANDSHAKES["wireguard initiation"][1]
    watch = Watch()
    seen = watch.see(frame(port, handshake)) + watch.see(frame(port, b"\4\0\0\0" + bytes(60)))
    assert [one.method for one in of(Tunnel, seen)] == ["vpn"]
    assert of(DnsMessage, seen) == []
