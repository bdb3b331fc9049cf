"""Measures a large policy in the real daemon: a thousand bans, 10,000 devices, 200,000 banned prefixes.

    python bench/policy.py [--bans N] [--devices N] [--prefixes N] [--realtime]

Needs root. The lab's daemon runs with one ban, then all of the above is added to the configuration and reloaded, while
a client keeps trying to reach what the one ban refuses. Prints the time until the kernel holds everything, the requests
that passed meanwhile, and the longest stall of the loop. After a minute, when that stall is no longer reported, the
benchmark deletes the table and prints the time until it is restored, and the longest stall for that. Finally it
measures, on a second table of the same size, the cost of one more element.
"""

import argparse
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import monitor.model
from monitor.config.parse import load
from monitor.config.policy import build_policy, configured_standing
from monitor.config.settings import core_settings, user_lists
from monitor.errors import MachineError
from monitor.kernel.nft.enforcer import Enforcer
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.zone import NAMELESS_V4
from monitor.lists.loader import load_catalogue
from monitor.policy.groups import Groups
from monitor.policy.table.change import AddElements
from monitor.policy.table.desired import Desired
from monitor.policy.table.members import Members
from monitor.policy.table.owned_prefixes import OwnedPrefixes
from monitor.policy.table.planner import plan_table
from monitor.policy.table.rules import DiversionRules

PATIENCE_SECONDS = 180.0
REALTIME = ("chrt", "-f", "1")
GROUPS = 100
LOAD_SECONDS, LEARNED_MS, PREFIX_MS = 5.0, 1.0, 100.0
QUIET_SECONDS = 0.05
CLASSES = 300
MEGABYTES, CLASSES_SECONDS, STALL_SECONDS = 150.0, 10.0, 0.25
VENDORS = (
    "bytedance", "meta", "snap", "discord", "reddit", "roblox", "netflix", "spotify", "x-twitter", "telegram",
    "epicgames", "valve-steam", "pinterest", "openai", "kuaishou", "tencent", "shein", "pdd-temu", "amazon", "google",
)  # fmt: skip


def configuration(lab: Lab, folder: Path, bans: int, devices: int, prefixes: int) -> str:
    """Returns the one ban plus the requested number of bans: each of a separate vendor, for one of a hundred groups."""
    parts = [
        '[capture]\ninterfaces = ["br-lan"]\n',
        f'[[group]]\nname = "phones"\nmembers = ["{lab.client("phone").mac}"]\n',
        '[[ban]]\nvendors = ["bytedance"]\ngroups = ["phones"]\nmode = "enforce"\n',
    ]
    for group in range(GROUPS if bans else 0):
        macs = [f'"02:10:00:00:{number >> 8:02x}:{number & 255:02x}"' for number in range(group, devices, GROUPS)]
        parts.append(f'[[group]]\nname = "g{group}"\nmembers = [{", ".join(macs)}]\n')
    for number in range(bans):
        file = folder / f"vendor-{number}"
        starts = [(20 << 24) + (at << 8) for at in range(number, prefixes, bans)]
        file.write_text("".join(f"{at >> 24}.{at >> 16 & 255}.{at >> 8 & 255}.0/25\n" for at in starts))
        parts.append(f'[[list]]\nname = "l{number}"\nurl = "{file}"\nformat = "cidr"\nvendor = "v{number}"\n')
        parts.append(f'[[ban]]\nvendors = ["v{number}"]\ngroups = ["g{number % GROUPS}"]\nmode = "enforce"\n')
    return "".join(parts)


def hammer(lab: Lab, until: threading.Event) -> tuple[int, int]:
    """Returns how often the banned address was tried, and how often it was reached."""
    phone = lab.client("phone")
    tried = reached = 0
    while not until.is_set():
        tried += 1
        reached += phone.curl(f"https://{NAMELESS_V4}/", seconds=2).status == 200
    return tried, reached


