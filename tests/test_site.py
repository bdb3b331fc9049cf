"""`.ci/offline.py`, which `make docs` runs, finds all that a page would load from another server."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKER = Path(__file__).resolve().parents[1] / ".ci/offline.py"


def checked(site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(CHECKER), str(site)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a/index.html", '<script src="https://cdn.example/x.js"></script>'),
        ("a/index.html", '<link rel="stylesheet" href="//cdn.example/x.css">'),
        ("a/index.html", '<link rel="preconnect" href="https://fonts.example">'),
        ("a/index.html", '<img alt="" src="HTTPS://cdn.example/x.png">'),
        ("a/index.html", '<p style="background: url(https://cdn.example/x.png)">x</p>'),
        ("a/index.html", '<pre class="mermaid"><code>flowchart LR</code></pre>'),
        ("assets/a.css", '@import "https://fonts.example/css";'),
        ("assets/a.css", "p { background: url('//cdn.example/x.png') }"),
    ],
)
def test_a_load_from_another_server_is_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(text)
    done = checked(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"offline.py: loads from another server: {name}: ")


def test_links_and_own_files_are_no_loads(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<link rel="canonical" href="https://docs.example/"><link rel="stylesheet" href="assets/a.css">'
        '<a href="https://docs.example/">x</a><img alt="" src="x.png"><script src="/a.js"></script>'
    )
    (tmp_path / "a.css").write_text("p { background: url(data:image/png;base64,AA==) } /* https://docs.example */")
    assert checked(tmp_path).returncode == 0
