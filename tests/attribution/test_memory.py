"""Names of addresses: whose, how many, how long."""

from cast import START

from monitor.attribution.answer_cache import AnswerCache
from monitor.attribution.devices import Device

ADDRESS = bytes((203, 0, 113, 80))


def device(number: int) -> Device:
    return Device(number, bytes((2, 0, 0, 0, 0, number & 255)), b"", 0, START)


def names(memory: AnswerCache, who: Device) -> list[bytes]:
    found = []
    claim = memory.newest(who, ADDRESS, START)
    while claim is not None:
        found.append(claim.name)
        claim = claim.older
    return found


def test_each_device_has_its_own_names_newest_first() -> None:
    memory = AnswerCache(100, 16, 100)
    one, two = device(1), device(2)
    for who, name in ((one, b"a"), (one, b"b"), (two, b"c"), (one, b"a"), (one, b"d"), (one, b"b")):
        memory.remember(who, ADDRESS, name, b"", 60, START)
    assert names(memory, one) == [b"b", b"d", b"a"]
    assert names(memory, two) == [b"c"]
    assert len(memory) == 4
    newest = memory.newest_of_any(ADDRESS, START)
    assert newest is not None
    assert newest.name == b"b"


def test_an_address_keeps_no_more_names_for_a_device_than_its_limit() -> None:
    memory = AnswerCache(100, 3, 100)
    one = device(1)
    for number in range(10):
        memory.remember(one, ADDRESS, b"%d" % number, b"", 60, START)
        assert len(memory) <= 3
    assert names(memory, one) == [b"9", b"8", b"7"]
    assert memory.evictions == 7


def test_what_is_asked_for_survives_a_flood_of_other_names() -> None:
    memory = AnswerCache(100, 16, 100)
    one = device(1)
    for number in range(10_000):
        memory.remember(one, number.to_bytes(4, "big"), b"%d" % number, b"", 60, START)
        if number % 10 == 0:
            memory.remember(one, ADDRESS, b"kept", b"", 60, START)
        assert len(memory) <= 100
    assert names(memory, one) == [b"kept"]
    assert memory.evictions >= 9_900


def test_a_claim_is_believed_for_its_ttl_and_an_hour_and_no_longer_than_a_day_and_an_hour() -> None:
    memory = AnswerCache(100, 16, 100)
    one = device(1)
    memory.remember(one, ADDRESS, b"a", b"", 600, START)
    assert memory.newest(one, ADDRESS, START + 4200) is not None
    assert memory.newest(one, ADDRESS, START + 4201) is None
    memory.remember(one, ADDRESS, b"a", b"", 2**31, START)
    assert memory.newest(one, ADDRESS, START + 90_000) is not None
    assert memory.newest(one, ADDRESS, START + 90_001) is None


def test_a_devices_claim_of_a_name_is_found_among_others() -> None:
    memory = AnswerCache(100, 16, 100)
    one, two = device(1), device(2)
    for name in (b"a", b"b", b"c"):
        memory.remember(one, ADDRESS, name, b"", 60, START)
    found = memory.find(one, ADDRESS, b"a", START)
    assert found is not None
    assert found.name == b"a"
    assert memory.find(two, ADDRESS, b"a", START) is None
    assert memory.find(one, ADDRESS, b"x", START) is None


def test_a_smaller_limit_holds_from_the_next_name_on() -> None:
    memory = AnswerCache(100, 16, 100)
    one = device(1)
    for number in range(90):
        memory.remember(one, number.to_bytes(4, "big"), b"a", b"", 60, START)
    memory.resize(10, 16, 100)
    for number in range(20):
        memory.remember(one, number.to_bytes(4, "little"), b"a", b"", 60, START)
    assert len(memory) <= 10


def test_aliases_keep_their_limit_however_few_addresses_they_lead_to() -> None:
    memory = AnswerCache(100, 2, 100)
    one = device(1)
    for number in range(10_000):
        memory.remember(one, ADDRESS, b"%d.example" % number, b"www.tiktok.com", 60, START)
        assert len(memory.aliases) <= 100
    assert memory.aliases.of(b"9999.example") == b"www.tiktok.com"
    assert memory.aliases.of(b"0.example") == b""
    assert memory.aliases.evictions >= 9_900


def test_an_alias_that_is_asked_for_survives_a_flood_of_others() -> None:
    memory = AnswerCache(100, 16, 100)
    memory.aliases.put(b"kept.example", b"www.tiktok.com")
    for number in range(10_000):
        memory.aliases.put(b"%d.example" % number, b"www.google.com")
        if number % 10 == 0:
            assert memory.aliases.of(b"kept.example") == b"www.tiktok.com"
    memory.resize(100, 16, 10)
    memory.aliases.put(b"last.example", b"www.google.com")
    memory.aliases.put(b"least.example", b"www.google.com")
    assert len(memory.aliases) <= 10
