"""The overrides ("orders") given at run time, and the file that keeps them over a restart.

The file is `orders.json` in the state directory, replaced atomically. A damaged file is renamed, and the configuration
alone applies. If the file cannot be written, the failure is logged and the orders hold until a restart.
"""

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from monitor.config.subjects import name, target, word
from monitor.errors import UsageError
from monitor.lists.copies import adopt
from monitor.policy.ban import ENFORCE, LAYERS, MODES
from monitor.policy.overrides import (
    ALLOW,
    BAN,
    PAUSE,
    RESUME,
    UNBAN,
    VERBS,
    EffectivePolicy,
    Override,
    effective,
    live_orders,
    next_expiry,
    with_order,
)

FILE_NAME: Final = "orders.json"
ASIDE: Final = ".damaged"
FRESH: Final = ".new"
VERSION: Final = 1
FILE_BYTES: Final = 8_388_608
# More changes than this belong in the configuration.
ORDERS_MAX: Final = 4_096
SECONDS_END: Final = 1e12  # later than any real date; also excludes infinity and NaN
FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600


class OverrideStore:
    """All orders that still have an effect, oldest first. Reports file errors through the constructor's callback."""

    def __init__(self, folder: str, tell: Callable[[str], None]) -> None:
        self.folder = folder
        self.orders: list[Override] = []
        self.fault = ""
        self._earlier: frozenset[Override] = frozenset()
        self._tell = tell
        self._writing = asyncio.Lock()

    @property
    def path(self) -> str:
        return os.path.join(self.folder, FILE_NAME)

    def load(self, now: float) -> None:
        """Loads the orders of an earlier daemon."""
        try:
            self.orders = live_orders(read_orders(self.path), now)
            self._earlier = frozenset(self.orders)
        except FileNotFoundError:
            return
        except OSError as error:
            self._tell(f"{self.path}: cannot be read, the configuration alone rules: {error.strerror}")
        except ValueError as error:
            self._set_aside(str(error))

    def standing(self, configured: EffectivePolicy, now: float) -> EffectivePolicy:
        """Returns the configuration as changed by the orders, without schedules applied."""
        return effective(configured, self.orders, now)

    def next_expiry(self, now: float) -> float:
        """Returns when the result of `standing` changes next."""
        return next_expiry(self.orders, now)

    def add(self, order: Override, now: float) -> None:
        """Adds an order without saving it (see `save`). Raises UsageError if there are too many."""
        self.add_all([order], now)

    def add_all(self, added: Sequence[Override], now: float) -> None:
        """Adds all of the orders or none. Raises UsageError if there are too many."""
        orders = self.orders
        for order in added:
            orders = with_order(orders, order, now)
        if len(orders) > ORDERS_MAX:
            raise UsageError(f"{ORDERS_MAX} changes at run time hold already: put some of them into the configuration")
        self.orders = orders

    def step(self, seconds: float) -> bool:
        """Shifts the ends of orders after a clock step, so that a two-hour order still lasts two hours. Returns whether
        any order has changed.

        Orders of an earlier daemon keep their absolute end: after a start, a clock step corrects the clock.
        """
        orders = [
            replace(order, until=order.until + seconds) if order.until and order not in self._earlier else order
            for order in self.orders
        ]
        moved = orders != self.orders
        self.orders = orders
        return moved

    async def save(self) -> str:
        """Writes the file in a thread. Returns the error, `""` on success."""
        async with self._writing:
            data = json.dumps({"version": VERSION, "orders": [order_row(order) for order in self.orders]}, indent=1)
            try:
                await asyncio.to_thread(write_whole, self.path, data.encode() + b"\n")
                self.fault = ""
            except OSError as error:
                self.fault = f"{self.path}: cannot be written, the change holds until a restart: {error.strerror}"
                self._tell(self.fault)
        return self.fault

    def _set_aside(self, why: str) -> None:
        aside = self.path + ASIDE
        try:
            os.replace(self.path, aside)
            self._tell(f"{self.path}: damaged ({why}), set aside as {aside}: the configuration alone rules")
        except OSError as error:
            self._tell(f"{self.path}: damaged ({why}), not set aside ({error.strerror}): the configuration alone rules")


