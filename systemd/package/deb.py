"""Builds the Debian package: `python systemd/package/deb.py FOLDER` prints the path of the package.

It contains the tested installation of this interpreter: gatewatch with its compiled core and its dependencies, file by
file as their records list them. The build needs neither network nor compiler, and takes seconds. `--source TREE` takes
gatewatch itself from a checkout instead, to run interpreted.
"""

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from completion import write_completions
from elf import search_paths, traces
from manual import write_pages
from package_text import CHANGE, CONTROL, LAUNCHER, PYVENV
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pages import add_pages

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
HOME = Path("usr/lib/gatewatch")
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
# The installed path of each file of systemd/.
PLACES = {
    "gatewatch.toml": "usr/share/doc/gatewatch/examples/gatewatch.toml",
    # postinst copies it to /etc/gatewatch. As a conffile, dpkg would ask about a changed one at each upgrade.
    "package/gatewatch.toml": "usr/share/gatewatch/gatewatch.toml",
    "gatewatch.service": "usr/lib/systemd/system/gatewatch.service",
    "gatewatch-place.socket": "usr/lib/systemd/system/gatewatch-place.socket",
    "gatewatch-place@.service": "usr/lib/systemd/system/gatewatch-place@.service",
    "gatewatch-lists.service": "usr/lib/systemd/system/gatewatch-lists.service",
    "gatewatch-lists.timer": "usr/lib/systemd/system/gatewatch-lists.timer",
    "gatewatch.sysusers.conf": "usr/lib/sysusers.d/gatewatch.conf",
    "gatewatch.tmpfiles.conf": "usr/lib/tmpfiles.d/gatewatch.conf",
    "gatewatch.sysctl.conf": "usr/lib/sysctl.d/50-gatewatch.conf",
    "gatewatch.modules.conf": "usr/lib/modules-load.d/gatewatch.conf",
    "backoff.conf": "usr/lib/systemd/system/gatewatch.service.d/backoff.conf",
}
BACKOFF_SINCE = 254  # the first systemd with RestartSteps
REMEDY = "build the package with Debian's Python: `make PYTHON=/usr/bin/python3 VENV=build/deb-venv deb`"


def main() -> int:
    parser = argparse.ArgumentParser(description="build the Debian package")
    parser.add_argument("folder", type=Path, help="where to put it")
    parser.add_argument("--source", type=Path, help="a checkout whose monitor/ to take")
    parser.add_argument("--revision", default="1", help="of the package, behind the version")
    parser.add_argument("--quick", action="store_true", help="pack it little")
    chosen = parser.parse_args()
    if chosen.source is None and not os.path.realpath(sys.executable).startswith("/usr/bin/"):
        print(f"deb.py: {sys.prefix} runs {os.path.realpath(sys.executable)}: {REMEDY}", file=sys.stderr)
        return 1
    version = f"{distribution('gatewatch').version}-{chosen.revision}"
    root = chosen.folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    lay_out(root, chosen.source, version)
    if complaints := [*own_traces(root)]:
        print(*complaints, f"deb.py: no package: {REMEDY}", sep="\n", file=sys.stderr)
        return 1
    print(pack(root, chosen.folder, version, chosen.quick))
    return 0


def lay_out(root: Path, source: Path | None, version: str) -> None:
    """Installs every file of the package below the root."""
    add_environment(root, source)
    for name, place in PLACES.items():
        if name != "backoff.conf" or systemd_version() >= BACKOFF_SINCE:
            copy(CHECKOUT / "systemd" / name, root / place)
    if (CHECKOUT / "grafana").is_dir():
        code = shutil.ignore_patterns("*.py", "boards", "__pycache__")
        shutil.copytree(CHECKOUT / "grafana", root / "usr/share/gatewatch/grafana", ignore=code)
    documents = root / "usr/share/doc/gatewatch"
    copy(HERE / "copyright", documents / "copyright")
    copy(HERE / "lintian-overrides", root / "usr/share/lintian/overrides/gatewatch")
    for name in ("README.md", "SECURITY.md", "NOTICE", "blocklists/README.md", "blocklists/migrating.md"):
        copy(CHECKOUT / name, documents / name)
    add_pages(CHECKOUT, documents / "docs")
    (root / "etc/gatewatch/conf.d").mkdir(parents=True)
    copy(CHECKOUT / "docs/reference/gatewatch.schema.json", root / "usr/share/gatewatch/gatewatch.schema.json")
    write_pages(root / "usr/share/man", CHECKOUT / "systemd/gatewatch.toml", version)
    write_completions(root)
    add_changelog(documents, version)


