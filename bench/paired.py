"""Compares two trees on the same files, alternating within one run: `paired.py OLD NEW [ROUNDS] [--instructions]`.

OLD and NEW are folders that contain a compiled `monitor`, such as an unpacked wheel. For each file, prints the CPU
seconds of `gatewatch replay` without its start-up, and the ratio of NEW to OLD: the median of the rounds' ratios.

With `--instructions`, valgrind counts the instructions for a twentieth of each file, minus those for a two-hundredth,
which excludes start-up. This ratio does not depend on other load on the machine, and does not include the cost of cache
misses.
"""

import argparse
import os
import re
import statistics
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dns_messages
from replay import measure, replay

ROUNDS = 9
DNS_MESSAGES = 400_000
BULK_SEGMENTS = 400_000
CONNECTIONS = 30_000
# Divisors of the file sizes with --instructions, because valgrind is slow: the file, and the part that is subtracted.
REDUCED = 20
BEGUN = 200
CLIENT, SERVER = bytes((192, 168, 1, 10)), bytes((203, 0, 113, 5))
SYN, ACK, FIN, PSH = 0x02, 0x10, 0x01, 0x08
MACS = bytes.fromhex("02000a00000102000b000001")


def hello(name: bytes) -> bytes:
    """Returns a TLS 1.3 ClientHello (RFC 8446 section 4.1.2) of 600 bytes, in its record."""
    server_name = b"\0" + struct.pack("!H", len(name)) + name
    extensions = struct.pack("!HHH", 0, len(server_name) + 2, len(server_name)) + server_name
    extensions += b"\0\x2b\0\3\2\3\4" + struct.pack("!HH", 21, 450) + bytes(450)
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\4\x13\1\x13\2" + b"\1\0" + struct.pack("!H", len(extensions)) + extensions
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16\3\1" + struct.pack("!H", len(message)) + message


def segment(port: int, up: bool, sequence: int, acknowledgment: int, flags: int, data: bytes = b"") -> bytes:
    """Returns an Ethernet frame with one TCP segment with timestamps, without checksums."""
    ends = (CLIENT + SERVER, struct.pack("!HH", port, 443)) if up else (SERVER + CLIENT, struct.pack("!HH", 443, port))
    options = b"\1\1\x08\x0a" + struct.pack("!II", 1000 + sequence // 1448, 1000)
    tcp = ends[1] + struct.pack("!IIBBHHH", sequence, acknowledgment, 0x80, flags, 502, 0, 0) + options + data
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + ends[0]
    return (MACS if up else MACS[6:] + MACS[:6]) + b"\x08\0" + ip + tcp


def connection(port: int, name: bytes) -> Iterator[bytes]:
    """Yields a handshake, a hello and the first segments of an answer."""
    first = hello(name)
    yield segment(port, True, 999, 0, SYN)
    yield segment(port, False, 4999, 1000, SYN | ACK)
    yield segment(port, True, 1000, 5000, ACK)
    yield segment(port, True, 1000, 5000, ACK | PSH, first)
    yield segment(port, False, 5000, 1000 + len(first), ACK | PSH, b"\x16\3\3\0\x7a\2" + bytes(120))


def bulk(segments: int) -> Iterator[bytes]:
    """Yields one download; every second segment is acknowledged."""
    yield from connection(50_000, b"www.tiktok.com")
    for number in range(segments):
        if number % 3 == 2:
            yield segment(50_000, True, 1600, 5000 + number * 1000, ACK)
        else:
            yield segment(50_000, False, 5126 + number * 1448, 1600, ACK, bytes(1000))


def connections(count: int) -> Iterator[bytes]:
    """Yields short connections, each with a FIN from both ends."""
    for number in range(count):
        port = 1024 + number % 60_000
        yield from connection(port, b"host%d.example" % (number % 500))
        yield segment(port, True, 1600, 5130, FIN | ACK)
        yield segment(port, False, 5126, 1601, FIN | ACK)


def write(path: Path, frames: Iterator[bytes]) -> None:
    """Writes a little-endian pcap file with microsecond timestamps, a frame every 100 µs."""
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        for number, frame in enumerate(frames):
            seconds, micros = divmod(number * 100, 1_000_000)
            out.write(struct.pack("<IIII", 1_700_000_000 + seconds, micros, len(frame), len(frame)) + frame)


def write_files(folder: Path, divisor: int) -> dict[str, Path]:
    """Writes the files of the benchmark, each with 1/`divisor` of its frames."""
    files = {name: folder / f"{name}-{divisor}.pcap" for name in ("dns", "bulk", "connections")}
    dns_messages.write(files["dns"], DNS_MESSAGES // divisor)
    write(files["bulk"], bulk(BULK_SEGMENTS // divisor))
    write(files["connections"], connections(CONNECTIONS // divisor))
    return files


def compare_seconds(old: Path, new: Path, rounds: int, folder: Path) -> None:
    empty = folder / "empty.pcap"
    write(empty, iter(()))
    idle = {tree: min(measure(replay(empty), tree).seconds for _ in range(3)) for tree in (old, new)}
    for name, file in write_files(folder, 1).items():
        taken: dict[Path, list[float]] = {old: [], new: []}
        for number in range(rounds):
            # Alternates the order, because the first one finds the caches as the other left them.
            for tree in (old, new) if number % 2 else (new, old):
                taken[tree].append(measure(replay(file), tree).seconds - idle[tree])
        ratio = statistics.median(after / before for before, after in zip(taken[old], taken[new], strict=True))
        best = min(taken[new]) / min(taken[old])
        print(
            f"{name:12} old {statistics.median(taken[old]):6.2f} s   new {statistics.median(taken[new]):6.2f} s   "
            f"ratio {ratio:5.3f}   of the best {best:5.3f}",
            flush=True,
        )


def count_instructions(file: Path, tree: Path) -> int:
    """Returns the instructions of one replay of the file, start-up included."""
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"}
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    run = subprocess.run([*valgrind, *replay(file)], env=environment, capture_output=True, text=True, check=True)
    refs = re.search(r"I\s+refs:\s+([\d,]+)", run.stderr)
    if refs is None:
        raise SystemExit(f"valgrind printed no count of instructions: {run.stderr}")
    return int(refs[1].replace(",", ""))


def compare_instructions(old: Path, new: Path, folder: Path) -> None:
    begun, whole = write_files(folder, BEGUN), write_files(folder, REDUCED)
    for name in whole:
        counts = []
        for tree in (old, new):
            measure(replay(begun[name]), tree)  # writes the cache of the index, which the counted runs read
            counts.append(count_instructions(whole[name], tree) - count_instructions(begun[name], tree))
        print(
            f"{name:12} old {counts[0] / 1e6:7.1f} M   new {counts[1] / 1e6:7.1f} M instructions   "
            f"ratio {counts[1] / counts[0]:5.3f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=lambda text: Path(text).resolve())
    parser.add_argument("new", type=lambda text: Path(text).resolve())
    parser.add_argument("rounds", type=int, nargs="?", default=ROUNDS)
    parser.add_argument("--instructions", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        if options.instructions:
            compare_instructions(options.old, options.new, Path(folder))
        else:
            compare_seconds(options.old, options.new, options.rounds, Path(folder))


if __name__ == "__main__":
    main()
