"""A daemon that began without a configuration finds the one that is written later."""

from pathlib import Path
from types import SimpleNamespace

from monitor.config.files import is_there
from monitor.config.sections import Config
from monitor.daemon.reload import Reloader


def test_the_default_place_is_looked_at_where_there_was_no_configuration(tmp_path: Path) -> None:
    path = tmp_path / "gatewatch.toml"
    reloader = Reloader(SimpleNamespace(config=Config()), str(path))  # type: ignore[arg-type]
    assert reloader.place() == ""
    path.write_text("[privacy]\nretention_days = 7\n")
    assert is_there(str(path))
    assert reloader.place() == str(path)
