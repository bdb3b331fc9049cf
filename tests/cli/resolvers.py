"""Real resolvers on this host, in front of an internet in which every name has the same address."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

ADDRESS = "192.0.2.80"
READY_SECONDS = 20.0
ANSWER_SECONDS = 20.0


@contextmanager
def internet() -> Iterator[int]:
    """The port of a server that knows every name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=answer_all, args=(server,))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", server.getsockname())
            thread.join()


def answer_all(server: socket.socket) -> None:
    while True:
        data, client = server.recvfrom(4096)
        if not data:
            return
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query, recursion_available=True)
        question = query.question[0]
        if question.rdtype == dns.rdatatype.A:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", ADDRESS))
        server.sendto(reply.to_wire(), client)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str], port: int, log: Path) -> Iterator[int]:
    """A resolver in the foreground; its port, once it answers there."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not answers(port):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
            yield port
        finally:
            process.kill()
            process.wait()


def answers(port: int) -> bool:
    try:
        dns.query.udp(dns.message.make_query("ready.example", "A"), "127.0.0.1", timeout=0.2, port=port)
    except (dns.exception.Timeout, OSError):
        return False
    return True


def is_blocked(port: int, name: str) -> bool:
    """Whether a resolver keeps the name's address back: no such name, or the null address."""
    reply, _ = dns.query.udp_with_fallback(
        dns.message.make_query(name, "A"), "127.0.0.1", timeout=ANSWER_SECONDS, port=port
    )
    found = [record.to_text() for rrset in reply.answer for record in rrset]
    if reply.rcode() == dns.rcode.NOERROR and found == [ADDRESS]:
        return False
    assert reply.rcode() == dns.rcode.NXDOMAIN or found == ["0.0.0.0"], (name, reply.to_text())
    return True


@contextmanager
def dnsmasq(upstream: int, folder: Path, *options: str) -> Iterator[int]:
    port = free_port()
    command = [
        "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--bind-interfaces", "--user=root",
        "--pid-file", "--listen-address=127.0.0.1", f"--port={port}", f"--server=127.0.0.1#{upstream}", *options,
    ]  # fmt: skip
    with running(command, port, folder / "dnsmasq.log") as ready:
        yield ready


@contextmanager
def unbound(upstream: int, folder: Path, more: str, modules: str = "iterator") -> Iterator[int]:
    """`more` is the configuration under test; unbound's own checker must take all of it."""
    port = free_port()
    path = folder / "unbound.conf"
    path.write_text(
        f'server:\n interface: 127.0.0.1@{port}\n chroot: ""\n username: ""\n directory: "{folder}"\n pidfile: ""\n'
        f' use-syslog: no\n do-daemonize: no\n do-not-query-localhost: no\n module-config: "{modules}"\n'
        f' num-threads: 1\n{more}\nforward-zone:\n name: "."\n forward-addr: 127.0.0.1@{upstream}\n'
    )
    checked = subprocess.run(["unbound-checkconf", path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    program = shutil.which("unbound")
    assert program is not None
    with running([program, "-d", "-c", str(path)], port, folder / "unbound.log") as ready:
        yield ready