def held(lab: Lab, daemon: LabDaemon) -> bool:
    return daemon.metric("ban_info") > 1 and daemon.metric("kernel_pending_changes") == 0


def reload(lab: Lab, daemon: LabDaemon, text: str) -> bool:
    ended = threading.Event()
    results: list[tuple[int, int]] = []
    thread = threading.Thread(target=lambda: results.append(hammer(lab, ended)))
    thread.start()
    daemon.configure(text)
    began = time.monotonic()
    daemon.reload()
    daemon.wait_for("loaded it all", lambda: held(lab, daemon), PATIENCE_SECONDS)
    whole = time.monotonic() - began
    ended.set()
    thread.join()
    (tried, reached), seconds = results[0], daemon.metric("kernel_load_seconds")
    stalled, failed = daemon.metric("loop_stall_seconds"), daemon.metric("kernel_refused_elements_total")
    print(
        f"reloaded within {whole:.1f} s, lists included; in the kernel {seconds:.2f} s after they were read; "
        f"the loop stood still for {stalled * 1000:.0f} ms at most; "
        f"a banned address was tried {tried} times meanwhile and reached {reached} times; {failed:.0f} elements refused"
    )
    return seconds < LOAD_SECONDS and not reached and not failed


def mend(daemon: LabDaemon, lab: Lab) -> bool:
    daemon.wait_for("forgot it", lambda: daemon.metric("loop_stall_seconds") < QUIET_SECONDS, PATIENCE_SECONDS)
    repairs = daemon.metric("kernel_repairs_total", result="ok")
    began = time.monotonic()
    lab.gateway.run(["nft", "delete table inet gatewatch"]).check_returncode()
    daemon.wait_for("mended", lambda: daemon.metric("kernel_repairs_total", result="ok") > repairs, PATIENCE_SECONDS)
    whole, failed = time.monotonic() - began, daemon.metric("kernel_refused_elements_total")
    stalled = daemon.metric("loop_stall_seconds")
    print(
        f"deleted, and put back whole within {whole:.1f} s; the loop stood still for {stalled * 1000:.0f} ms at most; "
        f"{failed:.0f} elements refused"
    )
    return whole < LOAD_SECONDS + 1


def classes() -> tuple[list[str], str]:
    """Returns the names of many groups, and their configuration: classes of a school, each with a prefix."""
    words = [f"class-{number:03}" for number in range(CLASSES)]
    parts = ['[capture]\ninterfaces = ["br-lan"]\n']
    for number, word in enumerate(words):
        parts.append(f'[[group]]\nname = "{word}"\nmembers = ["10.{number // 250}.{number % 250}.0/24"]\n')
    return words, "".join(parts)


def ban_of(words: list[str]) -> str:
    vendors, groups = ", ".join(f'"{name}"' for name in VENDORS), ", ".join(f'"{word}"' for word in words)
    return f'[[ban]]\nvendors = [{vendors}]\ngroups = [{groups}]\nmode = "enforce"\n'


def load_classes(daemon: LabDaemon, text: str, what: str) -> bool:
    """Reloads, and prints the time until everything is in force, the longest stall of the loop, and the memory."""
    daemon.configure(text)
    began = time.monotonic()
    daemon.reload()
    daemon.wait_for(what, lambda: daemon.metric("ban_info") > CLASSES, PATIENCE_SECONDS)
    daemon.wait_for("all", lambda: daemon.metric("kernel_pending_changes") == 0, PATIENCE_SECONDS)
    seconds, megabytes = time.monotonic() - began, daemon.resident_bytes() / 1e6
    stalled, series = daemon.metric("loop_stall_seconds"), max(map(len, daemon.metrics().values()))
    print(
        f"{what}: in force within {seconds:.1f} s, {megabytes:.0f} MB, "
        f"the loop stood still for {stalled * 1000:.0f} ms at most, {series:,} series in the largest family"
    )
    return megabytes < MEGABYTES and seconds < CLASSES_SECONDS and stalled < STALL_SECONDS


