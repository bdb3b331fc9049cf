"""An enforcer in a namespace, and what the kernel says of its table."""

import json
from collections.abc import Callable

from monitor.kernel.nft.enforcer import Enforcer
from monitor.lab.namespace import Namespace
from monitor.policy.table.desired import Desired


def nft(space: Namespace, *words: str) -> str:
    done = space.run(["nft", *words])
    assert done.returncode == 0, done.stderr
    return done.stdout


def elements(space: Namespace, name: str, kind: str = "set") -> list[object]:
    found = json.loads(nft(space, "-j", "list", kind, "inet", "gatewatch", name))["nftables"]
    return next(iter(item[kind].get("elem", []) for item in found if kind in item))


def with_enforcer(space: Namespace, work: Callable[[Enforcer], None]) -> None:
    """Sockets belong to the namespace of the thread that opens them: everything happens in one."""

    def run() -> None:
        enforcer = Enforcer()
        try:
            work(enforcer)
        finally:
            enforcer.stop()

    space.inside(run)


def mend(enforcer: Enforcer, desired: Desired) -> str:
    """What was wrong, and all that was to be done about it."""
    repair = enforcer.reconcile(desired)
    enforcer.apply(repair.changes)
    return repair.fault
