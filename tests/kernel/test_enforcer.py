"""The table on the real kernel: made, changed, found missing, removed; nobody else's state touched."""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cable import FAR_MAC, NEAR_V4, Cable, cable, ip, wait_until
from enforcing import elements, mend, nft, with_enforcer
from tables import COUNTER, LAPTOP, span, table

from monitor.errors import MachineError
from monitor.kernel.nft.enforcer import Enforcer
from monitor.lab.namespace import Namespace
from monitor.policy.table.change import AddElements, DeleteElements
from monitor.policy.table.desired import Desired
from monitor.policy.table.diff import diff

pytestmark = pytest.mark.netns

FOREIGN = "table inet admin {\n chain c {\n type filter hook forward priority 0; policy accept;\n }\n }\n"
BANNED = span("203.0.113.0-203.0.113.127")


@pytest.fixture
def wire() -> Iterator[Cable]:
    with cable() as ends:
        yield ends


def test_a_stop_leaves_nothing_and_touches_nothing(wire: Cable) -> None:
    nft(wire.near, FOREIGN)
    wait_until(lambda: "local fe80:" in rules(wire.near))  # the kernel adds it when nobody else has that address
    before = nft(wire.near, "-a", "list", "ruleset"), links(wire.near), rules(wire.near)

    def work(enforcer: Enforcer) -> None:
        enforcer.start(table(BANNED), ["v0"])
        enforcer.divert(["v0"])
        assert len(nft(wire.near, "list", "tables").split("\n")) == 4
        assert elements(wire.near, "lan") == ["v0"]
        assert elements(wire.near, "net4", "map") == [
            [{"prefix": {"addr": "203.0.113.0", "len": 25}}, {"goto": {"target": "v_acme"}}]
        ]
        assert enforcer.complaints == []

    with_enforcer(wire.near, work)
    assert (nft(wire.near, "-a", "list", "ruleset"), links(wire.near), rules(wire.near)) == before


def links(space: Namespace) -> list[str]:
    return [line.split()[1] for line in space.run(["ip", "-o", "link"]).stdout.splitlines()]


def rules(space: Namespace) -> str:
    return space.run(["sh", "-c", "ip rule; ip -6 rule; ip route show table all; ip -6 route show table all"]).stdout


def test_changes_reach_the_kernel_and_what_it_refuses_is_told(wire: Cable) -> None:
    old = table(BANNED)
    new = table(BANNED, span("198.51.100.1-198.51.100.9"), members=(LAPTOP, bytes(5) + b"\7"), gate="lan")

    def work(enforcer: Enforcer) -> None:
        enforcer.start(old, ["v0"])
        enforcer.apply(diff(new, old))
        assert len(elements(wire.near, "net4", "map")) == 2
        assert elements(wire.near, "g_staff/mac") == ["00:00:00:00:00:07", LAPTOP.hex(":")]
        assert "iifname @lan" in nft(wire.near, "list", "chain", "inet", "gatewatch", "v_acme")
        assert enforcer.complaints == []
        good = span("192.0.2.0-192.0.2.255"), "v_acme"
        bad = span("203.0.113.5-203.0.113.6"), "v_acme"
        enforcer.apply([AddElements("net4", (bad, good)), DeleteElements("g_staff/mac", (bytes(6),))])
        assert len(elements(wire.near, "net4", "map")) == 3
        assert enforcer.elements.refused == {("net4", "EEXIST"): 1}
        assert len(enforcer.complaints) == 1
        assert "net4" in enforcer.complaints[0]
        enforcer.apply(diff(old, new))
        assert len(elements(wire.near, "g_staff/mac")) == 1

    with_enforcer(wire.near, work)


def test_an_earlier_runs_table_is_replaced_without_a_gap(wire: Cable) -> None:
    """A server that both policies ban is refused all the time, while many addresses come and go beside it."""
    ip(f"-n {wire.near.name} route add default via 10.9.0.77 dev v0")
    wire.near.sysctl({"ipv4/ip_forward": 1})
    ip(f"-n {wire.far.name} route add default via {NEAR_V4}")
    many = [(11 << 24) + (number << 8) for number in range(40_000)]
    banned = [start.to_bytes(4, "big") + (start + 127).to_bytes(4, "big") for start in many]
    member = bytes.fromhex(FAR_MAC.replace(":", ""))
    old, new = table(*banned, BANNED, members=(member,)), table(*banned[9:], BANNED, members=(member,))

    def leave() -> None:
        enforcer = Enforcer()
        enforcer.start(old, ["v0"])
        enforcer.close()

    wire.near.inside(leave)
    done = threading.Event()
    tries: list[bool] = []

    def hammer() -> None:
        while not done.is_set():
            with socket.socket() as client:
                client.settimeout(20)
                tries.append(client.connect_ex(("203.0.113.5", 80)) == errno.ECONNREFUSED)

    def work(enforcer: Enforcer) -> None:
        client = threading.Thread(target=wire.far.inside, args=(hammer,))
        client.start()
        enforcer.start(new, ["v0"])
        done.set()
        client.join()
        assert len(elements(wire.near, "net4", "map")) == len(many) - 8
        assert mend(enforcer, new) == ""

    with_enforcer(wire.near, work)
    assert len(tries) > 10
    assert all(tries)
    assert nft(wire.near, "list", "ruleset") == ""


