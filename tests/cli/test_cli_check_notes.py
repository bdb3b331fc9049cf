"""What `check` remarks of a configuration that is right."""

from functools import cache

import pytest

from monitor.cli.check_notes import notes
from monitor.config.parse import parse
from monitor.lists.loader import load_catalogue

PHONES = "[[group]]\nname = 'phones'\nmembers = ['02:00:00:00:00:01']\n"
shipped = cache(load_catalogue)
BAN_META = "[[ban]]\nvendors = ['meta/instagram']\nmode = 'enforce'\n"
BAN = "[[ban]]\nvendors = ['bytedance']\ngroups = ['phones']\n"
OPEN = "[[ban]]\nvendors = ['bytedance']\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PHONES + BAN, ["changes its MAC address"]),
        (PHONES, []),
        (PHONES + BAN + "enabled = false\n", []),
        (PHONES + BAN.replace("'phones'", "'!phones'"), []),
        (PHONES.replace("']", "', '10.0.0.0/8']") + BAN, []),
        (PHONES.replace("02:00:00:00:00:01", "host:ann-*"), ["devices choose their own host names"]),
        (PHONES.replace("02:00:00:00:00:01", "!host:ann-*"), ["devices choose their own host names"]),
        ("[metrics]\nlisten = '0.0.0.0:10053'\n", ["drop TCP port 10053 from outside"]),
        ("[metrics]\nlisten = '[::]:10053'\n", ["drop TCP port 10053 from outside"]),
        (BAN_META, ["of meta stay open"]),
        (BAN_META.replace("instagram", "instagram', 'bytedance/tiktok', 'discord"), ["meta/instagram: "]),
        (BAN_META + "enabled = false\n", []),
        (BAN_META.replace("/instagram", ""), []),
        ("[metrics]\nlisten = '192.168.1.1:10053'\n", []),
        (OPEN + "on_failure = 'closed'\nlayers = ['dns', 'sni']\n", ["keeps only address bans in force"]),
        (OPEN + "on_failure = 'closed'\n", []),
        ("[metrics]\nlisten = ''\n", []),
    ],
)
def test_notes(text: str, words: list[str]) -> None:
    found = [note for note in notes(parse(text, "c.toml"), shipped()) if not note.startswith("not watching")]
    assert len(found) == len(words)
    assert all(word in note for word, note in zip(words, found, strict=True))