def many_groups(daemon: LabDaemon) -> bool:
    """Measures all groups under one ban of many vendors."""
    words, groups = classes()
    return load_classes(daemon, groups + ban_of(words), f"{CLASSES} groups under a ban of {len(VENDORS)} vendors")


def many_bans(daemon: LabDaemon) -> bool:
    """Measures each group under its own ban of many vendors."""
    words, groups = classes()
    text = groups + "".join([ban_of([word]) for word in words])
    return load_classes(daemon, text, f"{CLASSES} bans of {len(VENDORS)} vendors, each of one group")


def planned(file: Path) -> Desired:
    config = load(str(file))
    index = load_catalogue(user_lists(config)).index
    settings = core_settings(config, "packets", ("lo",), None, frozenset(), None, bytes(32))
    policy = build_policy(config, configured_standing(config, index))
    members = Members(Groups(settings.groups, settings.interfaces))
    territory = OwnedPrefixes(index, settings.nat64, settings.local)
    return plan_table(policy, members, territory, index.vendors(), ("lo",), DiversionRules(armed=True), time.time())


def timed(label: str, rounds: int, act: Callable[[int], None], most_ms: float) -> bool:
    times = []
    for number in range(rounds):
        began = time.perf_counter()
        act(number)
        times.append((time.perf_counter() - began) * 1000)
    median = statistics.median(times)
    good = median < most_ms
    print(f"{label:22} median {median:7.3f} ms, longest {max(times):7.3f} ms{'' if good else '  NOT good'}")
    return good


def between(at: int, prefixes: int) -> bytes:
    """Returns an unused interval between two existing ones."""
    first = (20 << 24) + ((at * 9_973 % prefixes) << 8) + 160
    return first.to_bytes(4, "big") + (first + 31).to_bytes(4, "big")


def one_more(lab: Lab, desired: Desired, prefixes: int) -> bool:
    enforcer = lab.internet.inside(Enforcer)
    try:
        began = time.monotonic()
        enforcer.start(desired, ["lo"])
        count = sum(map(len, desired.elements.values()))
        print(f"all at once, {count:,} elements: {time.monotonic() - began:.2f} s")
        device, learned = bytes((2, 16, 0, 1, 0)), bytes((198, 18, 0))
        return all(
            [
                timed("one device more", 200, lambda at: enforcer.apply(
                    [AddElements("g_g0/mac", ((device + bytes((at,)), ""),))]), LEARNED_MS),
                timed("one learned address", 200, lambda at: enforcer.learn(
                    "v_v0", [learned + bytes((at,))], 60, b"www.example.com"), LEARNED_MS),
                timed("one static prefix", 20, lambda at: enforcer.apply(
                    [AddElements("net4", ((between(at, prefixes), "v_v0"),))]), PREFIX_MS),
            ]
        )  # fmt: skip
    finally:
        enforcer.stop()


def run(bans: int, devices: int, prefixes: int, realtime: bool) -> int:
    print("engine:", "interpreted" if monitor.model.__file__.endswith(".py") else "compiled")
    with Lab() as lab:
        daemon = lab.daemon(configuration(lab, lab.folder, 0, 0, 0), through=REALTIME if realtime else ())
        text = configuration(lab, lab.folder, bans, devices, prefixes)
        good = reload(lab, daemon, text)
        good = mend(daemon, lab) and good
        desired = planned(daemon.configuration)
        daemon.stop()
        for measure in (many_groups, many_bans):
            school = lab.daemon('[capture]\ninterfaces = ["br-lan"]\n', through=REALTIME if realtime else ())
            good = measure(school) and good
            school.stop()
        if realtime:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        good = one_more(lab, desired, prefixes) and good
    return 0 if good else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bans", type=int, default=1_000)
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--prefixes", type=int, default=200_000)
    parser.add_argument("--realtime", action="store_true", help="go before all other work of the machine")
    options = parser.parse_args()
    try:
        return run(options.bans, options.devices, options.prefixes, options.realtime)
    except MachineError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
