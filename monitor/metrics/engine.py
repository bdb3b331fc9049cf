"""Which build runs: version and engine, for `build_info`."""

from importlib.metadata import PackageNotFoundError, version

import monitor.model
from monitor.model import Samples


def engine() -> str:
    """`compiled` if the core was built by mypyc, else `interpreted`: the same files either way."""
    return "compiled" if str(monitor.model.__file__).endswith(".so") else "interpreted"


def package_version() -> str:
    """The installed version; `0` in a checkout that is not installed."""
    try:
        return version("gatewatch")
    except PackageNotFoundError:
        return "0"


def build_samples() -> Samples:
    return {"build_info": {(package_version(), engine()): 1.0}}
