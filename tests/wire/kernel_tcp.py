"""A TCP server of the kernel's that gets crafted segments: the application's reading of them is the reference.

The server is in a namespace behind a tun device, which takes IP packets as they are and answers at once. What went
both ways is kept, so that the decoder can read the same packets.
"""

import fcntl
import os
import select
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from monitor.lab.namespace import Namespace
from monitor.model import TCP_ACK, TCP_SYN, TCP_URG, Frame

SET_INTERFACE = 0x400454CA  # TUNSETIFF
TUN_WITHOUT_INFO = 0x1001  # IFF_TUN | IFF_NO_PI
SERVERS = {4: "10.77.0.1", 6: "fd77::1"}
CLIENTS = {4: "10.77.0.2", 6: "fd77::2"}
PORT = 443
RAW_IP = 101
START = 1_700_000_000.0
PSH = 0x08
WORD = 0xFFFF_FFFF

MD5 = b"\x13\x12" + bytes(16) + b"\1\1"


def checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ip_packet(source: bytes, destination: bytes, segment: bytes, hops: int = 64) -> bytes:
    if len(source) == 16:
        return struct.pack("!IHBB", 6 << 28, len(segment), 6, hops) + source + destination + segment
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 7, 0x4000, hops, 6, 0) + source + destination
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + segment


def echo_request(number: int) -> bytes:
    """ICMP echo (RFC 792) to the server over IPv4."""
    message = struct.pack("!BBHHH", 8, 0, 0, 7, number)
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0x4000, 64, 1, 0) + packed(CLIENTS[4]) + packed(SERVERS[4])
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + message


def is_echo_reply(packet: bytes, number: int) -> bool:
    reply = packet[0] >> 4 == 4 and packet[9] == 1 and packet[20] == 0
    return reply and packet[24:28] == struct.pack("!HH", 7, number)


class Server:
    """Listens on `PORT`; `descriptor` is the tun device, `port` the client port of the last connection.

    `datagrams` is a UDP socket where one was wanted.
    """

    def __init__(self, descriptor: int, listener: socket.socket, datagrams: socket.socket | None) -> None:
        self.descriptor = descriptor
        self.listener = listener
        self.datagrams = datagrams
        self.port = 20_000
        self.echoes = 0

    def exchange(self, packet: bytes) -> list[bytes]:
        """Gives the kernel a packet; what it answers. An echo behind it shows that the kernel has taken it."""
        self.echoes = (self.echoes + 1) & 0xFFFF
        os.write(self.descriptor, packet)
        os.write(self.descriptor, echo_request(self.echoes))
        answers = []
        while True:
            assert select.select([self.descriptor], [], [], 60)[0], "the kernel answers no echo"
            answer = os.read(self.descriptor, 65_535)
            if is_echo_reply(answer, self.echoes):
                return answers
            if answer[6 if answer[0] >> 4 == 6 else 9] == 6:
                answers.append(answer)


@contextmanager
def server(udp: int = 0) -> Iterator[Server]:
    """`udp` is the port of a UDP socket beside the listener, 0 without one."""
    place = Namespace(f"gwt-tcp-{os.getpid()}")
    place.create()
    descriptor = -1
    # Packets that are written on one processor are taken in their order.
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    try:

        def open_tun() -> int:
            tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(tun, SET_INTERFACE, struct.pack("16sH14x", b"tun0", TUN_WITHOUT_INFO))
            return tun

        def listen() -> socket.socket:
            made = socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)
            made.setblocking(False)
            return made

        descriptor = place.inside(open_tun)
        # Segments come in one stroke: no limit of challenge ACKs may play a part.
        place.sysctl(
            {
                "ipv4/tcp_invalid_ratelimit": 0,
                "ipv4/tcp_syncookies": 0,
                "ipv6/conf/all/accept_dad": 0,
                "ipv4/icmp_ratemask": 0,
            }
        )
        addresses = [f"addr add {SERVERS[4]}/24 dev tun0", f"addr add {SERVERS[6]}/64 dev tun0 nodad"]
        for line in ["link set tun0 up mtu 65535", *addresses]:
            subprocess.run(["ip", "-n", place.name, *line.split()], check=True)

        def receive() -> socket.socket:
            made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            made.bind(("::", udp))
            return made

        listener = place.inside(listen)
        datagrams = place.inside(receive) if udp else None
        try:
            yield Server(descriptor, listener, datagrams)
        finally:
            listener.close()
            if datagrams is not None:
                datagrams.close()
    finally:
        os.sched_setaffinity(0, processors)
        if descriptor >= 0:
            os.close(descriptor)
        place.remove()