def test_there_is_one_owner(wire: Cable) -> None:
    def second(enforcer: Enforcer) -> None:
        with pytest.raises(MachineError, match="another gatewatch"):
            Enforcer()

    with_enforcer(wire.near, second)
    nft(wire.near, "add table inet gatewatch")

    def foreign(enforcer: Enforcer) -> None:
        with pytest.raises(MachineError, match="is not gatewatch's"):
            enforcer.start(table(), ["v0"])

    with_enforcer(wire.near, foreign)
    assert "gatewatch" in nft(wire.near, "list", "tables")


def test_without_the_privilege_there_is_one_line(wire: Cable) -> None:
    program = (
        "from monitor.errors import MachineError\n"
        "from monitor.kernel.nft.enforcer import Enforcer\n"
        "try:\n    Enforcer()\nexcept MachineError as error:\n    print(error)\n"
    )
    done = wire.near.run(["setpriv", "--bounding-set=-net_admin", sys.executable, "-c", program])
    assert "CAP_NET_ADMIN" in done.stdout, done.stderr
    assert done.stdout.count("\n") == 1


def test_counters_tell_what_was_refused(wire: Cable) -> None:
    ip(f"-n {wire.near.name} route add 203.0.113.0/24 via 10.9.0.77 dev v0")
    wire.near.sysctl({"ipv4/ip_forward": 1})
    ip(f"-n {wire.far.name} route add default via {NEAR_V4}")
    desired = table(BANNED, members=(bytes.fromhex(FAR_MAC.replace(":", "")),))

    def work(enforcer: Enforcer) -> None:
        enforcer.start(desired, ["v0"])
        done = wire.far.run(["curl", "-s", "-m", "3", "http://203.0.113.5/"])
        assert done.returncode == 7
        assert enforcer.counters()[COUNTER][0] == 1
        assert enforcer.counters()[COUNTER][1] >= 40

    with_enforcer(wire.near, work)


DAEMON = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from tables import span, table
from monitor.kernel.nft.enforcer import Enforcer
enforcer = Enforcer()
enforcer.start(table(span("203.0.113.0-203.0.113.127"), members=({member!r},), gate={gate!r}), ["v0"])
print("ready", flush=True)
while True:
    enforcer.renew_alive()
    time.sleep(1)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("gate", ["alive", "lan"])
def test_a_dead_daemon_opens_what_is_not_closed(wire: Cable, end: signal.Signals, gate: str) -> None:
    ip(f"-n {wire.near.name} route add 203.0.113.0/24 via 10.9.0.77 dev v0")
    wire.near.sysctl({"ipv4/ip_forward": 1})
    ip(f"-n {wire.far.name} route add default via {NEAR_V4}")
    member = bytes.fromhex(FAR_MAC.replace(":", ""))
    program = DAEMON.format(tests=str(Path(__file__).parent), member=member, gate=gate)
    process = subprocess.Popen(wire.near.command([sys.executable, "-c", program]), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        wait_until(lambda: is_refused(wire), 60)
        time.sleep(5.5)  # longer than an element lives: the daemon renews it
        assert is_refused(wire)
        os.kill(process.pid, end)
        if gate == "alive":
            began = time.monotonic()
            wait_until(lambda: not is_refused(wire), 60)
            assert time.monotonic() - began > 2
        else:
            time.sleep(5.5)
            assert is_refused(wire)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def is_refused(wire: Cable) -> bool:
    """Whether a banned server answers with a reset at once, instead of not at all."""
    return wire.far.run(["curl", "-s", "-m", "0.3", "http://203.0.113.5/"]).returncode == 7


def test_two_hundred_thousand_load_fast_and_one_more_is_cheap(wire: Cable) -> None:
    many = [(11 << 24) + (number << 8) for number in range(200_000)]
    banned = [start.to_bytes(4, "big") + (start + 127).to_bytes(4, "big") for start in many]
    desired: Desired = table(*banned)

    def work(enforcer: Enforcer) -> None:
        began = time.monotonic()
        enforcer.start(desired, ["v0"])
        loaded = time.monotonic() - began
        times = []
        for number in range(200):
            began = time.monotonic()
            enforcer.learn("v_acme", [bytes((99, 0, 0, number))], 60, b"www.example.com")
            times.append(time.monotonic() - began)
        began = time.monotonic()
        assert mend(enforcer, desired) == ""
        looked = time.monotonic() - began
        print(f"load {loaded:.2f} s, learn {sorted(times)[100] * 1e3:.3f} ms, reconcile {looked * 1e3:.2f} ms")
        assert loaded < 15
        assert sorted(times)[100] < 0.005

    with_enforcer(wire.near, work)
