"""Runs `chrome.py` as a client of the lab."""

import json
import sys
from itertools import count
from pathlib import Path

from monitor.lab.client import Transfer
from monitor.lab.lab import Lab
from monitor.lab.programs.certificates import AUTHORITY

PROGRAM = Path(__file__).with_name("chrome.py")
# Above those that the lab's own programs use, below those that the kernel picks.
PORTS = count(30_000)
# CURL_HTTP_VERSION_1_1, _2 and _3.
VERSIONS = {2: "HTTP/1.1", 3: "HTTP/2", 30: "HTTP/3"}


def browse(
    lab: Lab, who: str, url: str, address: str, *, http3: bool = False, ech: str = "", seconds: float = 10.0
) -> Transfer:
    """What became of it; `text` is curl's error, else HTTP's version. `port` is that of TCP and of QUIC."""
    client, port = lab.client(who), next(PORTS)
    arguments = [sys.executable, "-P", str(PROGRAM), url, "--address", address, "--source-port", str(port)]
    arguments += ["--authority", str(lab.folder / AUTHORITY), "--seconds", str(seconds)]
    arguments += ["--http3"] if http3 else []
    arguments += ["--ech", ech] if ech else []
    done = client.namespace.run(arguments, timeout=seconds + 10)
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    text = told["error"] or VERSIONS[told["version"]]
    return Transfer(told["code"], told["status"], told["received"], port, address, told["seconds"], text)
