"""Files of lists in every encoding and packing: read, or refused in a line that states what they are."""

import gzip
import io
import lzma
import tarfile
from pathlib import Path

import pytest

from monitor.config.list_faults import fault_of
from monitor.lists.loader import ListStatus, load_catalogue
from monitor.lists.user import UserList

pytestmark = pytest.mark.slow

TEXT = "social.example\nvideo.example\nmünchen.example\n"
ENTRIES = ["social.example", "video.example", "xn--mnchen-3ya.example"]


def archive() -> bytes:
    kept = io.BytesIO()
    with tarfile.open(fileobj=kept, mode="w") as tar:
        for name in ("tiktok/domains", "tiktok/urls"):
            member = tarfile.TarInfo(name)
            member.size = len(TEXT.encode())
            tar.addfile(member, io.BytesIO(TEXT.encode()))
    return kept.getvalue()


def read(folder: Path, content: bytes, **more: object) -> tuple[ListStatus, list[str]]:
    """The status of a list of this content, and which of the names it has."""
    path = folder / "mine.txt"
    path.write_bytes(content)
    user = UserList("mine", str(path), "mine", **more)  # type: ignore[arg-type]
    loaded = load_catalogue([user])
    found = [name for name in ENTRIES if loaded.index.owners_of_name(b"www." + name.encode()).names]
    return loaded.statuses[0], found


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        TEXT.replace("\n", "\r\n").encode("utf-16"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        gzip.compress(TEXT.encode("utf-16"), mtime=0),
        lzma.compress(TEXT.replace("\n", "\r").encode()),
    ],
)
def test_names_come_out_of_every_encoding(tmp_path: Path, content: bytes) -> None:
    status, found = read(tmp_path, content)
    assert (found, status.suffixes, status.ignored, status.complaints) == (ENTRIES, 3, 0, ())


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (archive(), "an archive of several files (tar), which is not read: unpack it"),
        (gzip.compress(archive(), mtime=0), "an archive of several files (tar), which is not read: unpack it"),
        (gzip.compress(gzip.compress(TEXT.encode(), mtime=0), mtime=0), "packed twice, the second time with gzip"),
        (lzma.compress(TEXT.encode(), format=lzma.FORMAT_ALONE), "packed as lzma, which is not read"),
        (TEXT.encode("utf-16-le"), "not a list: a text in UTF-16 or UTF-32 without a byte order mark"),
        (b"\x0a\xd0\x01\x0a\x06TIKTOK\x12\x10", "not a list: it contains bytes that do not occur in text"),
        (
            b"\n <!DOCTYPE html>\n<title>404</title>\n",
            "not a list: a page of HTML or XML, it begins with <!DOCTYPE html>",
        ),
        (b"404: Not Found", "no list, an error message of a web server in its place: check the URL"),
        (b"Access denied", "no list, no format fits its 1 line, the first: line 1: "),
    ],
)
def test_what_is_no_list_is_called_by_what_it_is(tmp_path: Path, content: bytes, fault: str) -> None:
    status, found = read(tmp_path, content)
    assert found == []
    assert fault_of(status).startswith(fault)


def test_a_nul_costs_its_line_alone(tmp_path: Path) -> None:
    status, found = read(tmp_path, TEXT.replace("video.example", "video.example\0").encode())
    assert found == [ENTRIES[0], ENTRIES[2]]
    assert (status.ignored, fault_of(status)) == (1, "")


def test_a_long_list_with_carriage_returns_alone_is_read_to_its_end_and_no_further_than_it_may(tmp_path: Path) -> None:
    content = "".join([f"n{number}.example\r" for number in range(20_000)]).encode()
    assert read(tmp_path, content)[0].suffixes == 20_000
    status, _ = read(tmp_path, content, max_bytes=100_000)
    assert 0 < status.suffixes < 10_000
    assert str(status.complaints[0]) == "longer than max_bytes (100,000): the rest is not read"
