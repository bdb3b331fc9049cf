"""Races of the kernel's table with what else happens, without privileges: the enforcer is one over the fake kernel."""

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "policy"))

from fake_kernel import FakeKernel

from monitor.daemon.backlog import Backlog
from monitor.kernel.damage import Repair
from monitor.policy.change import AddElements, Change
from monitor.policy.desired import IPV4_KEY, Desired, SetSpec
from monitor.policy.diff import diff
from monitor.policy.portions import ELEMENTS_MAX

EMPTY = Desired({"net4": SetSpec(IPV4_KEY)}, {}, {}, {"net4": {}})


class FakeEnforcer:
    """As much of an enforcer as changes of the table need."""

    def __init__(self) -> None:
        self.kernel: FakeKernel | None = FakeKernel(EMPTY)
        self.complaints: list[str] = []
        self.elements = SimpleNamespace(specs=EMPTY.sets)

    def is_there(self) -> bool:
        return self.kernel is not None

    def apply(self, changes: Any) -> None:
        if self.kernel is not None:
            self.kernel.apply(changes)

    def reconcile(self, desired: Desired) -> Repair:
        if self.kernel is not None:
            return Repair("", ())
        self.kernel = FakeKernel(EMPTY)
        return Repair("removed", diff(desired, EMPTY))


def wanted(count: int) -> Desired:
    return Desired(EMPTY.sets, {}, {}, {"net4": {number.to_bytes(4, "big"): "" for number in range(count)}})


def test_a_table_that_goes_while_changes_wait_comes_back_whole() -> None:
    async def run() -> None:
        enforcer, desired = FakeEnforcer(), wanted(20 * ELEMENTS_MAX)

        def perform(changes: Any) -> None:
            if enforcer.is_there():
                enforcer.apply(changes)

        backlog = Backlog(asyncio.get_running_loop(), perform)
        backlog.add(diff(desired, EMPTY), 0.0)
        assert backlog
        enforcer.kernel = None
        await backlog.done()
        backlog.add(enforcer.reconcile(desired).changes, 0.0)
        await backlog.done()
        assert enforcer.kernel is not None
        assert enforcer.kernel.elements["net4"] == desired.elements["net4"]

    asyncio.run(run())


def test_what_stands_between_two_halves_is_done_between_them_however_many_parts_it_has() -> None:
    async def run() -> None:
        done: list[str] = []
        backlog = Backlog(asyncio.get_running_loop(), lambda changes: done.append(changes[0].set))
        changes: list[Change] = [AddElements(name, ((bytes(4), ""),)) for name in ("put", "take")]

        def restore() -> None:
            done.append("restored")
            if done.count("restored") < 3:
                backlog.next(restore)

        backlog.add(changes[:1], 0.0)
        backlog.then(restore)
        backlog.add(changes[1:], 0.0)
        await backlog.done()
        assert done == ["put", "restored", "restored", "restored", "take"]

    asyncio.run(run())
