"""Requests to change the policy: words become subjects, all or none of them, and the answer states what was taken."""

from typing import Any

import pytest

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Alias, Owner, Vendor
from monitor.catalog.index import Index
from monitor.catalog.subject_index import SubjectIndex
from monitor.config.parse import parse
from monitor.control.changes import Change, Known, read_changes
from monitor.core.books.rows import DeviceRow
from monitor.errors import UsageError
from monitor.policy.overrides import Override

NOW = 1_700_000_000.0
LAPTOP = DeviceRow("02:00:00:00:00:01", "none", "02:00:00:00:00:01", ("10.0.0.1",), "anns-laptop", 0, 0, 0, NOW, NOW)


def known() -> Known:
    builder = IndexBuilder()
    services = (("tiktok", "TikTok"), ("douyin", "Douyin"))
    aliases = (Alias("抖音", "douyin"), Alias("Lemon8", part=True))
    builder.add_vendor(Vendor("bytedance", "ByteDance", "vendor", services, aliases))
    builder.add_vendor(Vendor("drweb", "Dr.Web", "vendor"))
    builder.add_name(b"tiktok.com", False, builder.number_of(Owner("bytedance", "tiktok")))
    subjects = SubjectIndex(Index.load(builder.build()))
    return Known(parse('[[group]]\nname = "staff"\n', "c"), subjects, [LAPTOP], frozenset(["gone", "kein-wort"]))


def read(verb: str, **arguments: Any) -> list[Change]:
    return read_changes(verb, arguments, Override(verb, NOW, 0, "root", 1), known())


def test_several_vendors_in_one_request_each_once() -> None:
    changes = read("ban", vendors=["TikTok", "抖音", "www.tiktok.com", "bytedance", "lemon 8"], group="staff")
    assert [change.order.subject for change in changes] == ["bytedance/tiktok", "bytedance/douyin", "bytedance"]
    assert [change.notes for change in changes] == [
        ("TikTok is bytedance/tiktok",),
        ("抖音 is bytedance/douyin",),
        (),
    ]
    assert {change.order.group for change in changes} == {"staff"}
    assert read("ban", vendor="tik-tok")[0].order.subject == "bytedance/tiktok"


def test_one_word_that_means_nothing_refuses_all() -> None:
    with pytest.raises(UsageError) as caught:
        read("ban", vendors=["tiktok", "tictoc", "wibblr"])
    assert str(caught.value) == (
        "no list knows 'tictoc', the nearest is 'bytedance/tiktok'; "
        "no list knows 'wibblr', it is not in the catalogue, which `gatewatch catalog` lists"
    )


def test_a_ban_can_be_lifted_of_what_no_list_knows_any_more() -> None:
    """The list may be gone; the word is that of the configuration or of its ban."""
    assert read("unban", vendor="gone")[0].order.subject == "gone"
    assert read("unban", vendor="Kein Wort")[0].order.subject == "kein-wort"
    with pytest.raises(UsageError, match="no list knows 'gone'"):
        read("ban", vendor="gone")


def test_an_end_is_a_span_or_a_time() -> None:
    assert read("ban", **{"vendor": "tiktok", "for": 60})[0].order.until == NOW + 60
    assert read("ban", vendor="tiktok", until=NOW + 90)[0].order.until == NOW + 90
    assert read("ban", vendor="tiktok")[0].order.until == 0.0
    for until in (NOW, NOW - 1, NOW + 1e9, True, "tomorrow"):
        with pytest.raises(UsageError, match="--until must be a time from now on"):
            read("ban", vendor="tiktok", until=until)
    with pytest.raises(UsageError, match="exclude each other"):
        read("ban", **{"vendor": "tiktok", "for": 60, "until": NOW + 90})


def allow(name: str, device: str = "10.0.0.7") -> Change:
    return read("allow", **{"name": name, "device": device, "for": 60, "reason": "press"})[0]


@pytest.mark.parametrize(
    ("text", "name", "subject"),
    [
        ("www.tiktok.com", b"www.tiktok.com", ""),
        ("https://www.tiktok.com/@user", b"www.tiktok.com", ""),
        ("tiktok.com:443", b"tiktok.com", ""),
        ("nowhere.example", b"nowhere.example", ""),
        ("TikTok", b"", "bytedance/tiktok"),
        ("Dr.Web", b"", "drweb"),
    ],
)
def test_an_exception_is_for_a_name_or_for_what_a_word_means(text: str, name: bytes, subject: str) -> None:
    order = allow(text).order
    assert (order.name, order.subject) == (name, subject)


def test_an_exception_is_for_a_device_by_host_name_and_the_answer_states_which() -> None:
    change = allow("TikTok", "Anns-Laptop")
    assert change.order.device.hex(":") == "02:00:00:00:00:01"
    assert change.notes == ("Anns-Laptop is 02:00:00:00:00:01", "TikTok is bytedance/tiktok")
    assert allow("a.example", "2-0-0-0-0-1").order.device.hex(":") == "02:00:00:00:00:01"
    assert allow("a.example", "2-0-0-0-0-1").notes == ()


@pytest.mark.parametrize("vendors", [[], "tiktok", [1], ["tiktok"] * 501])
def test_what_is_no_list_of_vendors_is_refused(vendors: object) -> None:
    with pytest.raises(UsageError):
        read("ban", vendors=vendors)
