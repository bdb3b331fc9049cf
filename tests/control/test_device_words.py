"""The device that a person means by a host name: the one that has it, or the candidates."""

import pytest

from monitor.control.device_words import device_meant
from monitor.core.books.rows import DeviceRow
from monitor.errors import UsageError


def row(hostname: str, mac: str = "", addresses: tuple[str, ...] = ()) -> DeviceRow:
    return DeviceRow(mac or "x", "none", mac, addresses, hostname, 0, 0, 0, 0.0, 0.0)


ROWS = [
    row("Anns-Laptop.lan", "02:00:00:00:00:01", ("10.0.0.1",)),
    row("tv", "", ("10.0.0.2", "fd00::2")),
    row("pixel", "02:00:00:00:00:03", ("10.0.0.3",)),
    row("pixel", "02:00:00:00:00:04"),
    row("bücherregal", "02:00:00:00:00:05"),
    row(""),
]


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("anns-laptop", "020000000001"),
        ("ANNS-LAPTOP.LAN.", "020000000001"),
        ("tv", "0a000002"),
        ("Bücherregal", "020000000005"),
        ("2:0:0:0:0:9", "020000000009"),
        ("10.0.0.9", "0a000009"),
    ],
)
def test_a_device_by_host_name_mac_or_address(text: str, packed: str) -> None:
    assert device_meant(text, ROWS).hex() == packed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pixel", "2 devices are called 'pixel': pixel (02:00:00:00:00:03), pixel (02:00:00:00:00:04)"),
        ("pixle", "no device is called 'pixle', the nearest is pixel (02:00:00:00:00:04)"),
        (
            "printer",
            "expected a MAC address, an address or the host name of a device, got 'printer': `gatewatch devices`",
        ),
        ("", "expected a MAC address, an address or the host name of a device, got ''"),
    ],
)
def test_what_is_not_certain_is_refused_with_candidates(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        device_meant(text, ROWS)
    assert str(caught.value).startswith(said)


def test_where_privacy_hides_host_names_none_is_known() -> None:
    with pytest.raises(UsageError, match="got 'pixel': no host name of a device is known"):
        device_meant("pixel", [row("", "02:00:00:00:00:03")])