@dataclass
class Shape:
    """How a client's TCP is: what it offers in its SYN, where its numbers begin, and its window field later on."""

    family: int = 4
    timestamps: bool = True
    scale: int = 7
    first: int = 1000
    clock: int = 100_000
    window: int = 64_240
    later: int = 502


@dataclass
class Client:
    """One connection; `frames` is what went both ways, `first` the number of the client's first byte."""

    server: Server
    shape: Shape
    frames: list[Frame] = field(default_factory=list)
    expected: int = 0
    clock_back: int = 0
    accepted: socket.socket | None = None
    received: bytes = b""
    ended: bool = False
    sizes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.port += 1
        self.port = self.server.port
        self.here, self.there = packed(CLIENTS[self.shape.family]), packed(SERVERS[self.shape.family])

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> None:
        self.syn()
        self.send(0, b"")

    def syn(self, data: bytes = b"", options: bytes = b"", first: int | None = None) -> None:
        shape = self.shape
        own = b"\x02\x04\x05\xb4"
        if shape.scale:
            own += b"\x01\x03\x03" + bytes((shape.scale,))
        if shape.timestamps:
            own += b"\x01\x01\x08\x0a" + struct.pack("!II", shape.clock & WORD, 0)
        number = shape.first if first is None else first
        self._segment((number - 1) & WORD, 0, TCP_SYN, own + options, data)

    def send(
        self, at: int, data: bytes, flags: int = TCP_ACK | PSH, acknowledge: int = 0, clock: int = 1,
        options: bytes = b"", urgent: int = 0, spoil: bool = False, hops: int = 64,
    ) -> None:  # fmt: skip
        """Data from the byte `at` on; `acknowledge` and `clock` are distances from what is due."""
        self.sizes.append(len(data))
        if self.shape.timestamps:
            options += b"\x01\x01\x08\x0a" + struct.pack("!II", (self.shape.clock + clock) & WORD, self.clock_back)
        acknowledgment = (self.expected + acknowledge) & WORD if flags & TCP_ACK else 0
        sequence = (self.shape.first + at) & WORD
        self._segment(sequence, acknowledgment, flags, options, data, urgent, spoil, hops)

    def _segment(
        self, sequence: int, acknowledgment: int, flags: int, options: bytes, data: bytes, urgent: int = 0,
        spoil: bool = False, hops: int = 64,
    ) -> None:  # fmt: skip
        options += b"\0" * (-len(options) % 4)
        window = self.shape.window if flags & TCP_SYN or not self.shape.scale else self.shape.later
        flags |= TCP_URG if urgent else 0
        offset = (20 + len(options)) << 2
        head = struct.pack("!HHIIBBHHH", self.port, PORT, sequence, acknowledgment, offset, flags, window, 0, urgent)
        segment = head + options + data
        pseudo = self.here + self.there + struct.pack("!II", len(segment), 6)
        total = checksum(pseudo + segment) ^ (0x5555 if spoil else 0)
        segment = segment[:16] + struct.pack("!H", total) + segment[18:]
        self._exchange(ip_packet(self.here, self.there, segment, hops))

    def _exchange(self, packet: bytes) -> None:
        self._keep(packet)
        for answer in self.server.exchange(packet):
            self._keep(answer)
            at = 40 if answer[0] >> 4 == 6 else 20
            ports = struct.unpack_from("!HH", answer, at)
            if ports != (PORT, self.port):
                continue
            flags = answer[at + 13]
            if flags & (TCP_SYN | TCP_ACK) == TCP_SYN | TCP_ACK:
                self.expected = (struct.unpack_from("!I", answer, at + 4)[0] + 1) & WORD
                if self.shape.timestamps:
                    found = answer.find(b"\x08\x0a", at + 20)
                    self.clock_back = struct.unpack_from("!I", answer, found + 2)[0]
        self._receive()

    def _keep(self, packet: bytes) -> None:
        number = len(self.frames) + 1
        self.frames.append(Frame(packet, START + number / 1000, RAW_IP, 0, len(packet), number))

    def _receive(self) -> None:
        if self.accepted is None:
            try:
                accepted, peer = self.server.listener.accept()
            except BlockingIOError:
                return
            if peer[1] != self.port:
                accepted.close()
                return
            accepted.setblocking(False)
            self.accepted = accepted
        try:
            while data := self.accepted.recv(65_536):
                self.received += data
        except OSError:
            return

    def close(self) -> bytes:
        """What the application has read."""
        if not self.ended:
            self._receive()
        self.ended = True
        if self.accepted is not None:
            self.accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.accepted.close()
            self.accepted = None
        while select.select([self.server.descriptor], [], [], 0)[0]:
            os.read(self.server.descriptor, 65_535)
        return self.received
