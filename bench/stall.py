"""Measures the longest stall of the daemon's loop under load, while a ban is enforced.

    python bench/stall.py [--seconds N] [--domains N]

Needs root. Runs one daemon for each load: 200 concurrent scrapers without a pause, a reload of a million domains, a
flood of QUIC Initials, and all of these together. The figure is the daemon's own `loop_stall_seconds`, from its start.
"""

import argparse
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import monitor.model
from monitor.errors import MachineError
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab

MOST_SECONDS = 0.25
SCRAPERS = 200
PATIENCE_SECONDS = 120.0
FLOOD_RATE = 20_000

Load = Callable[[Lab, LabDaemon, float], None]


def configuration(lab: Lab, more: str = "") -> str:
    return (
        '[capture]\ninterfaces = ["br-lan"]\n'
        f'[[group]]\nname = "phones"\nmembers = ["{lab.client("phone").mac}"]\n'
        f'[[ban]]\nvendors = ["bytedance"]\ngroups = ["phones"]\nmode = "enforce"\n{more}'
    )


def scrape(lab: Lab, daemon: LabDaemon, until: float) -> None:
    """Opens connections, reads their answers and repeats, all in one thread."""

    def connect() -> socket.socket:
        client = socket.create_connection(("127.0.0.1", 10053), 5)
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: gateway\r\n\r\n")
        return client

    def work() -> None:
        while time.monotonic() < until:
            clients = []
            for _ in range(SCRAPERS):
                try:
                    clients.append(connect())
                except OSError:
                    continue
            for client in clients:
                with client:
                    try:
                        while client.recv(1 << 20):
                            pass
                    except OSError:
                        continue

    lab.gateway.inside(work)


def reload(lab: Lab, daemon: LabDaemon, until: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder, "names")
        with names.open("w") as out:
            out.writelines(f"n{number}.d{number % 50_000}.example\n" for number in range(DOMAINS))
        listed = f'[[list]]\nname = "many"\nurl = "{names}"\nvendor = "many"\nformat = "domains"\n'
        daemon.configure(configuration(lab, listed))
        before = daemon.log.read_text().count("reloaded: ")
        daemon.reload()
        daemon.wait_for("reloaded", lambda: daemon.log.read_text().count("reloaded: ") > before, PATIENCE_SECONDS)


def flood(lab: Lab, daemon: LabDaemon, until: float) -> None:
    packets = int((until - time.monotonic()) * FLOOD_RATE)
    lab.client("laptop").flood("quic", packets, "203.0.113.80", FLOOD_RATE)


DOMAINS = 1_000_000
LOADS: dict[str, Sequence[Load]] = {
    "nothing beside": (),
    f"{SCRAPERS} scrapers": (scrape,),
    "a reload of many domains": (reload,),
    "a flood of QUIC Initials": (flood,),
    "all of these": (scrape, reload, flood),
}


def measure(lab: Lab, label: str, loads: Sequence[Load], seconds: float) -> bool:
    daemon = lab.daemon(configuration(lab))
    phone = lab.client("phone")
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=load, args=(lab, daemon, until)) for load in loads]
    for thread in threads:
        thread.start()
    asked = kept = 0
    while time.monotonic() < until or any(thread.is_alive() for thread in threads):
        asked += 1
        kept += phone.dig("www.tiktok.com", options=["+time=2"]).status == "NXDOMAIN"
        time.sleep(0.1)
    stalled = daemon.metric("loop_stall_seconds")
    code = daemon.stop()
    good = stalled < MOST_SECONDS and code == 0
    print(
        f"{label:26} the loop stood still for {stalled * 1000:4.0f} ms at most; "
        f"{kept} of {asked} banned questions answered in time{'' if good else '  NOT good'}",
        flush=True,
    )
    return good


def main() -> int:
    global DOMAINS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--domains", type=int, default=DOMAINS)
    options = parser.parse_args()
    DOMAINS = options.domains
    print("engine:", "interpreted" if monitor.model.__file__.endswith(".py") else "compiled")
    try:
        with Lab() as lab:
            good = [measure(lab, label, loads, options.seconds) for label, loads in LOADS.items()]
        return 0 if all(good) else 1
    except MachineError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
