"""What keeps an emulated machine from doing its work is told in a line, with what it said last."""

import platform

import pytest

from vm.emulator import EmulatorError, run
from vm.kernel import emulation

pytestmark = [pytest.mark.timeout(600), pytest.mark.machine]


def test_a_machine_that_nobody_emulates_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(RuntimeError, match="no emulated machine on riscv64: only on x86_64, aarch64"):
        emulation()


def test_a_command_that_does_not_end_is_ended() -> None:
    with pytest.raises(EmulatorError, match="had not ended after 4 s") as told:
        run(["sleep", "1000"], 4.0)
    assert "its console:" in str(told.value)
