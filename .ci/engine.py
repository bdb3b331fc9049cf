"""Prints which engine the installed gatewatch runs, and why."""

import shutil
import sysconfig
from pathlib import Path

import monitor.model

compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
if str(monitor.model.__file__).endswith(".so"):
    print(f"engine: compiled (mypyc, {compiler})")
elif not shutil.which(compiler):
    print(f"engine: interpreted (no C compiler {compiler}: install gcc and python3-dev, then make again)")
elif not Path(sysconfig.get_path("include"), "Python.h").exists():
    print("engine: interpreted (no Python headers: install python3-dev, then make again)")
else:
    print("engine: interpreted (asked for by GATEWATCH_ENGINE)")
