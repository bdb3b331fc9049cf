"""Writes a capture file of DNS messages, as in a busy resolver's network: `dns_messages.py FILE [MESSAGES]`.

Every query is answered. 500 clients query 2,000 names, popular ones more often (Zipf). A third of the answers contain a
CNAME, a tenth of the queries have EDNS, a twentieth of the names do not exist. The same seed produces the same file.
"""

import random
import struct
import sys
from pathlib import Path

from dnslib import AAAA, CNAME, EDNS0, QTYPE, RCODE, RR, A, DNSRecord

CLIENTS = 500
NAMES = 2_000
RESOLVER = bytes((192, 168, 1, 1))
GATEWAY_MAC = bytes.fromhex("02000a000001")
START = 1_700_000_000.0
VENDOR_NAMES = (
    "www.tiktok.com", "v16-webapp.tiktok.com", "mon.tiktokv.com", "p16-sign.tiktokcdn-us.com", "www.google.com",
    "www.youtube.com", "graph.facebook.com", "web.whatsapp.com", "www.icloud.com", "api.weixin.qq.com",
    "login.microsoftonline.com", "www.netflix.com", "open.spotify.com", "gateway.discord.gg", "api.twitter.com",
)  # fmt: skip


def names(chance: random.Random) -> list[str]:
    """Returns vendor names mixed with random names of usual length."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
    made = [
        f"{''.join(chance.choices(letters[:26], k=3))}{''.join(chance.choices(letters, k=chance.randint(2, 12)))}x."
        f"{''.join(chance.choices(letters[:26], k=chance.randint(4, 12)))}.{chance.choice(('com', 'net', 'org', 'de'))}"
        for _ in range(NAMES - len(VENDOR_NAMES))
    ]
    return [*VENDOR_NAMES, *made]


def exchange(name: str, chance: random.Random) -> tuple[bytes, bytes]:
    """Returns a query and its answer as messages with id 0."""
    kind = chance.choice(("A", "A", "AAAA"))
    query = DNSRecord.question(name, kind)
    query.header.id = 0
    if chance.random() < 0.1:
        query.add_ar(EDNS0(udp_len=1232))
    answer = query.reply()
    if chance.random() < 0.05:
        answer.header.rcode = RCODE.NXDOMAIN
        return query.pack(), answer.pack()
    owner = name
    if chance.random() < 0.33:
        owner = f"{name}.edge.example.net"
        answer.add_answer(RR(name, QTYPE.CNAME, rdata=CNAME(owner), ttl=300))
    for _ in range(chance.randint(1, 3)):
        host = chance.randint(1, 254)
        if kind == "A":
            answer.add_answer(RR(owner, QTYPE.A, rdata=A(f"203.0.113.{host}"), ttl=60))
        else:
            answer.add_answer(RR(owner, QTYPE.AAAA, rdata=AAAA(f"2001:db8::{host:x}"), ttl=60))
    return query.pack(), answer.pack()


def frame(macs: bytes, source: bytes, destination: bytes, ports: bytes, message: bytes) -> bytes:
    """Wraps a message in Ethernet, IPv4 (RFC 791) and UDP (RFC 768), without checksums."""
    length = 28 + len(message)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0x4000, 64, 17, 0) + source + destination
    return macs + b"\x08\x00" + ip + ports + struct.pack("!HH", 8 + len(message), 0) + message


def write(path: Path, messages: int, seed: int = 1) -> None:
    """Writes `messages` DNS messages to a little-endian pcap file with microsecond timestamps."""
    chance = random.Random(seed)
    pool = [exchange(name, chance) for name in names(chance)]
    weights = [1 / (rank + 1) ** 0.8 for rank in range(len(pool))]
    chosen = chance.choices(pool, weights, k=messages // 2)
    now = START
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        for query, answer in chosen:
            client = chance.randrange(CLIENTS)
            mac = b"\x02\x00\x0b" + client.to_bytes(3, "big")
            address = bytes((192, 168, 10 + client // 250, 1 + client % 250))
            port, ident = struct.pack("!H", chance.randrange(1024, 65536)), struct.pack("!H", chance.getrandbits(16))
            there = frame(GATEWAY_MAC + mac, address, RESOLVER, port + b"\x00\x35", ident + query[2:])
            back = frame(mac + GATEWAY_MAC, RESOLVER, address, b"\x00\x35" + port, ident + answer[2:])
            for data, delay in ((there, 0.0005), (back, 0.0005)):
                now += delay
                out.write(struct.pack("<IIII", int(now), int(now % 1 * 1e6), len(data), len(data)) + data)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200_000)
