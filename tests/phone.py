"""Small capture files made by hand: a device asks for a name and then talks to the address that it got."""

import struct
from pathlib import Path

from dnslib import RR, A, DNSRecord

GATEWAY, PHONE = bytes.fromhex("02000a000001"), bytes.fromhex("02000b000007")
CLIENT, RESOLVER, SERVER = bytes((192, 168, 1, 7)), bytes((192, 168, 1, 1)), bytes((203, 0, 113, 5))
START = 1_795_360_800
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)


def datagram(source: bytes, destination: bytes, ports: tuple[int, int], payload: bytes) -> bytes:
    """Ethernet, IPv4 and UDP around a payload."""
    macs = GATEWAY + PHONE if source == CLIENT else PHONE + GATEWAY
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, source, destination)
    return macs + b"\x08\x00" + head + struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload


def segment(
    source: bytes, destination: bytes, ports: tuple[int, int], flags: int, payload: bytes = b"", sequence: int = 1
) -> bytes:
    """Ethernet, IPv4 and TCP."""
    macs = GATEWAY + PHONE if source == CLIENT else PHONE + GATEWAY
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 0, 0, 64, 6, 0, source, destination)
    return macs + b"\x08\x00" + head + struct.pack("!HHIIBBHHH", *ports, sequence, 1, 0x50, flags, 1024, 0, 0) + payload


def conversation(name: str = "www.tiktok.com") -> list[bytes]:
    """Query, answer, then TCP: 3,000 bytes down, and a reset."""
    query = DNSRecord.question(name)
    answer = query.reply()
    answer.add_answer(RR(name, rdata=A("203.0.113.5"), ttl=60))
    there, back = (40_000, 443), (443, 40_000)
    return [
        datagram(CLIENT, RESOLVER, (50_000, 53), bytes(query.pack())),
        datagram(RESOLVER, CLIENT, (53, 50_000), bytes(answer.pack())),
        segment(CLIENT, SERVER, there, 0x02),
        segment(SERVER, CLIENT, back, 0x12),
        segment(CLIENT, SERVER, there, 0x18, b"x" * 100),
        *[segment(SERVER, CLIENT, back, 0x18, b"y" * 1_000)] * 3,
        segment(SERVER, CLIENT, back, 0x14, sequence=1_001),
    ]


def pcap(frames: list[bytes], after: int = 0) -> bytes:
    """A capture file, a frame a second; the first `after` seconds behind the start."""
    records = [
        struct.pack("<IIII", START + after + at, 250_000, len(data), len(data)) + data for at, data in enumerate(frames)
    ]
    return PCAP_HEADER + b"".join(records)


def write(path: Path, frames: list[bytes] | None = None, after: int = 0) -> Path:
    path.write_bytes(pcap(conversation() if frames is None else frames, after))
    return path
