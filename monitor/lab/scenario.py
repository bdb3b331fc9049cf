"""`gatewatch lab`: builds the lab, lets clients generate traffic, and shows what the daemon recorded."""

import shlex
import signal
import sys
import textwrap
import time
from types import FrameType
from typing import Any, Final, NoReturn

from monitor.errors import EXIT_FINDING, EXIT_OK, MachineError
from monitor.lab.gateway import METRICS, LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.live_ban import AFTER_IT, BAN, UNBAN, UNDER_THE_BAN
from monitor.lab.traffic import ACTS, Act

DEFAULT_SECONDS: Final = 20.0
# The daemon requests conntrack's counters every five seconds.
SETTLE_SECONDS: Final = 5.5
COLUMNS: Final = ("device", "vendor", "service", "evidence", "upload", "download", "flows")


def run(seconds: float = DEFAULT_SECONDS) -> int:
    """Runs the lab for about `seconds`; returns the exit code.

    Ctrl-C and SIGTERM end it early, with the same cleanup.
    """
    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        with Lab() as lab:
            daemon = lab.daemon(configuration(lab))
            say(topology(lab))
            say(where_to_look(lab, daemon))
            play(lab, seconds)
            ban(lab, daemon)
            time.sleep(SETTLE_SECONDS)
            say(verdict(lab, daemon))
    except MachineError as error:
        print(f"gatewatch: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nInterrupted; everything is removed.")
        return EXIT_FINDING
    finally:
        signal.signal(signal.SIGTERM, previous)
    print("\nThe lab is gone: no namespace, process or file of it is left.")
    return EXIT_OK


def interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def configuration(lab: Lab) -> str:
    phone = lab.client("phone")
    interfaces = ", ".join(f'"{lan.interface}"' for lan in lab.plan.lans)
    return f'[capture]\ninterfaces = [{interfaces}]\n\n[[group]]\nname = "phones"\nmembers = ["{phone.mac}"]\n'


def say(lines: list[str]) -> None:
    print("\n".join(lines), flush=True)


def topology(lab: Lab) -> list[str]:
    """Returns the drawing: every client with its addresses, and the network beyond the gateway."""
    lines = [f"The lab {lab.id}: network namespaces of this machine; no packet leaves them.", ""]
    for name, client in lab.clients.items():
        lines.append(f"  {name:8} {client.mac}  {client.v4:15}  {client.v6}")
    wires = " + ".join(lan.interface for lan in lab.plan.lans)
    lines += [
        "     │",
        f"  {wires} [ gateway: gatewatch ] wan0",
        "     │",
        f"  internet: the resolver {', '.join(lab.plan.resolver_addresses())};",
        "            web servers (TLS 1.2, TLS 1.3, HTTP/3) at every address there is",
    ]
    return lines


def where_to_look(lab: Lab, daemon: LabDaemon) -> list[str]:
    inside = f"ip netns exec {lab.gateway.name}"
    phone = lab.client("phone").namespace.name
    return [
        "",
        f"gatewatch runs as process {daemon.child.pid}, using {daemon.resident_bytes() / 1e6:.0f} MB. While it does:",
        f"  its metrics    {inside} curl http://{METRICS}/metrics",
        f"  its events     tail -f {daemon.events}",
        f"  its log        {daemon.log}",
        f"  be the phone   ip netns exec {phone} curl --cacert {lab.folder}/authority.pem https://www.tiktok.com/",
        "",
    ]


def play(lab: Lab, seconds: float) -> None:
    """Repeats the clients' actions for `seconds`, each at least once; prints only the first round."""
    started = time.monotonic()
    perform(lab, ACTS)
    done = len(ACTS)
    while time.monotonic() - started < seconds:
        act = ACTS[done % len(ACTS)]
        act.act(lab.client(act.client))
        done += 1
    if done > len(ACTS):
        print(f"  …and so on for {time.monotonic() - started:.0f} s, {done} acts in all", flush=True)


def perform(lab: Lab, acts: tuple[Act, ...]) -> None:
    for act in acts:
        print(f"  {act.client:7} {act.title}: {act.act(lab.client(act.client))}", flush=True)


def ban(lab: Lab, daemon: LabDaemon) -> None:
    """Bans a vendor for the phone, shows that the ban affects only the phone, and lifts it."""
    order(daemon, BAN)
    perform(lab, UNDER_THE_BAN)
    order(daemon, UNBAN)
    perform(lab, AFTER_IT)


def order(daemon: LabDaemon, words: tuple[str, ...]) -> None:
    done = daemon.run(*words)
    if done.returncode != EXIT_OK:
        raise MachineError(f"lab: gatewatch {words[0]} failed: {done.stderr.strip()}")
    print(f"\nThe administrator types: gatewatch {shlex.join(words)}")
    print(textwrap.indent(done.stdout.rstrip(), "  ") + "\n", flush=True)


def verdict(lab: Lab, daemon: LabDaemon) -> list[str]:
    """Returns the daemon's own figures: vendors, devices, bytes."""
    names = {client.mac: name for name, client in lab.clients.items()}
    rows = sorted(daemon.rows(), key=lambda row: -(row["bytes_up"] + row["bytes_down"]))
    table = [COLUMNS, *(cells(row, names) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(COLUMNS))]
    lines = ["  " + "  ".join(align(cell, width) for cell, width in zip(row, widths, strict=True)) for row in table]
    return ["", "What gatewatch reports:", "", *lines, "", f"It now uses {daemon.resident_bytes() / 1e6:.0f} MB."]


def cells(row: dict[str, Any], names: dict[str, str]) -> tuple[str, ...]:
    device = str(row["device"])
    known = (names.get(device, device), row["vendor"], row["service"], row["evidence"])
    return (*known, f"{row['bytes_up']:,}", f"{row['bytes_down']:,}", f"{row['flows']:,}")


def align(cell: str, width: int) -> str:
    """Aligns numbers to the right, words to the left."""
    return cell.rjust(width) if cell[:1].isdigit() and cell.replace(",", "").isdigit() else cell.ljust(width)
