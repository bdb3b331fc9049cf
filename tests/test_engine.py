"""The engine that the test run asked for is the engine that runs."""

import importlib
import os

from test_floors import CHECKOUT, FLOORS, PURE_FLOORS, compiled, room, sources


def test_the_asked_engine_runs() -> None:
    asked = os.environ.get("GATEWATCH_TEST_ENGINE")
    if asked is None:
        return
    suffix = ".so" if asked == "compiled" else ".py"
    for file in compiled():
        if file.name != "__init__.py":
            name = ".".join(file.relative_to(CHECKOUT).with_suffix("").parts)
            module = importlib.import_module(name)
            assert str(module.__file__).endswith(suffix), f"{name} is not {asked}: {module.__file__}"


def test_the_build_compiles_every_module_of_the_pure_floors() -> None:
    pure = {file for file in sources() if FLOORS.get(room(file), 9) <= PURE_FLOORS}
    assert pure - compiled() == set()
