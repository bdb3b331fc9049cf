"""The lab's wires with servers and clients that cost an emulated machine little: threads of this process.

Sockets belong to the namespace of the thread that opened them, whoever uses them later.
"""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from dnslib import DNSRecord
from wire.client_hellos import hello_for, records

from monitor.lab.gateway import LabDaemon
from monitor.lab.leftovers import LabLock
from monitor.lab.namespace import Namespace
from monitor.lab.network import wire
from monitor.lab.plan import RESOLVER_V4, Plan
from monitor.lab.zone import Zone

START_SECONDS: Final = 240.0
PATIENCE_SECONDS: Final = 60.0
RECORD_HEADER: Final = 5
PIECE: Final = 1_000


class SmallNetwork:
    """A gateway, the clients `phone` and `laptop`, an internet with a resolver and servers on every address."""

    def __init__(self, zone: str) -> None:
        self._claim = LabLock()
        self._zone = Zone(zone)
        self.wires = wire(Plan(), self._claim)
        self.phone = Client(self.wires.clients["phone"], self.wires.macs["phone"])
        self.laptop = Client(self.wires.clients["laptop"], self.wires.macs["laptop"])
        self.daemon: LabDaemon | None = None
        self.wires.internet.inside(self._serve)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.daemon is not None:
            self.daemon.stop()
        self._claim.release()

    @property
    def folder(self) -> Path:
        return self._claim.folder

    def start(self, configuration: str, *through: str) -> LabDaemon:
        """The real daemon on the gateway; `through` are words before its command."""
        self.daemon = LabDaemon(self.wires.gateway, self.folder / "daemon", configuration, (), through)
        self.daemon.start(START_SECONDS)
        return self.daemon

    def _serve(self) -> None:
        resolver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        resolver.bind((RESOLVER_V4, 53))
        listener = socket.create_server(("0.0.0.0", 443), backlog=64)
        begin(lambda: self._resolve(resolver))
        begin(lambda: accept(listener))

    def _resolve(self, resolver: socket.socket) -> None:
        while True:
            question, asker = resolver.recvfrom(4096)
            resolver.sendto(self._zone.answer(DNSRecord.parse(question)).pack(), asker)


class Client:
    def __init__(self, namespace: Namespace, mac: str) -> None:
        self.namespace = namespace
        self.mac = mac

    def ask(self, name: str, server: str = RESOLVER_V4) -> str:
        """The code of the answer for the name's address, empty where none came."""
        question = DNSRecord.question(name)
        with self.namespace.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as asker:
            asker.settimeout(PATIENCE_SECONDS)
            asker.connect((server, 53))
            asker.send(question.pack())
            try:
                answer = DNSRecord.parse(asker.recv(4096))
            except TimeoutError:
                return ""
        return "NOERROR" if answer.header.rcode == 0 else "NXDOMAIN" if answer.header.rcode == 3 else "other"

    def connect(self, address: str, name: str, size: int, rate: int = 0) -> socket.socket:
        """A TLS hello for the name, and a wish for so many bytes, so many a second; 0: as fast as it goes."""
        stream = self.namespace.inside(lambda: socket.create_connection((address, 443), PATIENCE_SECONDS))
        stream.sendall(records(hello_for(name.encode())))
        stream.sendall(f"{size} {rate}\n".encode())
        return stream

    def fetch(self, address: str, name: str, size: int = 1, rate: int = 0) -> str:
        """What becomes of a connection: empty where all bytes came, else the reason."""
        try:
            with self.connect(address, name, size, rate) as stream:
                return "" if drain(stream) == size else "cut"
        except OSError as error:
            return type(error).__name__


class Download:
    """A transfer that goes on beside whatever follows, until `close`."""

    def __init__(self, client: Client, address: str, name: str, rate: int) -> None:
        self.received = 0
        self.running = True
        self._stream = client.connect(address, name, 1 << 40, rate)
        begin(self._receive)

    def close(self) -> None:
        self._stream.shutdown(socket.SHUT_RDWR)

    def _receive(self) -> None:
        with self._stream:
            while data := self._stream.recv(65_536):
                self.received += len(data)
        self.running = False


def begin(work: Callable[[], object]) -> None:
    threading.Thread(target=work, daemon=True).start()


def accept(listener: socket.socket) -> None:
    while True:
        stream, _ = listener.accept()
        begin(lambda stream=stream: serve(stream))


def serve(stream: socket.socket) -> None:
    """The bytes that the client wishes for behind its hello."""
    with stream, stream.makefile("rb") as said:
        try:
            said.read(int.from_bytes(said.read(RECORD_HEADER)[3:5], "big"))
            size, rate = map(int, said.readline().split())
            while size > 0:
                data = bytes(min(size, PIECE if rate else 65_536))
                if rate:
                    time.sleep(len(data) / rate)
                stream.sendall(data)
                size -= len(data)
        except (OSError, ValueError):
            return  # it has gone, or was cut


def drain(stream: socket.socket) -> int:
    received = 0
    while data := stream.recv(65_536):
        received += len(data)
    return received