def write_whole(path: str, data: bytes) -> None:
    """Replaces a file atomically, safe against power failure, readable by its owner only.

    A file written by root is given the folder's owner, so that a service running as another user can read it.
    """
    folder = os.path.dirname(path)
    os.makedirs(folder, FOLDER_MODE, exist_ok=True)
    fresh = path + FRESH
    with suppress(FileNotFoundError):
        os.unlink(fresh)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            adopt(Path(fresh), Path(folder))
            os.fsync(descriptor)
        os.replace(fresh, path)
    except OSError:
        with suppress(OSError):
            os.unlink(fresh)
        raise
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def read_orders(path: str) -> list[Override]:
    """Returns all orders in a file. Raises OSError, or ValueError for content that `write_whole` never wrote."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # opening a pipe must not block the start
    with open(descriptor, "rb") as file:
        data = file.read(FILE_BYTES + 1)
    if len(data) > FILE_BYTES:
        raise ValueError(f"larger than {FILE_BYTES} bytes")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise ValueError(f"not of version {VERSION}")
    rows = content.get("orders")
    if not isinstance(rows, list):
        raise ValueError("without a list of orders")
    return [read_order(row) for row in rows]


def order_row(order: Override) -> dict[str, Any]:
    """Returns an order as a row for programs, without empty values."""
    row: dict[str, Any] = {
        "verb": order.verb, "time": order.time, "uid": order.uid, "user": order.user, "pid": order.pid,
        "vendor": order.subject, "group": order.group, "mode": order.mode if order.verb == "ban" else "",
        "layers": list(order.layers), "device": order.device.hex(), "name": order.name.decode("ascii"),
        "until": order.until, "reason": order.reason, "all": order.everything,
    }  # fmt: skip
    needed = ("verb", "time", "uid", "user", "pid")
    return {key: value for key, value in row.items() if value or key in needed}


def read_order(row: object) -> Override:
    """Returns the order that `order_row` wrote. Raises ValueError."""
    if not isinstance(row, dict):
        raise ValueError("an order that is no object")
    order = Override(
        verb=_field(row, "verb", str, ""),
        time=_seconds(row, "time"),
        uid=_field(row, "uid", int, -1),
        user=_field(row, "user", str, ""),
        pid=_field(row, "pid", int, 0),
        subject=_field(row, "vendor", str, ""),
        group=_field(row, "group", str, ""),
        mode=_field(row, "mode", str, ENFORCE),
        layers=tuple(_field(row, "layers", list, [])),
        device=bytes.fromhex(_field(row, "device", str, "")),
        name=_field(row, "name", str, "").encode("ascii"),
        until=_seconds(row, "until"),
        reason=_field(row, "reason", str, ""),
        everything=_field(row, "all", bool, False),
    )
    if order.verb not in VERBS or order.verb == RESUME or order.mode not in MODES:
        raise ValueError(f"an order '{order.verb}' of mode '{order.mode}'")
    if not all(layer in LAYERS for layer in order.layers) or len(order.device) not in (0, 4, 6, 16):
        raise ValueError(f"an order '{order.verb}' with unknown layers or device")
    if not (order.subject if order.verb in (BAN, UNBAN) else order.device or order.verb == PAUSE):
        raise ValueError(f"an order '{order.verb}' about nothing")
    if order.verb == ALLOW and not (order.subject or order.name):
        raise ValueError("an order 'allow' of nothing")
    for text, check in ((order.subject, target), (order.group, word), (order.name.decode("ascii"), name)):
        if text and check(text) != text:
            raise ValueError(f"'{text}' in an order '{order.verb}'")
    return order


def _seconds(row: dict[str, Any], key: str) -> float:
    value = _field(row, key, (int, float), 0.0)
    if not abs(value) < SECONDS_END:
        raise ValueError(f"'{key}' of an order is no time")
    return float(value)


def _field(row: dict[str, Any], key: str, kind: type | tuple[type, ...], default: Any) -> Any:
    value = row.get(key, default)
    if not isinstance(value, kind):
        raise ValueError(f"'{key}' of an order is {value!r}")
    return value
