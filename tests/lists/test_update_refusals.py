"""A broken, poisoned or unavailable list never replaces the good copy, and is reported in one line."""

import gzip
import lzma
import socket
import ssl
import tracemalloc
from pathlib import Path

import list_server as ways
import pytest
import trustme
from list_server import Page, serving
from subscribed import GOOD, Subscribed

HTML = b"\n  <!DOCTYPE html>\n<html><body>Not found: a.example</body></html>\n"
FEW = b"n1.good.example\n"
MANY = b"".join(b"n%d.other.example\n" % number for number in range(300))
REFUSE = {"public_suffixes": '"refuse"'}
PROTECTED = b"captive.apple.com\nx.pool.ntp.org\nwww.school.example\n"
GARBAGE = bytes(range(256)) * 100 + b"\na.example\n"


def xz_bomb() -> bytes:
    """A few kilobytes that unpack to 64 MiB."""
    return lzma.compress(b"a.example\n" * 6_710_886, preset=0)


# Name, what the server does, more keys of the list, and the message.
REFUSALS: list[tuple[str, Page, dict[str, str], str]] = [
    ("not found", ways.code(404), {}, "the server answered 404 Not Found"),
    ("server error", ways.code(500, GOOD), {}, "the server answered 500 Internal Server Error"),
    ("no content", ways.code(204), {}, "the server answered 204 No Content"),
    ("an unasked 304", ways.code(304), {}, "the server answered 304 Not Modified"),
    ("slow drip", ways.drip, {"timeout": '"500ms"'}, "took more than 0.5 s"),
    ("slow head", ways.drip_head, {"timeout": '"500ms"'}, "took more than 0.5 s"),
    ("silence", ways.silent, {"timeout": '"500ms"'}, "took more than 0.5 s"),
    ("endless body", ways.endless, {"max_bytes": '"100KiB"'}, "larger than max_bytes (102,400)"),
    ("endless head", ways.endless_head, {}, "the server violates HTTP"),
    ("cut body", ways.cut, {}, "the reply was cut off before its end"),
    ("cut chunk", ways.cut_chunk, {}, "the reply was cut off before its end"),
    ("a body without an end", ways.without_end, {}, "the server sent no length"),
    ("a web page", HTML, {}, "not a list: a page of HTML or XML, it begins with <!DOCTYPE html>"),
    ("empty", b"", {}, "empty"),
    ("blanks", b"\xef\xbb\xbf\n\n \n", {}, "empty"),
    ("comments alone", b"# nothing\n", {}, "not a list: nothing but comments"),
    ("nonsense", b'{"error": "none"}\n', {}, "not a list: none of its lines is an entry (1), the first: line 1: "),
    ("gzip bomb", ways.bomb, {"max_bytes": '"1MiB"'}, "larger than max_bytes (1,048,576)"),
    ("damaged gzip", ways.packed(b"\x1f\x8bnone"), {}, "packed as gzip, and damaged"),
    ("cut gzip", ways.packed(gzip.compress(GOOD, mtime=0)[:-9]), {}, "packed as gzip, and cut off"),
    ("another packing", ways.packed(GOOD, "br"), {}, "the server packed it as 'br', which was not requested"),
    ("redirect loop", ways.to("/list"), {}, "redirected more than 5 times, last to https://127.0.0.1:"),
    ("redirect to http", ways.to("http://127.0.0.1/list"), {}, "redirected to http://127.0.0.1/list: only https"),
    ("redirect to a file", ways.to("file:///etc/hosts"), {}, "redirected to file:/etc/hosts: only https"),
    ("redirect to nowhere", ways.to(""), {}, "redirected with 302, but without a location"),
    ("redirect to nonsense", ways.to("https://[::1"), {}, "the server violates HTTP"),
    ("not HTTP", ways.no_http, {}, "the server violates HTTP"),
    ("garbage", GARBAGE, {}, "not a list: it contains bytes that do not occur in text"),
    ("ten times smaller", FEW, {}, "10 times smaller than before (1 after 20 entries): --force accepts it"),
    ("ten times larger", MANY, {}, "10 times larger than before (300 after 20 entries): --force accepts it"),
    ("too many entries", GOOD * 2, {"max_entries": "30"}, "more than max_entries (30)"),
    ("a public suffix", GOOD + b"co.uk\n", REFUSE, "line 22 would ban a public suffix, under which anybody"),
    ("a top-level domain", GOOD + b"*.com\n", REFUSE, "line 22 would ban a public suffix"),
    ("top-level domains", b"com\nnet\norg\n", {}, "none of its lines is an entry (3), the first: line 1: a public"),
    ("many protected names", GOOD + PROTECTED * 1_000, {}, "3,000 of its lines gave no entry as domains, and 20"),
    ("many public suffixes", GOOD + b"com\nco.uk\n" * 11, {}, "22 of its lines gave no entry as domains, and 20"),
    ("mostly another format", GOOD + b"not a name\n" * 21, {}, "21 of its lines gave no entry as domains, and 20"),
    ("a ranking", b"1,a.example\n2,b.example\n", {}, "not a list: lines of a number and a name, as in a ranking"),
    ("a zip file", b"PK\x03\x04" + GOOD, {}, "packed as zip, which is not read: give the list as text"),
    ("a compiled rule set", b"SRS\x01" + GOOD, {}, "a compiled rule set of sing-box (.srs), which is not read"),
    ("a bomb of xz", xz_bomb(), {"max_bytes": '"1MiB"'}, "longer than max_bytes (1,048,576)"),
    ("a cut gzip file", gzip.compress(GOOD, mtime=0)[:-9], {}, "packed as gzip, and cut off"),
    ("a damaged gzip file", gzip.compress(GOOD, mtime=0)[:-8] + b"12345678", {}, "packed as gzip, and damaged"),
    ("a cut xz file", lzma.compress(GOOD)[:-9], {}, "packed as xz, and cut off"),
    ("a damaged xz file", lzma.compress(GOOD)[:-9] + b"123456789", {}, "packed as xz, and damaged"),
    ("an unfit JSON document", b'{"denied-remote-domains": ["a.example"]}', {}, "there is no array \"rules\""),
    ("deep JSON", b'{"rules":' + b"[" * 199_999, {}, "JSON that rule sets do not need: too deep"),
    ("broad JSON", b'{"rules":[' + b"[]," * 200_001, {}, "a JSON document of more than 200000 arrays and objects"),
    ("another hash", GOOD, {"sha256": f'"{"0" * 64}"'}, "its SHA-256 is "),
]  # fmt: skip


