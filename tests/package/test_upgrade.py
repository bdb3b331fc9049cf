"""The configuration over installs, upgrades and purges: a real dpkg without a terminal, the package's own scripts.

The packages here hold only what those scripts need, because what is installed beside it changes nothing for them.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.netns

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPTS = CHECKOUT / "systemd/package"
SHORT = (SCRIPTS / "gatewatch.toml").read_text()
# As 0.1.0 had it: every key as a conffile.
OLD = '# every key with its default\n[capture]\ninterfaces = []\n[metrics]\nlisten = "127.0.0.1:10053"\n'
MINE = OLD + '[[group]]\nname = "mine"\n'
CONTROL = """\
Package: gatewatch
Version: {version}
Architecture: all
Maintainer: The gatewatch authors <gatewatch@localhost>
Description: what its scripts need
"""
# A layer above this machine's files, without its systemd and without anything of gatewatch in it.
PLACE = r"""
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount --bind "$3" mnt
rm -rf etc/gatewatch var/lib/gatewatch usr/share/gatewatch
exec chroot . env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8 sh -ec '
dpkg --purge gatewatch >/dev/null 2>&1 || true
cd /etc
'"$2" </dev/null
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with old.deb of 0.1.0, and new.deb and newer.deb of later versions."""
    folder = tmp_path_factory.mktemp("packages")
    old = tree(folder / "old", "0.1.0-1")
    put(old / "etc/gatewatch/gatewatch.toml", OLD)
    put(old / "DEBIAN/conffiles", "/etc/gatewatch/gatewatch.toml\n")
    for name, version in (("new", "0.2.0-1"), ("newer", "0.3.0-1")):
        new = tree(folder / name, version)
        put(new / "usr/share/gatewatch/gatewatch.toml", SHORT)
        put(new / "usr/lib/sysusers.d/gatewatch.conf", (CHECKOUT / "systemd/gatewatch.sysusers.conf").read_text())
        (new / "etc/gatewatch/conf.d").mkdir(parents=True)
        for script in ("postinst", "prerm", "postrm"):
            shutil.copy(SCRIPTS / script, new / "DEBIAN" / script)
            (new / "DEBIAN" / script).chmod(0o755)
    for name in ("old", "new", "newer"):
        build = ["dpkg-deb", "--root-owner-group", "-Znone", "--build"]
        subprocess.run([*build, folder / name, folder / f"{name}.deb"], check=True, stdout=subprocess.DEVNULL)
    return folder


def tree(root: Path, version: str) -> Path:
    put(root / "DEBIAN/control", CONTROL.format(version=version))
    return root


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def after(packages: Path, tmp_path: Path, script: str) -> str:
    """What the script's last commands print, behind a line `--`, where dpkg has installed what it names."""
    steps = script.format(install="dpkg --install /mnt")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", PLACE, "sh", str(tmp_path), steps, str(packages)],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.partition("--\n")[2]


def test_the_first_install_lays_a_short_file_that_dpkg_does_not_watch(packages: Path, tmp_path: Path) -> None:
    look = "echo --; stat --format=%U:%a gatewatch/gatewatch.toml gatewatch/conf.d; cat gatewatch/gatewatch.toml"
    watched = r"dpkg-query --show --showformat=\${{Conffiles}} gatewatch"
    seen = after(packages, tmp_path, f"{{install}}/new.deb; {look}; {watched}")
    assert seen == f"root:644\nroot:755\n{SHORT}"


def test_an_old_file_that_was_never_changed_gives_way_to_the_short_one(packages: Path, tmp_path: Path) -> None:
    look = "echo --; cat gatewatch/gatewatch.toml; ls gatewatch"
    seen = after(packages, tmp_path, f"{{install}}/old.deb; {{install}}/new.deb; {look}")
    assert seen == f"{SHORT}conf.d\ngatewatch.toml\n"


def test_a_changed_file_stays_over_every_upgrade(packages: Path, tmp_path: Path) -> None:
    change = f"cat >gatewatch/gatewatch.toml <<END\n{MINE}END\n"
    script = f"{{install}}/old.deb; {change} {{install}}/new.deb; {{install}}/newer.deb"
    seen = after(packages, tmp_path, f"{script}; echo --; cat gatewatch/gatewatch.toml; ls gatewatch")
    assert seen == f"{MINE}conf.d\ngatewatch.toml\n"


def test_a_short_file_that_was_changed_or_removed_stays_so(packages: Path, tmp_path: Path) -> None:
    change = "echo [capture] >>gatewatch/gatewatch.toml"
    script = f"{{install}}/new.deb; {change}; {{install}}/newer.deb; echo --; cat gatewatch/gatewatch.toml"
    seen = after(packages, tmp_path, f"{script}; rm gatewatch/gatewatch.toml; {{install}}/newer.deb >&2; ls gatewatch")
    assert seen == f"{SHORT}[capture]\nconf.d\n"


@pytest.mark.parametrize("first", ["old", "new"])
def test_a_purge_takes_the_file_and_leaves_what_others_put_beside_it(
    packages: Path, tmp_path: Path, first: str
) -> None:
    script = f"{{install}}/{first}.deb; {{install}}/newer.deb; echo >gatewatch/conf.d/mine.toml; dpkg --purge gatewatch"
    assert after(packages, tmp_path, f"{script}; echo --; find gatewatch -type f") == "gatewatch/conf.d/mine.toml\n"
    script = f"{{install}}/{first}.deb; {{install}}/newer.deb; dpkg --purge gatewatch; echo --; ls -d gatewatch || true"
    assert after(packages, tmp_path, script) == ""
