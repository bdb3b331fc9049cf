"""`python -m boards [FOLDER]`: writes every dashboard as JSON, and deletes files of dashboards that no longer exist."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from boards.compliance import compliance
from boards.groups import groups
from boards.itself import itself
from boards.overview import overview

BOARDS: Final[tuple[Callable[[], Dashboard], ...]] = (overview, compliance, groups, itself)
FOLDER: Final = Path(__file__).resolve().parents[1] / "dashboards"


def write(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for make in BOARDS:
        text = json.dumps(make().build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False)
        (folder / f"{make.__name__}.json").write_text(text + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
