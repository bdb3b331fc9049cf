"""Host names: as text, and whose they are."""

import pytest

from monitor.attribution.devices import ON_LINK, Devices
from monitor.attribution.host_names import PIN_SECONDS, HostPins, host_text
from monitor.policy.groups import Group, Groups

ANN, BOB = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("hostname", "text"),
    [
        (b"Ann-PC", "Ann-PC"),
        ("Schüler-7".encode(), "Schüler-7"),
        (b"caf\xe9", "caf\\xe9"),
        (b"a\x1b[2Jb\n", "a\\x1b[2Jb\\n"),
        ("學生-3".encode(), "學生-3"),
    ],
)
def test_names_are_shown_as_text_of_one_line(hostname: bytes, text: str) -> None:
    assert host_text(hostname) == text


def test_a_mac_keeps_its_first_name_while_it_was_used_lately() -> None:
    pins = HostPins(10)
    assert pins.name_of(ANN, b"ann", NOW) == b"ann"
    assert pins.name_of(ANN, b"else", NOW + 10) == b"ann"
    assert pins.name_of(ANN, b"ann", NOW + 20) == b"ann"
    assert pins.name_of(ANN, b"else", NOW + 20 + PIN_SECONDS) == b"else"
    assert pins.name_of(BOB, b"ann", NOW + 30 + PIN_SECONDS) == b"ann"


def test_a_name_belongs_to_the_mac_that_had_it_first() -> None:
    pins = HostPins(10)
    pins.name_of(ANN, b"ann", NOW)
    assert pins.name_of(BOB, b"ann", NOW + 10) == b""
    assert pins.name_of(BOB, b"bob", NOW + 20) == b"bob"
    assert pins.refused == 1
    assert pins.name_of(BOB, b"ann", NOW + 20 + PIN_SECONDS) == b"ann"
    assert pins.name_of(ANN, b"ann", NOW + 30 + PIN_SECONDS) == b""


def test_the_table_is_bounded_and_follows_the_clock() -> None:
    pins = HostPins(2)
    for number in range(5):
        pins.name_of(bytes((2, 0, 0, 0, 0, number)), b"host-%d" % number, NOW + number)
    assert len(pins) == 2
    pins.step(PIN_SECONDS)
    assert pins.name_of(bytes((2, 0, 0, 0, 0, 4)), b"new", NOW + PIN_SECONDS + 10) == b"host-4"


@pytest.mark.parametrize(
    ("pattern", "hostname", "holds"),
    [
        ("host:schüler-*", "Schüler-7", True),
        ("host:SCHÜLER-*", "schüler-7", True),
        ("host:schüler-*", "Schu\u0308ler-7", True),
        ("host:schüler-*", "Schuler-7", False),
        ("!host:schüler-*", "Schüler-7", False),
        ("!host:schüler-*", "Lehrer-7", True),
    ],
)
def test_patterns_match_names_in_utf8(pattern: str, hostname: str, holds: bool) -> None:
    devices = Devices(10, 10)
    device = devices.identify(bytes((10, 0, 0, 1)), ANN, 0, ON_LINK, NOW)
    devices.name(device, hostname.encode(), NOW)
    assert (Groups([Group("pupils", (pattern,))], ["lan0"]).all_of(device) == ["pupils"]) is holds


def test_a_device_that_renames_itself_stays_in_its_group_and_another_that_takes_its_name_gets_in_none() -> None:
    devices, groups = Devices(10, 10), Groups([Group("ann", ("host:ann-*",))], ["lan0"])
    ann = devices.identify(bytes((10, 0, 0, 1)), ANN, 0, ON_LINK, NOW)
    bob = devices.identify(bytes((10, 0, 0, 2)), BOB, 0, ON_LINK, NOW)
    devices.name(ann, b"ann-pc", NOW)
    devices.name(bob, b"bob-pc", NOW)
    devices.name(ann, b"free", NOW + 1)
    devices.name(bob, b"ann-pc", NOW + 1)
    assert (groups.all_of(ann), groups.all_of(bob)) == (["ann"], [])
    assert (ann.hostname, bob.hostname) == (b"free", b"ann-pc"), "what they call themselves is shown"


def test_the_gateway_itself_is_no_device() -> None:
    devices = Devices(10, 10)
    devices.own = frozenset((ANN, bytes((10, 0, 0, 254))))
    by_mac = devices.identify(bytes((10, 0, 0, 1)), ANN, 0, ON_LINK, NOW)
    by_address = devices.find_address(bytes((10, 0, 0, 254)), NOW)
    other = devices.identify(bytes((10, 0, 0, 2)), BOB, 0, ON_LINK, NOW)
    assert [devices.is_gateway(one) for one in (by_mac, by_address, other)] == [True, True, False]
