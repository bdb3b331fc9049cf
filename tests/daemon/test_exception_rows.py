"""Exceptions as `status` shows them: with the host name of their device."""

from monitor.cli.status_bans import exception_lines
from monitor.core.books.rows import DeviceRow
from monitor.daemon.ban_rows import exception_rows, host_names
from monitor.policy.ban import Exemption
from monitor.policy.overrides import EffectivePolicy

NOW = 1_700_000_000.0
ANN = bytes.fromhex("021100000001")
KNOWN = DeviceRow(ANN.hex(":"), "none", ANN.hex(":"), ("192.168.1.7",), "ann-phone", 0, 0, 0, NOW, NOW)


def lines(*exemptions: Exemption) -> list[str]:
    standing = EffectivePolicy((), exemptions, 0.0)
    return list(exception_lines(exception_rows(standing, standing, host_names([KNOWN]), NOW), NOW))


def test_the_host_name_stands_beside_the_device_of_an_exception() -> None:
    assert lines(
        Exemption(ANN, name=b"www.tiktok.com"),
        Exemption(bytes((192, 168, 1, 7)), vendor="bytedance"),
        Exemption(bytes((192, 168, 1, 8)), vendor="bytedance"),
        Exemption(group="staff", vendor="bytedance"),
    ) == [
        "exception: 02:11:00:00:00:01 (ann-phone) may reach www.tiktok.com\n",
        "exception: 192.168.1.7 (ann-phone) may reach bytedance\n",
        "exception: 192.168.1.8 may reach bytedance\n",
        "exception: staff may reach bytedance\n",
    ]
