"""A client of the lab, and the real programs that it runs: dig, kdig, curl, openssl, and aioquic's HTTP/3."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from monitor.lab.child import Child, environment, python_module
from monitor.lab.dig import Question, dig_batch
from monitor.lab.network import CLIENT_INTERFACE, Wires
from monitor.lab.programs.certificates import AUTHORITY

CURL_REPORT: Final = "\n%{http_code} %{size_download} %{remote_ip} %{time_total}"
LONG_PROTOCOL_NAME: Final = "x" * 200

STUBBORN: Final = """table inet stubborn {
 chain input {
 type filter hook input priority filter; policy accept;
 tcp sport 443 tcp flags rst drop
 icmp type destination-unreachable drop
 icmpv6 type destination-unreachable drop
 }
}
"""


@dataclass(frozen=True)
class Answer:
    """A resolver's answer: `status` is NOERROR, NXDOMAIN…, or empty if none arrived."""

    status: str
    records: tuple[str, ...]
    port: int
    text: str

    @property
    def good(self) -> bool:
        return self.status == "NOERROR"


@dataclass(frozen=True)
class Transfer:
    """The outcome of a request. `code` is the program's exit code, `port` the client's port."""

    code: int
    status: int
    received: int
    port: int
    remote: str
    seconds: float
    text: str

    @property
    def good(self) -> bool:
        return self.code == 0 and self.status == 200


