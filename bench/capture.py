"""Measures how fast frames get from the kernel into Python: with a ring of blocks, or one system call per frame.

    python bench/capture.py [--frames N]

Needs root. A veth pair between two network namespaces carries UDP frames of 120 bytes, like DNS. For each method, the
output shows the median and the 99th percentile of the time from sending a single frame to its `Frame` object, and how
many frames per second one core reads from a full buffer: as objects, or refused by the segment filter (TCP frames of an
upload).
"""

import argparse
import ctypes
import os
import select
import socket
import statistics
import struct
import subprocess
import time
from collections.abc import Callable

from monitor.capture import ring
from monitor.capture.direct import Direct
from monitor.capture.filter_parts import ETHERNET
from monitor.capture.filters import MIDDLES, NAMES, filter_program
from monitor.capture.ring import Ring
from monitor.model import Frame
from monitor.wire.pcap.ring_blocks import read_block
from monitor.wire.tcp.segment_filter import SegmentFilter

CLONE_NEWNET = 0x40000000
BUFFER_BYTES = 1 << 29
ROUNDS = 300


def enter(name: str) -> None:
    with open(f"/run/netns/{name}") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def run(command: str) -> None:
    subprocess.run(command.split(), check=True)


def frame(protocol: int, payload: bytes) -> bytes:
    """Returns an Ethernet frame of IPv4 10.0.0.1 → 10.0.0.2: UDP to port 53, or TCP with payload to port 443."""
    if protocol == 17:
        transport = struct.pack("!HHHH", 40000, 53, 8 + len(payload), 0) + payload
    else:
        transport = struct.pack("!HHIIBBHHH", 40000, 443, 1 << 20, 1, 0x50, 0x10, 1000, 0, 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(transport), 1, 0, 64, protocol, 0, b"\n\0\0\1", b"\n\0\0\2")
    return b"\xff" * 6 + b"\2\0\0\0\0\1" + b"\x08\0" + head + transport


def read(reader: Ring | Direct, frames_max: int, gate: SegmentFilter | None, out: list[Frame]) -> int:
    if isinstance(reader, Ring):
        return sum(read_block(block, reader.link, 0, 0, gate, out) for block in reader.take(frames_max))
    got = reader.read(frames_max, 0, 0, out)
    if gate is not None:
        out[:] = [frame for frame in out if gate.wants(frame.data, 14)]
    return got


def latency(reader: Ring | Direct, sender: socket.socket) -> list[float]:
    """Returns the milliseconds from sending a frame to its object, sorted."""
    sample = frame(17, b"x" * 78)
    times = []
    poll = select.poll()
    poll.register(reader.fileno(), select.POLLIN)
    for _ in range(ROUNDS):
        out: list[Frame] = []
        begin = time.perf_counter()
        sender.send(sample)
        while not out:
            poll.poll(100)
            read(reader, 100, None, out)
        times.append((time.perf_counter() - begin) * 1000)
        time.sleep(0.0007)
    return sorted(times)


def drain(
    reader: Ring | Direct, sender: socket.socket, sample: bytes, frames: int, gate: SegmentFilter | None
) -> float:
    """Returns the frames per second read from a buffer that is full before the clock starts."""
    for _ in range(frames):
        sender.send(sample)
    time.sleep(0.05)
    begin = time.perf_counter()
    cpu = time.process_time()
    done = 0
    while done < frames * 0.98:
        out: list[Frame] = []
        got = read(reader, 256, gate, out)
        if not got and time.perf_counter() - begin > 5:
            raise SystemExit(f"only {done} of {frames} frames arrived")
        done += got
    return done / (time.process_time() - cpu)


def measure(label: str, make: Callable[[bytes], Ring | Direct], sender: socket.socket, frames: int) -> None:
    reader = make(filter_program(NAMES, ETHERNET))
    times = latency(reader, sender)
    objects = drain(reader, sender, frame(17, b"x" * 78), frames, None)
    reader.close()
    reader = make(filter_program(MIDDLES, ETHERNET))
    refused = drain(reader, sender, frame(6, b"x" * 1_440), frames, SegmentFilter())
    reader.close()
    print(
        f"{label:24} latency median {statistics.median(times):6.2f} ms, 99 % {times[int(len(times) * 0.99)]:6.2f} ms; "
        f"{objects:10,.0f} frames/s as objects, {refused:10,.0f} frames/s refused in the gate"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=20_000)
    frames = parser.parse_args().frames
    near, far = f"gwb-{os.getpid()}-a", f"gwb-{os.getpid()}-b"
    run(f"ip netns add {near}")
    run(f"ip netns add {far}")
    try:
        run(f"ip -n {near} link add v0 type veth peer name v1 netns {far}")
        run(f"ip -n {near} link set v0 up")
        run(f"ip -n {far} link set v1 up")
        enter(far)
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sender.bind(("v1", 0))
        enter(near)
        import monitor.model

        print("engine:", "interpreted" if monitor.model.__file__.endswith(".py") else "compiled")
        blocks = frames // 16
        for retire in (1, 2, 4, 0):
            ring.RETIRE_MS = retire  # type: ignore[misc]  # the constant under measurement
            label = f"ring, {retire} ms" if retire else "ring, the kernel's choice"
            measure(label, lambda program: Ring("v0", 1, program, blocks), sender, frames)
        measure("one recvmsg a frame", lambda program: Direct("v0", 1, program, BUFFER_BYTES), sender, frames)
    finally:
        run(f"ip netns del {near}")
        run(f"ip netns del {far}")


if __name__ == "__main__":
    main()
