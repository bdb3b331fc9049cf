"""The floors and the purity that `monitor/__init__.py` promises, read from the imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import monitor

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = CHECKOUT / "monitor"

FLOORS = {
    "model": 0, "histogram": 0, "limits": 0, "errors": 0, "units": 0,
    "wire": 1, "catalog": 1,
    "attribution": 2,
    "policy": 3,
    "core": 4,
    "log": 5, "periodic": 5,
    "capture": 6, "kernel": 6, "sinkhole": 6, "metrics": 6, "events": 6, "lists": 6,
    "journal": 6, "web": 6,
    # The map's floor 6, in its order.
    "config": 7, "lan": 8, "selftest": 9, "enforcement": 10, "daemon": 11, "control": 12, "doctor": 13, "lab": 14,
    "cli": 15,
}  # fmt: skip
PURE_FLOORS = 4
STRANGERS = {"wire", "catalog", "capture", "kernel", "sinkhole", "metrics", "events", "lists", "journal", "web"}
IMPURE = {
    "asyncio", "datetime", "io", "logging", "mmap", "multiprocessing", "os", "pathlib", "queue", "random", "select",
    "selectors", "shutil", "signal", "socket", "subprocess", "sys", "tempfile", "threading", "time",
}  # fmt: skip


LINES_MAX = 300
# Files that are still to be split.
LONG = dict.fromkeys(
    ("attribution/devices.py", "core/gateway.py", "core/verdict/flow_judge.py", "model.py", "wire/tcp/streams.py"), 400
)


def compiled() -> set[Path]:
    """What `COMPILED` of `setup.py` matches."""
    found = [
        ast.literal_eval(node.value)
        for node in ast.parse((CHECKOUT / "setup.py").read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COMPILED"
    ]
    return {file for pattern in found[0] for file in PACKAGE.glob(pattern)}


def test_every_pattern_of_what_is_compiled_matches() -> None:
    assert {room(file) for file in compiled()} == {name for name, floor in FLOORS.items() if floor <= PURE_FLOORS}


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def climbs(file: Path) -> Iterator[str]:
    here = room(file)
    for line, name in imports(file):
        parts = name.split(".")
        if parts[0] != "monitor" or len(parts) < 2 or parts[1] not in FLOORS or here not in FLOORS:
            continue
        there = parts[1]
        stranger = FLOORS[there] == FLOORS[here] and here in STRANGERS and there in STRANGERS
        if there != here and (FLOORS[there] > FLOORS[here] or stranger):
            yield f"{file.relative_to(CHECKOUT)}:{line} {here} (floor {FLOORS[here]}) imports {name}"


def test_every_room_has_a_floor() -> None:
    assert {room(file) for file in sources()} - {"__init__", "__main__"} <= set(FLOORS)


def test_nobody_imports_upwards_or_a_stranger() -> None:
    assert [line for file in sources() for line in climbs(file)] == []


def test_floors_0_to_4_have_no_clock_no_files_and_no_threads() -> None:
    pure = sorted({file for file in sources() if FLOORS.get(room(file), 9) <= PURE_FLOORS} | compiled())
    dirty = [
        f"{file.relative_to(CHECKOUT)}:{line} {name}"
        for file in pure
        for line, name in imports(file)
        if name.split(".")[0] in IMPURE
    ]
    opened = [
        f"{file.relative_to(CHECKOUT)}:{node.lineno} calls {node.func.id}"
        for file in pure
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"open", "print", "input"}
    ]
    assert dirty + opened == []


def test_import_cycles_do_not_exist() -> None:
    names = {".".join(file.relative_to(CHECKOUT).with_suffix("").parts): file for file in sources()}
    edges = {
        name: {
            target
            for _, imported in imports(file)
            for target in (imported, imported.rpartition(".")[0])
            if target in names and target != name
        }
        for name, file in names.items()
    }
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for target in sorted(edges[name]):
                walk(target, (*path, name))
            done.add(name)

    for name in sorted(names):
        walk(name, ())


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_files_and_functions_stay_short(file: Path) -> None:
    text = file.read_text()
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= 70
    ]
    assert text.count("\n") <= LONG.get(str(file.relative_to(PACKAGE)), LINES_MAX)
    assert long == []


def test_no_two_classes_have_one_name() -> None:
    places: dict[str, list[str]] = {}
    for file in sources():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(str(file.relative_to(PACKAGE)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_no_folder_is_too_large_to_be_read() -> None:
    """The vendors' lists and the captures of tests are data: a file each."""
    data = {CHECKOUT / "blocklists" / "vendors", CHECKOUT / "tests" / "vectors" / "wire"}
    tops = [CHECKOUT / name for name in ("monitor", "tests", "bench", "docs", "grafana", "systemd", "blocklists")]
    counted = {
        folder: sum(1 for file in folder.iterdir() if file.is_file())
        for top in tops
        for folder in (top, *(path for path in top.rglob("*") if path.is_dir()))
        if folder not in data and folder.name != "__pycache__"
    }
    assert {str(folder.relative_to(CHECKOUT)): files for folder, files in counted.items() if files > 22} == {}


def test_packages_hold_only_a_docstring() -> None:
    for file in PACKAGE.rglob("__init__.py"):
        body = ast.parse(file.read_text()).body
        assert len(body) <= 1, file
        assert all(isinstance(node, ast.Expr) for node in body), file


def test_the_map_names_every_room_and_every_invariant_has_its_test() -> None:
    text = monitor.__doc__ or ""
    for name in {room(file) for file in sources()} - {"__init__", "__main__"}:
        assert name in text, f"the map does not name {name}"
    for reference in [word.strip("`,.;") for word in text.split() if word.startswith("`tests/")]:
        file, _, function = reference.partition("::")
        assert (CHECKOUT / file).exists(), reference
        assert not function or f"def {function}(" in (CHECKOUT / file).read_text(), reference