def refused(subscribed: Subscribed, said: tuple[int, str, str], words: str) -> None:
    """One line, exit code 1, the good copy in place, nothing left behind, the failure in the record."""
    code, out, err = said
    assert (code, err.count("\n")) == (1, 1), (code, out, err)
    assert err.startswith(f"gatewatch: list mine: {subscribed.scheme}://127.0.0.1:"), err
    assert words in err
    assert "; the last good copy with 20 entries stays" in err
    assert subscribed.copy.read_bytes() == GOOD
    assert subscribed.leftovers() == []
    record = subscribed.record()
    assert record["failures"] == 1
    assert words in str(record["error"])


@pytest.mark.parametrize(("page", "keys", "words"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_what_is_not_a_good_list_changes_nothing(
    subscribed: Subscribed, page: Page, keys: dict[str, str], words: str
) -> None:
    subscribed.more = '[protect]\nnames = ["school.example"]\n'
    # The same keys as afterwards: a list that is asked for under other terms may well be another one.
    first = {key: value for key, value in keys.items() if key not in ("sha256", "timeout")}
    assert subscribed.update(GOOD, **first)[0] == 0
    refused(subscribed, subscribed.update(page, "mine", **keys), words)


def test_a_bomb_is_never_unpacked_whole(subscribed: Subscribed) -> None:
    tracemalloc.start()
    try:
        assert subscribed.update(ways.bomb, max_bytes='"1MiB"')[0] == 1
        assert tracemalloc.get_traced_memory()[1] < 32_000_000
    finally:
        tracemalloc.stop()


def test_nobody_listens(subscribed: Subscribed) -> None:
    subscribed.update(GOOD)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{taken.getsockname()[1]}/list"
        refused(subscribed, subscribed.update(GOOD, url=url), "the server cannot be reached: Connection refused")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("other.example", "its certificate is not trusted: IP address mismatch"),
        ("127.0.0.1", "its certificate is not trusted: unable to get local issuer certificate"),
        ("", "the TLS handshake with the server failed"),
    ],
    ids=["of another name", "of another authority", "no TLS"],
)
def test_a_server_that_is_not_who_it_should_be(
    subscribed: Subscribed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    subscribed.update(GOOD)
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name or "127.0.0.1").configure_cert(tls)
    if name == "other.example":
        authority.cert_pem.write_to_path(str(tmp_path / "other.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    with serving(tls if name else None) as server:
        server.pages["/list"] = GOOD
        said = subscribed.update(GOOD, url=f"https://127.0.0.1:{server.port}/list")
        assert server.asked == []
    refused(subscribed, said, words)


def test_one_bad_list_leaves_the_others(subscribed: Subscribed) -> None:
    subscribed.more = f'[[list]]\nname = "second"\nurl = "{subscribed.url("/other")}"\n'
    subscribed.server.pages["/other"] = b"a.other.example\n"
    code, out, err = subscribed.update(ways.code(404))
    assert (code, err.count("\n")) == (1, 1)
    assert "second: 1 entry, 1 added (a.other.example)" in out
    assert (subscribed.state / "lists" / "second.list").read_bytes() == b"a.other.example\n"
    assert not subscribed.copy.exists()


def test_a_name_and_password_in_the_url_are_shown_to_nobody(subscribed: Subscribed) -> None:
    url = subscribed.url("/list").replace("https://", "https://ann:secret@")
    code, out, err = subscribed.update(ways.code(403), url=url)
    assert (code, "secret" in out + err) == (1, False)
    assert "Basic " in subscribed.server.asked[0][1]["Authorization"]
    _, out, err = subscribed.lists()
    assert "secret" not in out + err
    subscribed.server.pages["/there"] = GOOD
    assert subscribed.update(ways.to("/there"), url=url)[0] == 0
    assert "Authorization" not in subscribed.server.asked[-1][1]
