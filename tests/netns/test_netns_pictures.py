"""`make pictures` makes what the documents show: a ban that holds in the lab, as text and as a picture of the page."""

import subprocess
import sys
from pathlib import Path

import pytest
from documents import CHECKOUT

pytestmark = [pytest.mark.netns, pytest.mark.slow, pytest.mark.programs]
IMAGES = CHECKOUT / "docs" / "images"
PNG = b"\x89PNG\r\n\x1a\n"


def test_every_picture_is_made(tmp_path: Path) -> None:
    command = [sys.executable, "-P", str(CHECKOUT / "bench" / "pictures.py"), "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=250)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in IMAGES.iterdir()}
    assert (tmp_path / "status-page.png").read_bytes().startswith(PNG)
    status = (tmp_path / "status.txt").read_text()
    assert "ban at run time: bytedance for students: enforce, dns, sni, ip\n  effective" in status
    assert "leaked 0 B" in status
    assert str(tmp_path) not in status
    assert "/etc/gatewatch/gatewatch.toml" in status
    assert " fail " not in (tmp_path / "doctor.txt").read_text()
