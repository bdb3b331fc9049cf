"""How soon downloads that run already are cut by a ban: `running.py [--rounds N]`.

In the lab, a phone downloads over TLS and QUIC, IPv4 and IPv6, from addresses that only a name gives away. Printed is
the time from the order, as the daemon notes it, to the last byte of data that left the gateway towards the phone, as
tcpdump has seen it. Exit code 1 where one took a second or more. Needs root.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from monitor.errors import MachineError
from monitor.lab.capture import both_ways, tally
from monitor.lab.lab import Lab
from monitor.lab.plan import Plan

NAME, STREAM = "www.capcut.com", "/bytes/1000000000?rate=400000"
ADDRESSES = ("203.0.113.30", "2001:db8:cd::30")
FLOWING_BYTES = 20_000
SILENT_SECONDS = 1.5
MOST_SECONDS = 1.0


def measure() -> list[float]:
    """The seconds of four downloads."""
    with Lab(Plan(masquerade=True)) as lab:
        phone = lab.client("phone")
        group = f'[[group]]\nname = "phones"\nmembers = ["{phone.mac}"]\n'
        daemon = lab.daemon(f'[capture]\ninterfaces = ["br-lan"]\n{group}')
        capture = lab.capture()
        downloads = {}
        for address in ADDRESSES:
            child, port = phone.start_curl(f"https://{NAME}{STREAM}", address=address, ipv6=":" in address)
            downloads["tcp", port] = child
            child, port = phone.start_quic(NAME, address, STREAM)
            downloads["udp", port] = child

        def down() -> dict[tuple[str, int], tuple[int, float]]:
            return {(key[0], key[4]): (seen.bytes, seen.last) for key, seen in tally(capture.path).items()}

        def all_flow() -> bool:
            seen = down()
            return all(seen.get(download, (0, 0.0))[0] > FLOWING_BYTES for download in downloads)

        def all_silent() -> bool:
            seen = down()
            return all(time.time() - seen[download][1] > SILENT_SECONDS for download in downloads)

        daemon.wait_for("seen them flow", all_flow)
        done = daemon.run("ban", "bytedance", "--group", "phones", "--json")
        if done.returncode:
            raise MachineError(f"the daemon refused the ban: {done.stderr.strip()}")
        began = float(json.loads(done.stdout)["order"]["time"])
        daemon.wait_for("cut them", all_silent)
        seen = capture.stop()
        took = [max(0.0, both_ways(seen, *download)[2].last - began) for download in downloads]
        for child in downloads.values():
            child.stop()
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
