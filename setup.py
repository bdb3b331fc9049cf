"""Compiles floors 0 to 4 with mypyc where a C compiler is; the metadata is in pyproject.toml.

`GATEWATCH_ENGINE=interpreted` builds the same files without compiling them.
"""

import os
import shutil
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_py import build_py

# Patterns below `monitor/`. What they match is pure (`tests/test_floors.py`), in whichever room it is.
COMPILED = (
    "model.py",
    "histogram.py",
    "limits.py",
    "errors.py",
    "units.py",
    "core/**/*.py",
    "wire/**/*.py",
    "catalog/**/*.py",
    "attribution/**/*.py",
    "policy/**/*.py",
)


def core_sources() -> list[str]:
    """Every module that `COMPILED` matches, except the packages' own `__init__.py`, which only hold a docstring."""
    files = {file for pattern in COMPILED for file in Path("monitor").glob(pattern)}
    return sorted(str(file) for file in files if file.name != "__init__.py")


def extensions() -> list[Extension]:
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    headers = Path(sysconfig.get_path("include"), "Python.h")
    if os.environ.get("GATEWATCH_ENGINE") == "interpreted" or not shutil.which(compiler) or not headers.exists():
        return []
    from mypyc.build import mypycify

    return mypycify([*core_sources(), "--strict"], opt_level="3", debug_level="0", multi_file=True)


class BuildWithLists(build_py):
    """Puts the shipped vendor lists into the package, beside the code that reads them."""

    def run(self) -> None:
        super().run()
        target = Path(self.build_lib, "monitor", "blocklists")
        shutil.copytree("blocklists", target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("pipeline"))


setup(ext_modules=extensions(), cmdclass={"build_py": BuildWithLists})
