"""The file of orders: what is kept is what is read, and whatever else lies there rules nothing and stops nobody."""

import asyncio
import json
import os
import resource
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.daemon.overrides import FILE_NAME, ORDERS_MAX, OverrideStore, order_row, read_order
from monitor.errors import UsageError
from monitor.policy.overrides import ALLOW, BAN, PAUSE, UNBAN, Override

NOW = 1_000_000.0
BY = Override(BAN, NOW, 1000, "ann", 4_321)
ORDERS = (
    replace(BY, subject="bytedance/tiktok", group="pupils", mode="shadow", layers=("dns", "ip"), until=NOW + 60),
    replace(BY, verb=UNBAN, subject="category:encrypted-dns", reason='"quoted" ü'),
    replace(BY, verb=ALLOW, device=b"\x02\0\0\0\0\x01", name=b"a.example", until=NOW + 9, reason="press"),
    replace(BY, verb=ALLOW, device=bytes(15) + b"\x01", subject="tencent", until=NOW + 9, reason="press"),
    replace(BY, verb=PAUSE),
)


def book(folder: Path) -> tuple[OverrideStore, list[str]]:
    told: list[str] = []
    made = OverrideStore(str(folder), told.append)
    made.load(NOW)
    return made, told


def saved(folder: Path) -> Path:
    made, told = book(folder)
    for order in ORDERS:
        made.add(order, NOW)
    assert (asyncio.run(made.save()), told) == ("", [])
    return folder / FILE_NAME


def test_what_is_kept_is_what_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "state")
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert [file.name for file in path.parent.iterdir()] == [FILE_NAME]
    later, told = book(path.parent)
    assert (tuple(later.orders), told) == (ORDERS, [])
    later.load(NOW + 30)
    assert [order.verb for order in later.orders] == [BAN, UNBAN, PAUSE]


@pytest.mark.root
def test_what_root_writes_is_its_owners(tmp_path: Path) -> None:
    """The service reads it as somebody else."""
    os.chown(tmp_path, 65534, 65534)
    info = saved(tmp_path).stat()
    assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (65534, 65534, 0o600)


def test_a_set_clock_moves_the_end_of_what_was_ordered_since_the_start(tmp_path: Path) -> None:
    """What is ordered for an hour lasts an hour; what was kept from before ends at its time of day."""
    made, _ = book(saved(tmp_path / "state").parent)
    made.add(replace(BY, subject="meta", until=NOW + 3600), NOW)
    assert made.step(-86_400.0)
    assert [order.until - NOW for order in made.orders if order.until] == [60, 9, 9, 3600 - 86_400]
    assert made.step(86_400.0)
    assert [order.until - NOW for order in made.orders if order.until] == [60, 9, 9, 3600]


def test_a_set_clock_moves_nothing_that_has_no_end(tmp_path: Path) -> None:
    made, _ = book(tmp_path)
    made.add(replace(BY, subject="meta"), NOW)
    assert not made.step(86_400.0)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON"),
        (b"\xff\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not of version 1"),
        (b'{"version": 2, "orders": []}', "not of version 1"),
        (b'{"version": 1}', "without a list of orders"),
        (b'{"version": 1, "orders": [7]}', "an order that is no object"),
        (b'{"version": 1, "orders": [{"verb": "fire"}]}', "an order 'fire' of mode 'enforce'"),
        (b'{"version": 1, "orders": [{"verb": "ban", "vendor": "a b"}]}', "expected a vendor"),
        (b'{"version": 1, "orders": [{"verb": "allow", "device": "0203"}]}', "unknown layers or device"),
        (b'{"version": 1, "orders": [{"verb": "ban", "until": "soon"}]}', "'until' of an order is 'soon'"),
        (b'{"version": 1, "orders": [{"verb": "ban"}]}', "an order 'ban' about nothing"),
        (b'{"version": 1, "orders": [{"verb": "allow", "device": "0a000001"}]}', "an order 'allow' of nothing"),
        (b'{"version": 1, "orders": [{"verb": "pause", "layers": [["dns"]]}]}', "unknown layers or device"),
        (b'{"version": 1, "orders": [{"verb": "pause", "until": 1' + b"0" * 400 + b"}]}", "'until' of an order is no"),
        (b'{"version": 1, "orders": [{"verb": "pause", "time": NaN}]}', "'time' of an order is no time"),
        (b" " * 9_000_000, "larger than"),
    ],
)
def test_a_damaged_file_is_set_aside_and_named(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    made, told = book(tmp_path)
    assert made.orders == []
    assert len(told) == 1
    assert why in told[0]
    assert told[0].endswith(f"set aside as {path}.damaged: the configuration alone rules")
    assert (tmp_path / f"{FILE_NAME}.damaged").read_bytes() == content
    assert not path.exists()
    made.add(ORDERS[0], NOW)
    assert asyncio.run(made.save()) == ""
    assert book(tmp_path)[0].orders == [ORDERS[0]]


@given(st.data())
def test_any_cut_or_change_of_the_file_is_read_or_refused(data: st.DataObject) -> None:
    text = json.dumps([order_row(order) for order in ORDERS])
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.sampled_from(["", "0", '"', "-", "e9", "\x00"])) + text[at + 1 :]
    try:
        rows = json.loads(changed)
    except ValueError:
        return
    for row in rows:
        try:
            order = read_order(row)
        except ValueError:
            continue
        assert read_order(order_row(order)) == order


def test_a_pipe_in_its_place_holds_up_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE_NAME)
    assert book(tmp_path)[0].orders == []


def test_a_place_that_cannot_be_written_is_one_line_and_the_order_holds(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    made, told = book(tmp_path / "file" / "state")
    made.add(ORDERS[0], NOW)
    fault = asyncio.run(made.save())
    assert fault.startswith(f"{tmp_path}/file/state/orders.json: cannot be written, the change holds until a restart")
    assert told[-1] == made.fault == fault
    assert made.orders == [ORDERS[0]]


def test_a_write_that_breaks_off_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()
    made, _ = book(tmp_path)
    made.add(replace(BY, subject="xai", reason="long " * 50), NOW)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) - 1, limits[1]))
    try:
        fault = asyncio.run(made.save())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "the change holds until a restart: File too large" in fault
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]
    assert (asyncio.run(made.save()), made.fault) == ("", "")


def test_there_is_an_end_to_orders(tmp_path: Path) -> None:
    made, _ = book(tmp_path)
    made.orders = [replace(BY, subject=f"vendor{number}") for number in range(ORDERS_MAX)]
    with pytest.raises(UsageError, match="put some of them into the configuration"):
        made.add(replace(BY, subject="one-more"), NOW)
    made.add(replace(BY, subject="vendor7", mode="shadow"), NOW)
    assert len(made.orders) == ORDERS_MAX
