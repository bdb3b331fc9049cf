"""Lists that are pinned to their author's minisign key: the real program signs, every other signature is refused."""

import subprocess
from pathlib import Path

import pytest
from subscribed import GOOD, Subscribed

pytestmark = pytest.mark.programs


class Signer:
    """A key of one's own, and signatures by it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.minisign("-G", "-W", "-p", "key.pub", "-s", "key")
        self.key = (folder / "key.pub").read_text().splitlines()[1]

    def minisign(self, *arguments: str) -> None:
        subprocess.run(["minisign", *arguments], cwd=self._folder, check=True, capture_output=True)

    def sign(self, data: bytes, *options: str) -> bytes:
        (self._folder / "list").write_bytes(data)
        self.minisign("-S", "-s", "key", "-m", "list", *options)
        return (self._folder / "list.minisig").read_bytes()


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Signer, Signer]:
    folder = tmp_path_factory.mktemp("keys")
    return Signer(folder / "author"), Signer(folder / "stranger")


@pytest.mark.parametrize("options", [(), ("-l",)], ids=["hashed", "legacy"])
def test_what_the_author_signed_is_taken(
    subscribed: Subscribed, signers: tuple[Signer, Signer], options: tuple[str, ...]
) -> None:
    author, _ = signers
    subscribed.server.pages["/list.minisig"] = author.sign(GOOD, *options)
    assert subscribed.update(GOOD, minisign=f'"{author.key}"')[0] == 0
    assert subscribed.copy.read_bytes() == GOOD


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("of another list", "not signed by the pinned minisign key: signature verification failed"),
        ("of a stranger", "not signed by the pinned minisign key: incompatible key identifiers"),
        ("with another comment", "not signed by the pinned minisign key: signature verification failed"),
        ("garbage", "its signature is not a minisign signature: "),
        ("a page", "its signature is not a minisign signature: "),
        ("huge", "its signature .minisig: larger than max_bytes (16,384)"),
        ("missing", "its signature .minisig: the server answered 404 Not Found"),
    ],
)
def test_any_other_signature_is_refused(
    subscribed: Subscribed, signers: tuple[Signer, Signer], what: str, words: str
) -> None:
    author, stranger = signers
    right = author.sign(GOOD)
    key = f'"{author.key}"'
    subscribed.server.pages["/list.minisig"] = right
    assert subscribed.update(GOOD, minisign=key)[0] == 0
    if what == "missing":
        del subscribed.server.pages["/list.minisig"]
    else:
        subscribed.server.pages["/list.minisig"] = {
            "of another list": right,
            "of a stranger": stranger.sign(GOOD + b"evil.example\n"),
            "with another comment": author.sign(GOOD + b"evil.example\n").replace(b"timestamp:", b"timestamp:9"),
            "garbage": b"\xff\x00" * 30,
            "a page": b"<html>\n\n\n</html>",
            "huge": b"x" * 20_000,
        }[what]
    code, _, err = subscribed.update(GOOD + b"evil.example\n", "mine", minisign=key)
    assert (code, err.count("\n")) == (1, 1)
    assert words in err
    assert subscribed.copy.read_bytes() == GOOD
    assert subscribed.leftovers() == []
