"""Measures the sinkhole with dnsperf on one core, in comparison with dnsmasq and unbound.

    python bench/sinkhole.py [--seconds N] [--realtime]

Needs dnsperf, dnsmasq and unbound (Debian: dnsperf dnsmasq-base unbound). Each server runs alone on the first core.
dnsperf and the upstream resolver for allowed queries (an unbound that answers every name) share the second. Banned
queries are for names below those in the shipped list of ByteDance. Every allowed name is queried only once, so that no
cache answers. With `--realtime` the servers have priority over all other work on the machine. If the machine has other
load, the server's own time per query is more meaningful than the rate.
"""

import argparse
import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import monitor.model
from monitor.catalog.index import Index
from monitor.lists.loader import load_catalogue
from monitor.sinkhole.decision import PASS, Decision
from monitor.sinkhole.settings import Listen, SinkholeSettings
from monitor.sinkhole.sinkhole import Sinkhole

UPSTREAM_PORT = 5_399
PORT = 5_398
LOCALHOST = bytes((127, 0, 0, 1))
ALLOWED_NAMES = 400_000
VENDOR = "bytedance"


def banned_names(index: Index) -> list[str]:
    entries = [entry for entry in index.entries() if entry.vendor == VENDOR and entry.kind == "suffix"]
    return [entry.value for entry in entries]


def write_queries(folder: Path, names: list[str]) -> None:
    kinds = ("A", "AAAA", "HTTPS")
    banned = [f"n{number}.{names[number % len(names)]} {kinds[number % 3]}\n" for number in range(20_000)]
    (folder / "banned").write_text("".join(banned))
    with open(folder / "allowed", "w") as out:
        out.writelines(f"n{number}.example.com A\n" for number in range(ALLOWED_NAMES))


UNBOUND = """
server:
  interface: 127.0.0.1@{port}
  num-threads: 1
  use-syslog: no
  verbosity: 0
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  username: ""
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "iterator"
  access-control: 127.0.0.0/8 allow
  outgoing-range: 4096
  num-queries-per-thread: 2048
{more}
"""


def upstream_config(folder: Path) -> list[str]:
    more = '  local-zone: "example.com." redirect\n  local-data: "example.com. 60 A 192.0.2.1"\n'
    (folder / "upstream.conf").write_text(UNBOUND.format(port=UPSTREAM_PORT, folder=folder, more=more))
    return ["unbound", "-d", "-c", str(folder / "upstream.conf")]


def unbound_config(folder: Path, names: list[str]) -> list[str]:
    zones = "".join(f'  local-zone: "{name}." always_nxdomain\n' for name in names)
    more = f"{zones}forward-zone:\n  name: .\n  forward-addr: 127.0.0.1@{UPSTREAM_PORT}\n"
    (folder / "unbound.conf").write_text(UNBOUND.format(port=PORT, folder=folder, more=more))
    return ["unbound", "-d", "-c", str(folder / "unbound.conf")]


def dnsmasq_config(folder: Path, names: list[str]) -> list[str]:
    lines = ["no-resolv", "no-hosts", "cache-size=0", "keep-in-foreground", "bind-interfaces", "dns-forward-max=10000"]
    lines += ["listen-address=127.0.0.1", f"port={PORT}", f"server=127.0.0.1#{UPSTREAM_PORT}", "pid-file="]
    lines += ["user=root", *(f"address=/{name}/" for name in names)]
    (folder / "dnsmasq.conf").write_text("\n".join(lines) + "\n")
    return ["dnsmasq", "-C", str(folder / "dnsmasq.conf")]


async def serve() -> None:
    """Runs the sinkhole with the shipped lists until it is stopped."""
    index = load_catalogue([]).index
    banned = Decision(banned=True, text="Policy 2022-17")

    def decide(client: bytes, name: bytes, is_target: bool) -> Decision:
        entry = index.match_name(name)
        return banned if entry is not None and entry.vendor == VENDOR else PASS

    settings = SinkholeSettings(upstream=(LOCALHOST,), upstream_port=UPSTREAM_PORT)
    sinkhole = Sinkhole(settings, decide, lambda client, name, decision: None)
    await sinkhole.open_door("bench", listen=[Listen("127.0.0.1", PORT)])
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await sinkhole.stop()


@contextmanager
def running(core: int, arguments: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([*BEFORE, "taskset", "-c", str(core), *arguments])
    try:
        wait_for_answer(port)
        yield process
    finally:
        process.terminate()
        process.wait(10)


def wait_for_answer(port: int) -> None:
    query = b"\0\1\1\0\0\1\0\0\0\0\0\0\1n\7example\3com\0\0\1\0\1"
    end = time.monotonic() + 20
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        while time.monotonic() < end:
            try:
                client.sendto(query, ("127.0.0.1", port))
                client.recv(512)
                return
            except OSError:
                time.sleep(0.05)
    raise SystemExit(f"nothing answers at port {port}")


def ask(file: Path, seconds: int) -> tuple[float, float, float]:
    """Returns answers per second, the percentage lost and the mean milliseconds, as reported by dnsperf."""
    command = f"taskset -c 1 dnsperf -s 127.0.0.1 -p {PORT} -d {file} -l {seconds} -q 100 -c 4 -T 1 -t 2"
    text = subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout

    def value(pattern: str) -> float:
        found = re.search(pattern, text)
        return float(found.group(1)) if found else 0.0

    return (
        value(r"Queries per second:\s+([\d.]+)"),
        value(r"Queries lost:\s+\d+ \(([\d.]+)%\)"),
        value(r"Average Latency \(s\):\s+([\d.]+)") * 1000,
    )


def measure(label: str, arguments: list[str], folder: Path, seconds: int) -> None:
    with running(0, arguments, PORT) as server:
        ask(folder / "banned", 1)
        cells = []
        for kind in ("banned", "allowed"):
            before = processor_seconds(server.pid)
            rate, lost, latency = ask(folder / kind, seconds)
            cost = (processor_seconds(server.pid) - before) / (rate * seconds) * 1e6 if rate else 0.0
            cells.append(f"{kind} {rate:8,.0f}/s, {lost:.2f} % lost, mean {latency:5.2f} ms, {cost:5.1f} µs each")
    print(f"{label:24} {'; '.join(cells)}", flush=True)


def processor_seconds(pid: int) -> float:
    """Returns the processor time of the process, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


BEFORE: list[str] = []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--realtime", action="store_true", help="run the servers by `chrt -f 1`")
    parser.add_argument("--serve", action="store_true", help="be the sinkhole under measurement")
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    if options.realtime:
        BEFORE.extend(("chrt", "-f", "1"))
    missing = [program for program in ("dnsperf", "dnsmasq", "unbound", "taskset") if not shutil.which(program)]
    if missing:
        raise SystemExit(f"missing: {', '.join(missing)}; apt-get install dnsperf dnsmasq-base unbound util-linux")
    engine = "interpreted" if str(monitor.model.__file__).endswith(".py") else "compiled"
    names = banned_names(load_catalogue([]).index)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_queries(folder, names)
        with running(1, upstream_config(folder), UPSTREAM_PORT):
            mine = [sys.executable, "-P", os.path.abspath(__file__), "--serve"]
            measure(f"gatewatch ({engine})", mine, folder, options.seconds)
            measure("dnsmasq", dnsmasq_config(folder, names), folder, options.seconds)
            measure("unbound", unbound_config(folder, names), folder, options.seconds)


if __name__ == "__main__":
    main()
