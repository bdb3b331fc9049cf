"""Measures how close a server must be to answer before the kill: `late.py [--attempts N]`.

In the lab, a banned phone opens connections to a banned name at an address that only the handshake can identify. The
servers answer a fixed number of milliseconds after the hello. The output shows the share of answers that arrived before
the kill was in the kernel (late_answers_total), and the bytes of pages that a client read before its connection ended.
Needs root.
"""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from monitor.errors import MachineError
from monitor.lab.client import hammered
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import Plan

DELAYS_MS = (0, 1, 2, 5, 10, 20, 50)
NAME = "www.tiktok.com"
ADDRESSES = {"IPv4": "203.0.113.80", "IPv6": "2001:db8:cd::80"}
AT_ONCE = 2


def configuration(lab: Lab) -> str:
    return (
        '[capture]\ninterfaces = ["br-lan"]\n'
        f'[[group]]\nname = "phones"\nmembers = ["{lab.client("phone").mac}"]\n'
        '[[ban]]\nvendors = ["bytedance"]\ngroups = ["phones"]\nmode = "enforce"\n'
    )


def try_one(lab: Lab, daemon: LabDaemon, address: str, quic: bool, attempts: int) -> tuple[int, int, int]:
    """Returns the numbers of killed flows and of those with an answer, and the bytes of pages."""
    before = daemon.metric("killed_flows_total"), daemon.metric("late_answers_total")
    options = ["--attempts", str(attempts), "--connections", str(AT_ONCE), "--give-up", "0.5"]
    child = lab.client("phone").start_hammer(NAME, address, *options, *(["--quic"] if quic else []))
    done = hammered(child, 600)
    cut = daemon.metric("killed_flows_total") - before[0]
    # Conntrack reports a late answer only when the flow ends or all flows are listed.
    daemon.wait_for("counted everything", lambda: daemon.metric("flows_active") == 0, 60)
    late = daemon.metric("late_answers_total") - before[1]
    return int(cut), int(late), done["received"]


def measure(delay_ms: int, attempts: int) -> None:
    with Lab(Plan(server_delay_s=delay_ms / 1000)) as lab:
        daemon = lab.daemon(configuration(lab))
        cells = []
        for quic in (False, True):
            cut = late = received = 0
            for address in ADDRESSES.values():
                some = try_one(lab, daemon, address, quic, attempts)
                cut, late, received = cut + some[0], late + some[1], received + some[2]
            share = f"{late} of {cut} late, {100 * late / max(1, cut):.1f} %"
            cells.append(f"{'QUIC' if quic else 'TLS'}: {share}, {received} bytes of pages")
        leaked = daemon.metric("leaked_bytes_total")
        print(f"{delay_ms:3} ms  {'; '.join(cells)}; {leaked:.0f} bytes leaked", flush=True)
        daemon.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attempts", type=int, default=100, help="of each protocol and address family")
    options = parser.parse_args()
    try:
        for delay_ms in DELAYS_MS:
            measure(delay_ms, options.attempts)
    except MachineError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
