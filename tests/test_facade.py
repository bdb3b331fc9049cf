"""The gateway's façade: above `core`, the state machine is used through its methods, and its parts stay inside.

`test_no_room_above_core_reaches_into_the_gateway` reads the sources: on an expression that ends in `gateway`, only the
public methods and properties of `Gateway` are used, none is assigned, and what `policy` and `enforcement` return is
read only.
"""

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from test_floors import CHECKOUT, FLOORS, PACKAGE, room, sources

from monitor.core.gateway import Gateway
from monitor.core.settings import EnforcementState

CORE = FLOORS["core"]
PUBLIC = {name for name in dir(Gateway) if not name.startswith("_")}
# What changes a policy: above the core, `Gateway.govern` and `Gateway.move_ends` do.
CHANGES = {"take_ends", "pause"}
PARTS = {"judge", "diary", "usage", "proof", "watching", "kills", "sayings", "ledger"}


def is_gateway(node: ast.expr) -> bool:
    """Whether the expression is a gateway by name: `gateway`, `self._gateway`, `daemon.gateway`."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name.lstrip("_") == "gateway"


def is_shown(node: ast.expr) -> bool:
    """Whether the expression is something that a gateway returns by property."""
    return isinstance(node, ast.Attribute) and is_gateway(node.value)


def leaks(source: str) -> Iterator[str]:
    """What of the source reaches behind the façade, as line and attribute."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Attribute):
            continue
        written = not isinstance(node.ctx, ast.Load)
        if node.attr in CHANGES and ast.unparse(node.value).endswith("policy"):
            yield f"{node.lineno} {ast.unparse(node)}"
        if is_gateway(node.value) and node.attr not in PUBLIC | {"gateway"}:
            yield f"{node.lineno} {ast.unparse(node)}"
        elif written and (is_gateway(node.value) or is_shown(node.value)):
            yield f"{node.lineno} {ast.unparse(node)} is assigned"


def test_no_room_above_core_reaches_into_the_gateway() -> None:
    above = [file for file in sources() if FLOORS.get(room(file), 0) > CORE and room(file) != "lab"]
    assert any(room(file) == "daemon" for file in above)
    found = [f"{file.relative_to(CHECKOUT)}:{leak}" for file in above for leak in leaks(file.read_text())]
    assert found == []


def test_the_gateway_shows_none_of_its_parts() -> None:
    assert not PUBLIC & PARTS
    source = ast.parse((PACKAGE / "core" / "gateway.py").read_text())
    slots = [
        node.value for node in ast.walk(source) if isinstance(node, ast.Assign) and "__slots__" in ast.unparse(node)
    ]
    assert len(slots) == 1
    assert [name for name in ast.literal_eval(slots[0]) if not name.startswith("_")] == []


@pytest.mark.parametrize(
    "line",
    ["gateway.judge.policy", "self._gateway.diary.take(1)", "daemon.gateway._table", "gateway.policy.bans = ()",
     "policy.take_ends((), (), 0.0)", "self.gateway.policy.pause(1.0)",
     "self._gateway.enforcement.armed = True", "gateway.enforcement = state"],
)  # fmt: skip
def test_a_leak_is_found(line: str) -> None:
    assert list(leaks(line))


def test_the_state_of_enforcement_is_frozen() -> None:
    state = EnforcementState()
    for field in fields(state):
        with pytest.raises(AttributeError):
            setattr(state, field.name, None)


def test_the_files_are_found() -> None:
    assert (CHECKOUT / "monitor" / "enforcement" / "controller.py") in sources()
    assert Path(__file__).parent == CHECKOUT / "tests"
