"""Measures how long a banned ClientHello waits for its kill: from the client's send to the element in the kernel's set.

    python bench/enforce.py [--rounds N] [--flows conntrack|packets] [--realtime]

Needs root. The lab's gateway runs the real daemon with a ban; a client sends one hello after the other with the
vendor's name to an address of another owner. A netlink socket in the gateway's namespace receives nftables'
notification of each new element. The daemon's own metric for the same delay is printed too.
"""

import argparse
import os
import random
import socket
import ssl
import statistics
import struct
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

import monitor.model
from monitor.errors import MachineError
from monitor.kernel.netlink.sockets import NETLINK_NETFILTER, Netlink, Overrun
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab

NAME = "www.tiktok.com"
ELSEWHERE = {4: "203.0.113.80", 6: "2001:db8:cd::80"}
GROUP_NFTABLES = 7  # NFNLGRP_NFTABLES
MEDIAN_MS, WORST_MS = 3.0, 10.0
PATIENCE_SECONDS = 2.0
SEGMENT = 1_440
FIRST_PORT = 21_000
LONG_PROTOCOLS = [f"protocol-{number:0200}" for number in range(7)]

# Sends a hello; returns its flow's key in the kill set, and the time when the last segment was sent.
Send = Callable[[int], tuple[bytes, float]]


def tls_hello(protocols: list[str]) -> bytes:
    """Returns a ClientHello as written by OpenSSL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2", "http/1.1", *protocols])
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(inward, outward, server_hostname=NAME)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        return outward.read()
    raise AssertionError("a handshake without a peer")


def key(sending: socket.socket, family: int) -> bytes:
    """Returns the flow from client to server in the format of the kill set: addresses, then each port in four bytes."""
    (source, source_port), (target, port) = sending.getsockname()[:2], sending.getpeername()[:2]
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    addresses = socket.inet_pton(kind, source) + socket.inet_pton(kind, target)
    return addresses + struct.pack("!HxxHxx", source_port, port)


def over_tcp(lab: Lab, hello: bytes, segment: int) -> Send:
    def send(family: int) -> tuple[bytes, float]:
        client = lab.client("phone").namespace.inside(lambda: socket.create_connection((ELSEWHERE[family], 443)))
        with client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            flow = key(client, family)
            for at in range(0, len(hello), segment):
                sent = time.monotonic()
                client.sendall(hello[at : at + segment])
            return flow, sent

    return send


def over_quic(lab: Lab) -> Send:
    ports = count(FIRST_PORT)  # a killed flow cannot be killed again, so each hello needs a new port

    def send(family: int) -> tuple[bytes, float]:
        connection = QuicConnection(configuration=QuicConfiguration(server_name=NAME, alpn_protocols=["h3"]))
        connection.connect((ELSEWHERE[family], 443), time.monotonic())
        (datagram, _), *_ = connection.datagrams_to_send(time.monotonic())
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        with lab.client("phone").namespace.inside(lambda: socket.socket(kind, socket.SOCK_DGRAM)) as client:
            client.bind(("", next(ports)))
            client.connect((ELSEWHERE[family], 443))
            flow = key(client, family)
            sent = time.monotonic()
            client.send(datagram)
            return flow, sent

    return send


def await_element(news: Netlink, flow: bytes, sent: float) -> float:
    """Returns the milliseconds from `sent` until nftables reports the element."""
    while True:
        left = sent + PATIENCE_SECONDS - time.monotonic()
        if left <= 0:
            raise SystemExit("a hello was not cut")
        news.socket.settimeout(left)
        try:
            data = news.receive()
        except (Overrun, TimeoutError):
            continue
        if flow in data:
            return (time.monotonic() - sent) * 1000


def measure(label: str, lab: Lab, send: Send, rounds: int) -> bool:
    chance = random.Random(3)
    times = []
    with_news = lab.gateway.inside(lambda: Netlink(NETLINK_NETFILTER, (GROUP_NFTABLES,), 8_388_608))
    try:
        for number in range(rounds):
            time.sleep(chance.uniform(0.005, 0.03))
            flow, sent = send(6 if number % 2 else 4)
            times.append(await_element(with_news, flow, sent))
    finally:
        with_news.close()
    times.sort()
    median, worst = statistics.median(times), times[int(len(times) * 0.99)]
    soon = sum(one < MEDIAN_MS for one in times) / len(times)
    good = median < MEDIAN_MS and worst < WORST_MS
    print(
        f"{label:30} median {median:5.2f} ms, 99 % {worst:6.2f} ms, longest {times[-1]:6.2f} ms; "
        f"{soon:4.0%} under {MEDIAN_MS:.0f} ms{'' if good else '  NOT good'}",
        flush=True,
    )
    return good


def told(daemon: LabDaemon) -> str:
    count, total = daemon.metric("enforce_seconds_count"), daemon.metric("enforce_seconds_sum")
    return f"the daemon's own metric: {count:.0f} cuts, mean {total / count * 1000:.2f} ms from the frame's stamp"


def run(rounds: int, flows: str) -> int:
    engine = "interpreted" if monitor.model.__file__.endswith(".py") else "compiled"
    with Lab() as lab:
        phone = lab.client("phone")
        daemon = lab.daemon(
            f'[capture]\ninterfaces = ["br-lan"]\nflows = "{flows}"\n'
            f'[[group]]\nname = "phones"\nmembers = ["{phone.mac}"]\n'
            '[[ban]]\nvendors = ["bytedance"]\ngroups = ["phones"]\nmode = "enforce"\n'
        )
        print(f"engine: {engine}, bytes from {flows}")
        hello, long = tls_hello([]), tls_hello(LONG_PROTOCOLS)
        ways = [
            (f"TLS, {len(hello)} bytes", over_tcp(lab, hello, SEGMENT)),
            (f"TLS, {len(long)} bytes in 2 segments", over_tcp(lab, long, SEGMENT)),
            ("QUIC", over_quic(lab)),
        ]
        good = [measure(label, lab, send, rounds) for label, send in ways]
        print(told(daemon))
    return 0 if all(good) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--flows", choices=["conntrack", "packets"], default="conntrack")
    parser.add_argument("--realtime", action="store_true", help="go before all other work of the machine")
    options = parser.parse_args()
    if options.realtime:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        return run(options.rounds, options.flows)
    except MachineError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
