"""A banned client that retries for a minute and must receive nothing: `hammer.py [--seconds N]`.

In the lab, a phone opens connections to a banned name at an address that only the handshake can identify, over TLS and
QUIC, IPv4 and IPv6. The phone drops resets and ICMP errors, so that its program keeps each connection as long as
possible. The servers answer after 20 ms. Exits with 1 if a byte leaked. Needs root.
"""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from monitor.errors import MachineError
from monitor.lab.capture import answered
from monitor.lab.client import hammered
from monitor.lab.lab import Lab
from monitor.lab.plan import Plan

SERVER_SECONDS = 0.02
NAME = "www.tiktok.com"
ADDRESSES = ("203.0.113.80", "2001:db8:cd::80")


def configuration(lab: Lab) -> str:
    return (
        '[capture]\ninterfaces = ["br-lan"]\n'
        f'[[group]]\nname = "phones"\nmembers = ["{lab.client("phone").mac}"]\n'
        '[[ban]]\nvendors = ["bytedance"]\ngroups = ["phones"]\nmode = "enforce"\n'
    )


def hammer(seconds: float, connections: int) -> int:
    with Lab(Plan(server_delay_s=SERVER_SECONDS)) as lab:
        phone, daemon = lab.client("phone"), lab.daemon(configuration(lab))
        phone.ignore_ends()
        capture = lab.capture()
        options = ("--seconds", str(seconds), "--connections", str(connections))
        children = {
            (address, quic): phone.start_hammer(NAME, address, *options, *(["--quic"] if quic else []))
            for address in ADDRESSES
            for quic in (False, True)
        }
        received = 0
        for (address, quic), child in children.items():
            done = hammered(child, seconds + 30)
            received += done["received"]
            label = f"{'QUIC' if quic else 'TLS'} to {address}"
            print(f"{label}: {done['attempts']} attempts, {done['handshakes']} of them with a handshake, "
                  f"{done['received']} bytes received")  # fmt: skip
        late, leaked = daemon.metric("late_answers_total"), daemon.metric("leaked_bytes_total")
        cut, blocked = daemon.metric("killed_flows_total"), daemon.metric("blocked_bytes_total")
        print(f"{cut:.0f} flows cut, {blocked:,.0f} bytes blocked, {late:.0f} late answers, {leaked:.0f} bytes leaked; "
              f"tcpdump saw {len(answered(capture.stop()))} flows with an answer")  # fmt: skip
        daemon.stop()
    return 0 if leaked == received == 0 else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--connections", type=int, default=10, help="of each protocol and address family")
    options = parser.parse_args()
    try:
        return hammer(options.seconds, options.connections)
    except MachineError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
