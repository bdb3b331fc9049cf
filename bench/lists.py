"""Measures the cost of the catalogue: look-ups in nanoseconds, and a list of a million domains in bytes and seconds.

    python bench/lists.py [NAMES]

Names are random: three to five labels, about 21 bytes, as in blocklists.
"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import yaml

import monitor.catalog.index
from monitor.catalog.formats.reader import read_list
from monitor.catalog.sheet import Sheet
from monitor.lists.child import load_in_child
from monitor.lists.loader import load_catalogue
from monitor.lists.shipped import public_suffixes
from monitor.lists.user import UserList

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
# A line of each line-based format, as in public lists.
LINES = {
    "domains": "%s\n", "hosts": "0.0.0.0 %s\n", "adblock": "||%s^\n", "dnsmasq": "address=/%s/\n",
    "unbound": 'local-zone: "%s" always_nxdomain\n', "rpz": "%s CNAME .\n", "v2fly": "full:%s @ads\n",
    "bind": 'zone "%s" { type master; file "null.zone.file"; };\n', "clash": "  - '+.%s'\n",
    "surge": "DOMAIN-SUFFIX,%s\n", "csv": "%s,text\n",
}  # fmt: skip
TYPICAL_MISSES = [b"www.example.com", b"r4---sn-h0jeenek.cdn.example.net", b"e6858.dscx.provider.example.org"]
TYPICAL_HITS = [b"www.tiktok.com", b"r4---sn-h0jeenek.googlevideo.com", b"gateway.icloud.com", b"i.instagram.com"]


def nothing(value: bytes) -> None:
    """Does nothing; its time is the cost of a call itself."""


def nanoseconds(call: Callable[[bytes], object], values: list[bytes]) -> float:
    """Returns the best of seven rounds, minus the cost of the loop."""

    def rounds(timed: Callable[[bytes], object]) -> float:
        best = float("inf")
        for _ in range(7):
            start = time.perf_counter()
            for value in values:
                timed(value)
            best = min(best, time.perf_counter() - start)
        return best

    return (rounds(call) - rounds(nothing)) / len(values) * 1e9


def made_up_names(count: int) -> Iterable[str]:
    random.seed(1)
    for _ in range(count):
        host = "".join(random.choices(LETTERS, k=random.randint(4, 12)))
        ending = random.choice(("com", "net", "org"))
        yield f"{host.strip('-') or 'x'}.{random.randint(0, 99_999)}.cdn{random.randint(0, 99)}.{ending}"


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def print_lookups() -> None:
    start = time.perf_counter()
    index = load_catalogue().index
    print(f"shipped lists, in this process   {time.perf_counter() - start:8.2f} s   {len(index.dump()) / 1e6:.1f} MB")
    random.seed(2)
    v4 = [random.randbytes(4) for _ in range(20_000)]
    v6 = [b"\x26" + random.randbytes(15) for _ in range(20_000)]
    print(f"match_name, hit                  {nanoseconds(index.match_name, TYPICAL_HITS * 5_000):8.0f} ns")
    print(f"match_name, miss                 {nanoseconds(index.match_name, TYPICAL_MISSES * 5_000):8.0f} ns")
    print(f"match_category, miss             {nanoseconds(index.match_category, TYPICAL_MISSES * 5_000):8.0f} ns")
    print(f"match_address, IPv4              {nanoseconds(index.match_address, v4):8.0f} ns")
    print(f"match_address, IPv6              {nanoseconds(index.match_address, v6):8.0f} ns")


def print_long_list(count: int) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{name}\n" for name in made_up_names(count))
        file.flush()
        before = resident_megabytes()
        start = time.perf_counter()
        loaded = load_in_child([UserList("long", file.name, "long", format="domains")])
        seconds = time.perf_counter() - start
        grown = resident_megabytes() - before
    entries = loaded.index.entry_counts["long"]
    size = len(loaded.index.dump()) / 1e6
    print(f"{entries} domains, in a child    {seconds:8.2f} s   {grown:.1f} MB more, {size:.1f} MB index")
    print(f"match_name among them, miss      {nanoseconds(loaded.index.match_name, TYPICAL_MISSES * 5_000):8.0f} ns")


def print_formats(count: int) -> None:
    """Prints the processor time for the lines of each format, and that of PyYAML for the same rule set."""
    names = list(made_up_names(count))
    for format, line in LINES.items():
        lines = [line % name for name in names]
        start = time.process_time()
        read_list(iter(lines), format, Sheet(public_suffixes(), None), public_suffixes(), count)
        print(f"{format:9} {count} lines         {time.process_time() - start:8.2f} s of processor time")
    text = "payload:\n" + "".join(LINES["clash"] % name for name in names)
    before, start = resident_megabytes(), time.process_time()
    document = yaml.load(text, Loader=yaml.CSafeLoader)
    seconds, grown = time.process_time() - start, resident_megabytes() - before
    print(
        f"the same in CSafeLoader, {len(document['payload'])} items {seconds:8.2f} s of processor time, {grown:.0f} MB"
    )


def main() -> None:
    compiled = not str(monitor.catalog.index.__file__).endswith(".py")
    print("engine:", "compiled" if compiled else "interpreted")
    print_lookups()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print_long_list(count)
    print_formats(count)


if __name__ == "__main__":
    main()
