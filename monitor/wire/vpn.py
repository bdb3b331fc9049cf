"""Recognises the first packets of VPNs by their bytes: WireGuard, OpenVPN and IKE over UDP.

Only handshakes match, so a tunnel is reported a few times, not with every packet. The checks are strict, because a VPN
may use any port.
"""

from typing import Final

from monitor.wire.integers import four

PORT_IKE: Final = 500
PORT_IKE_NAT: Final = 4500
PORT_OPENVPN: Final = 1194

WIREGUARD_INITIATION: Final = 0x01000000
WIREGUARD_INITIATION_SIZE: Final = 148
WIREGUARD_RESPONSE: Final = 0x02000000
WIREGUARD_RESPONSE_SIZE: Final = 92

IKE_HEADER: Final = 28
IKE_MAIN_MODE: Final = 2
IKE_AGGRESSIVE: Final = 4
IKE_SA_INIT: Final = 34

# The opcode in the upper 5 bits: hard resets of client and server, version 2 and 3; the key number below is 0.
OPENVPN_RESETS: Final = (0x38, 0x40, 0x50)
OPENVPN_PLAIN_SIZE: Final = 14
OPENVPN_MIN: Final = 14
OPENVPN_MAX: Final = 1_200
# Octets of the digests that may authenticate a reset (OpenVPN's --auth), before its packet number; of --tls-crypt the
# number comes first. It is 1, or counts from another start where the client's key is sent again (tls-crypt-v2).
OPENVPN_DIGESTS: Final = (0, 16, 20, 28, 32, 48, 64)
OPENVPN_FIRST: Final = (1, 0x0F00_0001)

WIREGUARD_DATA: Final = 0x04000000
WIREGUARD_DATA_MIN: Final = 32


def is_vpn_handshake(data: bytes, start: int, end: int, source: int, destination: int) -> bool:
    """Whether a UDP payload opens a VPN."""
    size = end - start
    if size < OPENVPN_PLAIN_SIZE:
        return False
    first = data[start]
    if first == 1 or first == 2:
        if _is_wireguard(four(data, start), size):
            return True
    elif first in OPENVPN_RESETS and _is_openvpn(data, start, size, source, destination):
        return True
    if source == PORT_IKE or destination == PORT_IKE:
        return _is_ike(data, start, end)
    if source == PORT_IKE_NAT or destination == PORT_IKE_NAT:
        # RFC 3948 section 2.2: four zero bytes distinguish IKE from ESP.
        return four(data, start) == 0 and _is_ike(data, start + 4, end)
    return False


def is_vpn_on_dns_port(data: bytes, start: int, end: int) -> bool:
    """Whether a payload on a DNS port that is not a DNS message belongs to a VPN.

    Matches WireGuard's data packets (type 4, three zero octets, padded to a multiple of 16), and resets of OpenVPN with
    the first packet number.
    """
    size = end - start
    if size < WIREGUARD_DATA_MIN:
        return False
    if four(data, start) == WIREGUARD_DATA:
        return size % 16 == 0
    if data[start] not in OPENVPN_RESETS or size > OPENVPN_MAX:
        return False
    for digest in OPENVPN_DIGESTS:
        at = start + 9 + digest
        if at + 4 <= end and four(data, at) in OPENVPN_FIRST:
            return True
    return False


def _is_wireguard(first: int, size: int) -> bool:
    """Whether the type, its three reserved zero bytes and the fixed size of the message match."""
    if first == WIREGUARD_INITIATION:
        return size == WIREGUARD_INITIATION_SIZE
    return first == WIREGUARD_RESPONSE and size == WIREGUARD_RESPONSE_SIZE


def _is_openvpn(data: bytes, start: int, size: int, source: int, destination: int) -> bool:
    """Whether a payload with the opcode of a reset is one: a reset without authentication has no acknowledgments and
    packet number 0. Other forms are accepted only on OpenVPN's own port.
    """
    if size == OPENVPN_PLAIN_SIZE and data[start + 9] == 0 and four(data, start + 10) == 0:
        return True
    return (source == PORT_OPENVPN or destination == PORT_OPENVPN) and size <= OPENVPN_MAX


def _is_ike(data: bytes, start: int, end: int) -> bool:
    """RFC 7296 section 3.1 and RFC 2408 section 3.1: the opening exchange, in a header with its own length."""
    if end - start < IKE_HEADER or four(data, start + 24) != end - start:
        return False
    version = data[start + 17]
    exchange = data[start + 18]
    if version == 0x20:
        return exchange == IKE_SA_INIT
    return version == 0x10 and exchange in (IKE_MAIN_MODE, IKE_AGGRESSIVE)