class Client:
    """One client: its MAC, its addresses (`v4`, `v6`, the privacy address `v6_private`) and its programs.

    Each transfer uses the next of `ports`, so that a capture can be searched for it. Programs that continue in the
    background are added to `children`, and the owner of that list stops them.
    """

    def __init__(self, name: str, wires: Wires, folder: Path, ports: Iterator[int], children: list[Child]) -> None:
        self.name = name
        self.namespace = wires.clients[name]
        self.mac = wires.macs[name]
        self.addresses = addresses = wires.addresses[name]
        self._gateway_mac = wires.gateway_macs[name]
        self.v4 = next(address for address in addresses if ":" not in address)
        self.v6 = next(address for address in addresses if ":" in address)
        self.v6_private = addresses[-1]
        self._folder = folder
        self._ports = ports
        self._children = children

    def dig(
        self,
        name: str,
        type: str = "A",
        *,
        tcp: bool = False,
        server: str = "",
        port: int = 0,
        options: Sequence[str] = (),
    ) -> Answer:
        """Queries `server`, or the resolver in the client's resolv.conf."""
        source = port or next(self._ports)
        chosen = server or self._first_resolver()
        local = self.v6 if ":" in chosen else self.v4
        transport = "+tcp" if tcp else "+notcp"
        asked = [f"@{chosen}", "-b", f"{local}#{source}", name, type, transport, "+tries=1", "+time=3", *options]
        done = self.namespace.run(["dig", *asked])
        return read_answer(done.stdout, source)

    def dig_all(self, questions: Sequence[Question], *, tcp: bool = False, port: int = 0) -> dict[Question, Answer]:
        """Sends many queries in sequence, all from `port`, or each from a new one.

        One dig process is needed for each family and transport, not for each question.
        """
        answers = {question: Answer("", (), port, "") for question in questions}
        for ipv6 in (False, True):
            mine = [question for question in questions if (":" in question[0]) == ipv6]
            options = ["-6" if ipv6 else "-4", "+tcp" if tcp else "+notcp", "+tries=1", "+time=3"]
            if port:
                options += ["-b", f"{self.v6 if ipv6 else self.v4}#{port}"]
            printed = dig_batch(self.namespace, mine, options)
            answers |= {question: read_answer(printed.get(question, ""), port) for question in mine}
        return answers

    def kdig(self, name: str, type: str = "A", *, server: str, options: Sequence[str] = ()) -> Answer:
        """Runs Knot's dig, which also supports DNS over TLS (`options=["+tls"]`)."""
        done = self.namespace.run(["kdig", f"@{server}", name, type, "+retry=0", "+time=3", *options])
        return read_answer(done.stdout, 0)

    def _first_resolver(self) -> str:
        text = Path("/etc/netns", self.namespace.name, "resolv.conf").read_text()
        return text.split()[1]

    def curl(
        self,
        url: str,
        *,
        address: str = "",
        ipv6: bool = False,
        tls: str = "",
        upload: int = 0,
        source: str = "",
        seconds: float = 20.0,
    ) -> Transfer:
        """Fetches `url`. The name is resolved by the lab's DNS unless `address` is given.

        `tls` is `1.2` or `1.3`, empty to negotiate. `upload` posts that many bytes. `source` is one of the client's
        addresses, or `privacy`.
        """
        port = next(self._ports)
        source = self.v6_private if source == "privacy" else source
        arguments = self._curl(url, port, address, ipv6, tls, source)
        arguments += ["--max-time", str(seconds)]
        if upload:
            arguments += ["--data-binary", f"@{self._file(upload)}"]
        done = self.namespace.run(arguments, timeout=seconds + 30)
        return read_transfer(done, port)

    def start_curl(self, url: str, *, address: str = "", ipv6: bool = False) -> tuple[Child, int]:
        """Starts a transfer in the background. Returns the running curl and its port."""
        port = next(self._ports)
        log = self._folder / f"curl-{self.name}-{port}.log"
        child = Child(self.namespace, self._curl(url, port, address, ipv6, "", ""), log)
        self._children.append(child)
        return child, port

    def _curl(self, url: str, port: int, address: str, ipv6: bool, tls: str, source: str) -> list[str]:
        arguments = ["curl", "--silent", "--show-error", "--output", "/dev/null", "--write-out", CURL_REPORT]
        arguments += ["--cacert", str(self._folder / AUTHORITY), "--local-port", str(port), "-6" if ipv6 else "-4"]
        arguments += ["--noproxy", "*"]
        if address:
            target = f"[{address}]" if ":" in address else address
            arguments += ["--connect-to", f"::{target}:"]
        if tls:
            arguments += [f"--tlsv{tls}", "--tls-max", tls]
        if source:
            arguments += ["--interface", source]
        if is_address(url):
            arguments += ["--insecure"]
        return [*arguments, url]

    def quic(
        self,
        name: str,
        address: str,
        *,
        path: str = "/",
        upload: int = 0,
        sni: bool = True,
        seconds: float = 10.0,
    ) -> Transfer:
        """Sends an HTTP/3 request to `address` under `name`; without `sni` the ClientHello contains no name."""
        port = next(self._ports)
        arguments = [*self._quic(name, address, path, port, seconds), "--upload", str(upload)]
        arguments += [] if sni else ["--no-sni"]
        done = self._module("monitor.lab.programs.quic_client", *arguments, timeout=seconds + 30)
        result = json.loads(done.stdout or '{"status": 0, "received": 0}')
        text = done.stderr + str(result.get("error", ""))
        return Transfer(done.returncode, result["status"], result["received"], port, address, 0.0, text)

    def start_quic(self, name: str, address: str, path: str, seconds: float = 60.0) -> tuple[Child, int]:
        """Starts a transfer in the background, over HTTP/3. Returns the running client and its port."""
        port = next(self._ports)
        command = python_module("monitor.lab.programs.quic_client", *self._quic(name, address, path, port, seconds))
        child = Child(self.namespace, command, self._folder / f"quic-{self.name}-{port}.log")
        self._children.append(child)
        return child, port

    def _quic(self, name: str, address: str, path: str, port: int, seconds: float) -> list[str]:
        arguments = [name, address, "--path", path, "--source-port", str(port), "--seconds", str(seconds)]
        return [*arguments, "--authority", str(self._folder / AUTHORITY)]

    def long_hello(self, name: str, address: str, protocols: int = 10) -> Transfer:
        """Performs a TLS handshake. The hello exceeds a full segment: it has `protocols` ALPN names of 200 bytes."""
        port = next(self._ports)
        host = f"[{address}]" if ":" in address else address
        alpn = ",".join(f"{number:02d}{LONG_PROTOCOL_NAME}" for number in range(protocols))
        local = f"[{self.v6}]:{port}" if ":" in address else f"{self.v4}:{port}"
        arguments = ["s_client", "-connect", f"{host}:443", "-bind", local, "-servername", name, "-alpn", alpn]
        request = f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n"
        done = self.namespace.run(["openssl", *arguments, "-ign_eof"], input=request)
        status = 200 if "200 OK" in done.stdout else 0
        return Transfer(done.returncode, status, len(done.stdout), port, address, 0.0, done.stderr)

    def ignore_ends(self) -> None:
        """Drops all packets that would notify this client of a connection's end, from now on."""
        self.namespace.run(["nft", "-f", "-"], input=STUBBORN).check_returncode()

    def dhcp(self, hostname: str) -> str:
        """Sends the host name to the gateway, as a DHCP client that renews its lease does; returns the name."""
        self._module("monitor.lab.programs.dhcp", CLIENT_INTERFACE, self.mac, self.v4, hostname).check_returncode()
        return hostname

    def flood(self, kind: str, packets: int, target: str, rate: int = 0) -> None:
        """Sends `packets` of a flood (see `monitor.lab.programs.flood`) through the gateway."""
        arguments = [kind, CLIENT_INTERFACE, self.mac, self._gateway_mac, self.v4, target]
        arguments += ["--packets", str(packets), "--rate", str(rate)]
        self._module("monitor.lab.programs.flood", *arguments, timeout=120).check_returncode()

    def start_hammer(self, name: str, address: str, *options: str) -> Child:
        """Starts `lab/programs/hammer.py` in the background, which keeps retrying. `hammered` reads its results."""
        command = python_module("monitor.lab.programs.hammer", name, address, *options)
        child = Child(self.namespace, command, self._folder / f"hammer-{self.name}-{len(self._children)}.log")
        self._children.append(child)
        return child

    def _module(self, module: str, *arguments: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        command = self.namespace.command(python_module(module, *arguments))
        return subprocess.run(command, timeout=timeout, capture_output=True, text=True, check=False, env=environment())

    def _file(self, size: int) -> Path:
        path = self._folder / f"upload-{size}"
        if not path.exists():
            path.write_bytes(bytes(size))
        return path


def hammered(child: Child, seconds: float) -> dict[str, int]:
    """Waits for a hammer to end and returns its results: `attempts`, `handshakes` and `received` bytes."""
    assert child.finish(seconds) == 0, child.last_words()
    done: dict[str, int] = json.loads(child.last_words())
    return done


def is_address(url: str) -> bool:
    """Whether the URL's host is an address: curl then sends no name in its hello (RFC 6066 section 3)."""
    host = urlsplit(url).hostname or ""
    return ":" in host or host.replace(".", "").isdigit()


def read_answer(text: str, port: int) -> Answer:
    """Parses the status and the records from the output of dig or kdig."""
    status = ""
    records = []
    section = ""
    for line in text.splitlines():
        if line.startswith(";;"):
            section = line
            if "status:" in line:
                status = line.split("status:")[1].split(";")[0].split(",")[0].strip()
        elif "ANSWER SECTION" in section and line and not line.startswith(";"):
            records.append(" ".join(line.split()))
    return Answer(status, tuple(records), port, text)


def read_transfer(done: subprocess.CompletedProcess[str], port: int) -> Transfer:
    """Parses curl's own report (CURL_REPORT). `port` is the one given to curl: 8.14 reports none on a failure."""
    fields = done.stdout.strip().split(" ")
    remote = fields[2] if len(fields) == 4 else ""
    return Transfer(done.returncode, int(fields[0]), int(fields[1]), port, remote, float(fields[-1]), done.stderr)
