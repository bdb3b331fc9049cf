"""One device in every notation that people use."""

import pytest

from monitor.config.device_address import device_address, mac, packed_device
from monitor.config.subjects import device, member

MAC = bytes.fromhex("0a0b0c0d0e0f")


@pytest.mark.parametrize(
    "text",
    [
        "0a:0b:0c:0d:0e:0f",
        "0A-0B-0C-0D-0E-0F",
        "a:b:c:d:e:f",
        "A-B-C-D-E-F",
        "0a0b.0c0d.0e0f",
        "0a0b:0c0d:0e0f",
        "0a0b0c-0d0e0f",
        "0a0b0c0d0e0f",
        " 0A0B0C0D0E0F ",
    ],
)
def test_a_mac_address_in_every_notation(text: str) -> None:
    assert mac(text) == MAC
    assert packed_device(text) == MAC
    assert device(text) == MAC
    assert member(text) == "0a:0b:0c:0d:0e:0f"


@pytest.mark.parametrize(
    "text",
    ["", "a:b:c:d:e", "a:b:c:d:e:f:0", "a:b-c:d:e:f", "0a0b0c0d0e0", "0a0b.0c0d", "g:b:c:d:e:f", "abc:b:c:d:e:f"],
)
def test_what_is_no_mac_address(text: str) -> None:
    with pytest.raises(ValueError, match="expected a MAC address"):
        mac(text)


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("10.0.0.7", "0a000007"),
        ("fe80::1%eth0", "fe80" + "0" * 27 + "1"),
        ("[fd00::7]", "fd00" + "0" * 27 + "7"),
        ("::ffff:10.0.0.7", "0a000007"),
        ("FD00::0007", "fd00" + "0" * 27 + "7"),
    ],
)
def test_an_address_in_every_notation(text: str, packed: str) -> None:
    assert packed_device(text).hex() == packed


@pytest.mark.parametrize("text", ["10.0.0", "10.0.0.0/8", "ann-laptop", "fe80::1::2", ""])
def test_what_is_no_address(text: str) -> None:
    assert device_address(text) is None
    with pytest.raises(ValueError, match="expected a MAC address or an address, got"):
        packed_device(text)
