"""Measures how soon a ban stops downloads that are already running: `running.py [--rounds N]`.

In the lab, a phone downloads over TLS and QUIC, IPv4 and IPv6, from addresses that only a name identifies. The output
is the time from the order, as recorded by the daemon, to the last data byte from the gateway to the phone, as captured
by tcpdump. Exits with 1 if one took a second or more. Needs root.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from monitor.errors import MachineError
from monitor.lab.capture import both_ways
from monitor.lab.downloads import Downloads
from monitor.lab.lab import Lab
from monitor.lab.plan import Plan

MOST_SECONDS = 1.0


def measure() -> list[float]:
    """Returns the seconds of four downloads."""
    with Lab(Plan(masquerade=True)) as lab:
        group = f'[[group]]\nname = "phones"\nmembers = ["{lab.client("phone").mac}"]\n'
        daemon = lab.daemon(f'[capture]\ninterfaces = ["br-lan"]\n{group}')
        capture = lab.capture()
        downloads = Downloads(lab)
        daemon.wait_for("seen them flow", lambda: downloads.all_flow(capture))
        done = daemon.run("ban", "bytedance", "--group", "phones", "--json")
        if done.returncode:
            raise MachineError(f"the daemon refused the ban: {done.stderr.strip()}")
        began = float(json.loads(done.stdout)["order"]["time"])
        daemon.wait_for("cut them", lambda: downloads.all_silent(capture))
        seen = capture.stop()
        took = [max(0.0, both_ways(seen, *download)[2].last - began) for download in downloads.children]
        downloads.stop()
        daemon.stop()
    return took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="four downloads each")
    rounds = parser.parse_args().rounds
    try:
        took = sorted(seconds for _ in range(rounds) for seconds in measure())
    except MachineError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(
        f"{len(took)} running downloads were cut within {statistics.median(took) * 1000:.0f} ms of the order in the "
        f"median, {took[-1] * 1000:.0f} ms at most"
    )
    return 0 if took[-1] < MOST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
