"""Creates the pictures of README and docs/ from the lab: `pictures.py`, as root.

Builds the lab, bans a vendor for one of its clients, lets the clients generate traffic, and writes what an
administrator sees to `docs/images/`: the output of commands as text, such as `status.txt`, and `status-page.png`, the
page in Chromium.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from monitor.errors import MachineError
from monitor.lab.client import Client
from monitor.lab.gateway import METRICS, LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.zone import NAMELESS_V4

CHECKOUT = Path(__file__).resolve().parents[1]
# A shared address of another site, where only the ClientHello identifies a banned name.
SHARED_V4 = "203.0.113.80"
WINDOW = "1100,1110"
# Replaces the path of the lab's own file in the output, which differs between runs.
USUAL_CONFIGURATION = "/etc/gatewatch/gatewatch.toml"
# Sets the host name, which the page shows.
NAMED = ("unshare", "--uts", "sh", "-c", 'hostname gateway && exec "$@"', "sh")
BAN = ("ban", "bytedance", "--group", "students", "--reason", "School rules, section 4")
# The commands run after the traffic, by the name of the file for their output.
COMMANDS = {
    "status": ("status",),
    "devices": ("devices",),
    "why": ("why", "www.tiktok.com", "--device", "anns-phone"),
    "doctor": ("doctor", "--enforcement"),
}
CONFIGURATION = """\
[capture]
interfaces = ["br-lan"]

[[group]]
name = "students"
members = ["{mac}"]

[[ban]]
vendors = ["meta"]
groups = ["students"]
mode = "shadow"
reason = "A trial"
"""


def act(phone: Client, laptop: Client) -> None:
    """Generates traffic of several vendors, allowed and banned."""
    phone.dig("www.tiktok.com")
    phone.curl("https://www.tiktok.com/", address=SHARED_V4, seconds=5)
    phone.curl(f"https://{NAMELESS_V4}/", seconds=5)
    phone.curl("https://web.telegram.org/")
    laptop.curl("https://www.tiktok.com/bytes/400000")
    laptop.curl("https://www.youtube.com/bytes/900000", upload=50_000)
    laptop.curl("https://web.telegram.org/bytes/60000")


def photograph(lab: Lab, path: Path) -> None:
    """Takes a screenshot of the status page in a browser on the gateway."""
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking")
    target = (f"--window-size={WINDOW}", f"--user-data-dir={lab.folder / 'browser'}", f"--screenshot={path}")
    done = subprocess.run(
        lab.gateway.command(["chromium", *flags, *target, f"http://{METRICS}/"]), capture_output=True, check=False
    )
    if done.returncode or not path.exists():
        raise MachineError("chromium made no picture of the status page")


def make(folder: Path) -> str:
    """Writes the pictures and returns the output of all commands."""
    with Lab() as lab:
        phone, laptop = lab.client("phone"), lab.client("laptop")
        daemon = lab.daemon(CONFIGURATION.format(mac=phone.mac), through=NAMED)
        phone.dhcp("anns-phone")
        ban(daemon)
        act(phone, laptop)
        daemon.wait_for("counted the transfers", lambda: daemon.metric("flow_bytes_total", vendor="google") > 900_000)
        daemon.wait_for("cut a flow", lambda: daemon.metric("killed_flows_total", vendor="bytedance") > 0)
        for name, words in COMMANDS.items():
            text = daemon.run(*words).stdout.replace(str(daemon.configuration), USUAL_CONFIGURATION)
            (folder / f"{name}.txt").write_text(text)
        photograph(lab, folder / "status-page.png")
    return "\n".join((folder / f"{name}.txt").read_text() for name in COMMANDS)


def ban(daemon: LabDaemon) -> None:
    done = daemon.run(*BAN)
    if done.returncode:
        raise MachineError(f"the daemon refused the ban: {done.stderr.strip()}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=CHECKOUT / "docs" / "images", help="where to write them")
    folder = parser.parse_args().folder
    if shutil.which("chromium") is None:
        print("pictures.py: chromium is missing: apt install chromium", file=sys.stderr)
        return 3
    folder.mkdir(parents=True, exist_ok=True)
    try:
        print(make(folder), end="")
    except MachineError as error:
        print(f"pictures.py: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