def own_traces(root: Path) -> Iterator[str]:
    """Returns a line for each file that refers to a path that only the build machine has."""
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    yield from search_paths([path for path in files if ".so" in path.suffixes])
    yield from traces(files, (sys.prefix, str(CHECKOUT / "monitor")))


def add_environment(root: Path, source: Path | None) -> None:
    """Makes a virtual environment of Debian's Python with gatewatch and its dependencies only."""
    packages = root / HOME / "lib" / PYTHON / "site-packages"
    for one in closure(source):
        own = one.name == "gatewatch"
        for file in one.files or []:
            if ".." in file.parts or "__pycache__" in file.parts or file.name in ("direct_url.json", "INSTALLER"):
                continue
            if own and source is not None and not file.parts[0].endswith(".dist-info"):
                continue
            copy(Path(str(one.locate_file(file))), packages / file)
    if source is not None:
        ignore = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(source / "monitor", packages / "monitor", ignore=ignore)
        without_pipeline = shutil.ignore_patterns("__pycache__", "pipeline")
        shutil.copytree(source / "blocklists", packages / "monitor/blocklists", ignore=without_pipeline)
    binaries = root / HOME / "bin"
    binaries.mkdir(parents=True)
    for name in ("python3", PYTHON):
        (binaries / name).symlink_to(f"/usr/bin/{PYTHON}")
    (root / HOME / "pyvenv.cfg").write_text(PYVENV.format(version=PYTHON.removeprefix("python")))
    launcher = binaries / "gatewatch"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)
    link = root / "usr/bin/gatewatch"
    link.parent.mkdir(parents=True)
    link.symlink_to(f"../{HOME.relative_to('usr')}/bin/gatewatch")
    strip([*packages.rglob("*.so"), *packages.rglob("*.so.*")])
    compile_python(root)


def closure(source: Path | None) -> Iterator[Distribution]:
    """Returns gatewatch and its run-time dependencies, each once; a checkout's pyproject.toml lists its own."""
    first = distribution("gatewatch")
    needs = first.requires or []
    if source is not None:
        needs = tomllib.loads((source / "pyproject.toml").read_text())["project"]["dependencies"]
    yield first
    waiting, seen = [*needs], {canonicalize_name(first.name)}
    while waiting:
        wanted = Requirement(waiting.pop())
        meant = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        if meant and canonicalize_name(wanted.name) not in seen:
            seen.add(canonicalize_name(wanted.name))
            one = distribution(wanted.name)
            yield one
            waiting += one.requires or []


def strip(libraries: list[Path]) -> None:
    """Removes the symbols, which are half of the compiled core, if binutils are installed."""
    if libraries and shutil.which("strip"):
        subprocess.run(["strip", "--strip-unneeded", *map(str, libraries)], check=True)


def compile_python(root: Path) -> None:
    """Compiles bytecode for the installed paths, because the installed files are not writable."""
    command = [sys.executable, "-P", "-m", "compileall", "-q", "-j0", "-s", str(root), "-p", "/"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    place = root / HOME / "lib"
    subprocess.run([*command, "--invalidation-mode", "unchecked-hash", str(place)], check=True, env=environment)


def add_changelog(documents: Path, version: str) -> None:
    text = (CHECKOUT / "CHANGELOG.md").read_bytes()
    (documents / "changelog.gz").write_bytes(gzip.compress(text, mtime=0))
    (documents / "changelog.Debian.gz").write_bytes(gzip.compress(CHANGE.format(version=version).encode(), mtime=0))


def pack(root: Path, folder: Path, version: str, quick: bool) -> Path:
    """Builds the package of the files below `root`."""
    control = root / "DEBIAN"
    control.mkdir()
    architecture = output("dpkg", "--print-architecture")
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    kilobytes = sum(path.stat().st_size for path in files) // 1024
    text = CONTROL.format(version=version, architecture=architecture, python=PYTHON, kilobytes=kilobytes)
    (control / "control").write_text(text)
    sums = [f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n" for path in files]
    (control / "md5sums").write_text("".join(sums))
    for name in ("preinst", "postinst", "prerm", "postrm"):
        if (HERE / name).exists():
            copy(HERE / name, control / name)
            (control / name).chmod(0o755)
    set_modes(root)
    made = folder / f"gatewatch_{version}_{architecture}.deb"
    strength = ["-Zgzip", "-z1"] if quick else ["-Zxz"]
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", *strength, "--build", str(root), str(made)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return made


def set_modes(root: Path) -> None:
    """Lets all users read each file, and execute it if one user can, independently of the umask."""
    root.chmod(0o755)
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def systemd_version() -> int:
    """Returns 0 if there is none."""
    if not shutil.which("systemctl"):
        return 0
    found = re.match(r"systemd (\d+)", output("systemctl", "--version"))
    return int(found.group(1)) if found else 0


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
