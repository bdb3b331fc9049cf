"""Commands of a document, typed in a shell on the lab's gateway beside a running daemon."""

import shutil
import subprocess
from pathlib import Path

from documents import make_place

from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab


def typed(lab: Lab, daemon: LabDaemon, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A shell on the gateway, where the configuration lies in its usual place; that is another /etc, for it alone."""
    own = folder / "etc"
    shutil.copytree("/etc", own, symlinks=True)
    (own / "gatewatch").mkdir()
    shutil.copy(daemon.configuration, own / "gatewatch" / "gatewatch.toml")
    shell = f"mount --bind {own} /etc && exec sh -eu"
    return subprocess.run(
        lab.gateway.command(["sh", "-c", shell]),
        input=text,
        cwd=folder,
        env={**make_place(folder), "RUNTIME_DIRECTORY": str(daemon.folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
