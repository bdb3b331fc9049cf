"""Returns the version and the engine of this build, for `build_info`."""

from importlib.metadata import PackageNotFoundError, version

import monitor.model
from monitor.model import Samples


def engine() -> str:
    """Returns `compiled` if mypyc built the core, else `interpreted`. Both engines run the same source files."""
    return "compiled" if str(monitor.model.__file__).endswith(".so") else "interpreted"


def package_version() -> str:
    """Returns the installed version; `0` in a checkout that is not installed."""
    try:
        return version("gatewatch")
    except PackageNotFoundError:
        return "0"


def build_samples() -> Samples:
    return {"build_info": {(package_version(), engine()): 1.0}}
