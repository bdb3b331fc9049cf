"""A machine that cannot store a list: a full disk, a folder of another user."""

import subprocess
import sys
from pathlib import Path

import pytest
from privileges import as_nobody
from subscribed import GOOD, Subscribed

from monitor.lab.child import environment

pytestmark = pytest.mark.slow

SMALL_DISK = 65_536


def typed(command: str, folder: Path, *prefix: str) -> tuple[int, str, str]:
    """A shell that knows `$GATEWATCH`, in mounts of its own."""
    gatewatch = f"{sys.executable} -P -W error -m monitor.cli.main"
    done = subprocess.run(
        [*prefix, "sh", "-c", command],
        cwd=folder,
        env=environment({"GATEWATCH": gatewatch, "RUNTIME_DIRECTORY": str(folder / "none")}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.netns
def test_without_a_network(subscribed: Subscribed, tmp_path: Path) -> None:
    config = subscribed.configure("https://lists.example/list")
    code, out, err = typed(f"$GATEWATCH lists update --config {config}", tmp_path, "unshare", "--net")
    assert (code, out.count("\n"), err.count("\n")) == (1, 1, 1)
    assert err.startswith("gatewatch: list mine: https://lists.example/list: the server's name does not resolve: ")


def test_a_proxy_is_used_where_the_environment_names_one(subscribed: Subscribed, tmp_path: Path) -> None:
    config = subscribed.configure("https://lists.example/list")
    update = f"NO_PROXY= $GATEWATCH lists update --config {config}"
    assert (
        "the server cannot be reached: Connection refused"
        in typed(f"HTTPS_PROXY=http://127.0.0.1:1 {update}", tmp_path)[2]
    )
    said = typed(f"HTTPS_PROXY=socks5://127.0.0.1:1 {update}", tmp_path)[2]
    assert (said.count("\n"), "the proxy of the environment cannot be used: " in said) == (1, True)


@pytest.mark.netns
def test_a_full_disk_costs_the_update_not_the_copy(subscribed: Subscribed, tmp_path: Path) -> None:
    big = GOOD + b"# long\n" * SMALL_DISK
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_bytes(GOOD)
    large.write_bytes(big)
    subscribed.configure(small.as_uri())
    subscribed.state.mkdir()
    code, out, err = typed(
        f"mount -t tmpfs -o size={SMALL_DISK} tmpfs state && $GATEWATCH lists update --config gatewatch.toml"
        f" && cat {large} > {small}; $GATEWATCH lists update mine --config gatewatch.toml; echo code $?;"
        f" ls -A state/lists; cat state/lists/mine.list",
        tmp_path,
        "unshare",
        "--mount",
    )
    assert code == 0, err
    assert err == (
        f"gatewatch: list mine: {small.as_uri()}: cannot be stored: No space left on device; the last good copy "
        "with 20 entries stays\n"
    )
    assert out.split("code 1\n")[1] == "mine.json\nmine.list\n" + GOOD.decode()


def test_a_folder_of_somebody_else_is_one_line(subscribed: Subscribed, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(GOOD)
    config = subscribed.configure((tmp_path / "list.txt").as_uri())
    subscribed.state.mkdir()
    subscribed.state.chmod(0o555)
    code, out, err = typed(f"$GATEWATCH lists update --config {config}", tmp_path, *as_nobody())
    assert (code, out) == (3, "")
    assert err == (
        f"gatewatch: {subscribed.state}/lists: lists cannot be stored here: Permission denied; run it as root, or as "
        f"the owner of {subscribed.state}\n"
    )


def test_a_folder_that_can_be_read_only_fails_the_list(subscribed: Subscribed, tmp_path: Path) -> None:
    subscribed.update(GOOD)
    (tmp_path / "list.txt").write_bytes(GOOD + b"new.example\n")
    config = subscribed.configure((tmp_path / "list.txt").as_uri())
    subscribed.copy.parent.chmod(0o555)
    code, _, err = typed(f"$GATEWATCH lists update --config {config}", tmp_path, *as_nobody())
    assert (code, err.count("\n")) == (1, 1)
    assert "cannot be stored: Permission denied; the last good copy with 20 entries stays" in err
    assert subscribed.copy.read_bytes() == GOOD
    assert subscribed.leftovers() == []
