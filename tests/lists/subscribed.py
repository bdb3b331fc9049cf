"""A configuration with one subscription, and `gatewatch lists update` for it in this very process."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from list_server import ListServer

from monitor.cli.main import main

GOOD = b"# a good list\n" + b"".join(b"n%d.good.example\n" % number for number in range(20))


@dataclass
class Subscribed:
    """`url` is the list's; `keys` more lines of its section; `state` the folder of its copy."""

    folder: Path
    server: ListServer
    capsys: pytest.CaptureFixture[str]
    scheme: str = "https"
    keys: dict[str, str] = field(default_factory=dict)
    more: str = ""

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def copy(self) -> Path:
        return self.state / "lists" / "mine.list"

    def url(self, path: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server.port}{path}"

    def configure(self, url: str, **keys: str) -> Path:
        lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
        path = self.folder / "gatewatch.toml"
        path.write_text(f'[state]\npath = "state"\n[[list]]\nname = "mine"\nurl = "{url}"\n{lines}{self.more}')
        return path

    def lists(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, output and complaints of `gatewatch lists …`."""
        try:
            code = main(["lists", *arguments, "--config", str(self.folder / "gatewatch.toml")])
        except SystemExit as ended:  # so ends what is typed wrong
            code = int(ended.code or 0)
        out, err = self.capsys.readouterr()
        return code, out, err

    def update(self, page: object, *arguments: str, url: str = "", **keys: str) -> tuple[int, str, str]:
        """`lists update` where the server has that page."""
        self.server.pages["/list"] = page  # type: ignore[assignment]
        self.configure(url or self.url("/list"), **keys)
        return self.lists("update", *arguments)

    def record(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.state / "lists" / "mine.json").read_text())
        return found

    def leftovers(self) -> list[str]:
        return sorted({path.name for path in self.copy.parent.iterdir()} - {"mine.list", "mine.json"})
