"""A namespace of our own: made, lost, and refused in one line."""

import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from monitor.errors import MachineError
from monitor.kernel.netns.namespace import MANAGER, NetNamespace

pytestmark = pytest.mark.netns


def test_it_is_empty_and_another_one() -> None:
    place = NetNamespace()
    try:
        assert os.fstat(place.descriptor).st_ino != os.stat("/proc/self/ns/net").st_ino
        assert place.index_of("lo") == 1
        with pytest.raises(OSError, match="No such device"):
            place.index_of("eth0")
        with place.make_socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.bind(("127.0.0.1", 53))
    finally:
        place.close()


def test_what_the_kernel_refuses_is_told_and_costs_nothing_else() -> None:
    place = NetNamespace()
    try:
        with pytest.raises(OSError, match="Invalid argument"):
            place.make_socket(socket.AF_INET, 4711)
        place.make_socket(socket.AF_INET6, socket.SOCK_STREAM).close()
    finally:
        place.close()


def test_a_process_that_was_killed_is_an_error_and_no_wait() -> None:
    place = NetNamespace()
    try:
        assert place._child is not None
        os.kill(place._child.pid, signal.SIGKILL)
        with pytest.raises(OSError, match=r"ended|reset|Broken pipe"):
            place.make_socket(socket.AF_INET, socket.SOCK_DGRAM)
    finally:
        place.close()


def test_a_service_manager_that_gives_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MANAGER, str(tmp_path / "place.sock"))
    with pytest.raises(MachineError, match=r"no network namespace of our own: No such file .*gatewatch-place\.socket"):
        NetNamespace()


def test_the_namespace_that_we_are_in_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As from a service manager that cannot make one."""
    path = str(tmp_path / "place.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as manager, open("/proc/self/ns/net") as here:
        manager.bind(path)
        manager.listen()
        monkeypatch.setenv(MANAGER, path)
        with pytest.raises(MachineError, match="it is the one that we are in"):
            place_from(manager, here.fileno())


def place_from(manager: socket.socket, namespace: int) -> None:
    def give() -> None:
        channel, _ = manager.accept()
        with channel:
            socket.send_fds(channel, [bytes(4)], [namespace])
            channel.recv(1)

    giving = threading.Thread(target=give)
    giving.start()
    try:
        NetNamespace()
    finally:
        giving.join()
