"""Sends hostile input to the sinkhole of the real daemon, from one banned client of the lab, while another uses it.

    python bench/hostile.py [--packets N] [--connections N]

Needs root. Sends malformed and mutated DNS packets, unsolicited answers from addresses that were never queried, idle
TCP connections, and queries to a dead resolver. Prints the counters and the memory. Exits with 1 if a well-behaved
query is not answered afterwards, the memory grew by more than 20 MB, or nothing was counted.
"""

import argparse
import random
import resource
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import monitor.model
from monitor.errors import MachineError
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import RESOLVER_V4, WAN_GATEWAY_V4

GROWTH_BYTES = 20_000_000
ATTACKER = "laptop"
DEAD_RESOLVER = "203.0.113.80"
QUESTIONS = (
    b"\x12\x34\1\0\0\1\0\0\0\0\0\1\3www\6tiktok\3com\0\0\1\0\1\0\0\x29\x04\xd0\0\0\x80\0\0\0",
    b"\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\7example\3org\0\0\x1c\0\1",
)
BATCH = 100


def mutated(dice: random.Random) -> bytes:
    data = bytearray(dice.choice(QUESTIONS))
    for _ in range(dice.randrange(6)):
        data[dice.randrange(len(data))] = dice.randrange(256)
    kind = dice.randrange(4)
    if kind == 0:
        return bytes(data[: dice.randrange(len(data) + 1)])
    if kind == 1:
        return bytes(data) + dice.randbytes(dice.randrange(600))
    return dice.randbytes(dice.randrange(100)) if kind == 2 else bytes(data)


def total(daemon: LabDaemon, name: str, label: str) -> str:
    found = daemon.metrics().get(f"gatewatch_{name}", [])
    return ", ".join(f"{labels[label]} {value:,.0f}" for labels, value in found if value)


def send_packets(lab: Lab, count: int) -> None:
    dice = random.Random(7)
    attacker = lab.client(ATTACKER).namespace
    with attacker.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as client:
        client.setblocking(False)
        client.connect((RESOLVER_V4, 53))
        for number in range(count):
            try:
                client.send(mutated(dice))
                client.recv(65_535)
            except OSError:
                pass
            if number % BATCH == 0:
                time.sleep(0.005)


def send_forgeries(lab: Lab, count: int) -> None:
    """Sends forged answers to the gateway's own address, at the ports from which it may query."""
    dice = random.Random(8)
    with lab.internet.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as forger:
        for number in range(count):
            answer = dice.randbytes(2) + b"\x81\x80\0\1\0\0\0\0\0\0" + QUESTIONS[1][12:]
            forger.sendto(answer, (WAN_GATEWAY_V4, 32_768 + number % 28_000))


def hold_connections(lab: Lab, count: int, held: ExitStack) -> int:
    """Opens idle TCP connections and returns how many were accepted."""
    opened = 0
    attacker = lab.client(ATTACKER).namespace
    for _ in range(count):
        client = held.enter_context(attacker.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)))
        client.settimeout(1)
        try:
            client.connect((RESOLVER_V4, 53))
            opened += 1
        except OSError:
            continue
    return opened


def ask_the_dead(lab: Lab, count: int) -> None:
    attacker = lab.client(ATTACKER).namespace
    with attacker.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as client:
        for number in range(count):
            client.sendto(number.to_bytes(2, "big") + QUESTIONS[1][2:], (DEAD_RESOLVER, 53))
            if number % BATCH == 0:
                time.sleep(0.005)


def serves(lab: Lab) -> bool:
    """Whether another banned client is still served correctly."""
    phone = lab.client("phone")
    return all(
        phone.dig("www.tiktok.com", tcp=tcp).status == "NXDOMAIN" and phone.dig("www.example.org", tcp=tcp).good
        for tcp in (False, True)
    )


def stage(label: str, lab: Lab, daemon: LabDaemon, act: Callable[[], object]) -> bool:
    began = time.monotonic()
    act()
    good = serves(lab)
    print(
        f"{label:46} {time.monotonic() - began:5.1f} s, {daemon.resident_bytes() / 1e6:5.1f} MB, "
        f"{'serves on' if good else 'serves NO MORE'}",
        flush=True,
    )
    return good


def run(packets: int, connections: int) -> int:
    resource.setrlimit(resource.RLIMIT_NOFILE, (connections + 1_000, connections + 1_000))
    print("engine:", "interpreted" if monitor.model.__file__.endswith(".py") else "compiled")
    with Lab() as lab, ExitStack() as held:
        daemon = lab.daemon(
            '[capture]\ninterfaces = ["br-lan"]\n[[group]]\nname = "everybody"\nmembers = ["iface:br-lan"]\n'
            '[[ban]]\nvendors = ["bytedance"]\ngroups = ["everybody"]\nmode = "enforce"\n'
        )
        good = stage("nothing yet", lab, daemon, lambda: None)
        before = daemon.resident_bytes()
        stages: dict[str, Callable[[], object]] = {
            f"{packets:,} mutated packets": lambda: send_packets(lab, packets),
            f"{packets // 20:,} questions to a dead resolver": lambda: ask_the_dead(lab, packets // 20),
            f"{packets:,} forged answers to them": lambda: send_forgeries(lab, packets),
            f"{connections:,} idle connections": lambda: hold_connections(lab, connections, held),
        }
        for label, act in stages.items():
            good &= stage(label, lab, daemon, act)
        grown = daemon.resident_bytes() - before
        for name, label in (
            ("sinkhole_queries_total", "action"),
            ("sinkhole_upstream_errors_total", "reason"),
            ("sinkhole_connections_refused_total", "reason"),
        ):
            said = total(daemon, name, label)
            good &= bool(said)
            print(f"{name:46} {said}")
        stalled = daemon.metric("loop_stall_seconds")
        print(f"grown by {grown / 1e6:.1f} MB; the loop stood still for {stalled * 1000:.0f} ms at most")
        good &= daemon.stop() == 0 and grown < GROWTH_BYTES
    print("good" if good else "NOT good")
    return 0 if good else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=10_000)
    options = parser.parse_args()
    try:
        return run(options.packets, options.connections)
    except MachineError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
