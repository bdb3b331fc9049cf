"""Checks the requirements of a lab on the machine; a missing one is a one-line error."""

import importlib.util
import os
import shutil
from typing import Final

from monitor.errors import MachineError

# Each tool, with the Debian package that contains it.
TOOLS: Final = {
    "ip": "iproute2",
    "nft": "nftables",
    "tcpdump": "tcpdump",
    "dig": "bind9-dnsutils",
    "kdig": "knot-dnsutils",
    "curl": "curl",
    "openssl": "openssl",
}
PACKAGES: Final = ("aioquic", "dnslib", "pyroute2", "scapy", "trustme")


def require() -> None:
    """Raises `MachineError` unless a lab can be built on this machine."""
    if os.geteuid() != 0:
        raise MachineError("lab: network namespaces need root; run it with sudo")
    tools = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if tools:
        raise MachineError(f"lab: missing programs; install them with: apt install {' '.join(tools)}")
    packages = [package for package in PACKAGES if importlib.util.find_spec(package) is None]
    if packages:
        raise MachineError(f"lab: missing Python packages: {', '.join(packages)}; install gatewatch[lab]")
