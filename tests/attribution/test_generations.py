"""The bounded table under every cache of the core: what is used stays, the limit holds, evictions are counted."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.attribution.answer_cache import AnswerCache
from monitor.attribution.devices import Devices
from monitor.attribution.generations import Generations
from monitor.attribution.sni_claims import SniClaims
from monitor.core.books.answering import WAIT_SECONDS, Pending


def key_of(number: int) -> bytes:
    return number.to_bytes(4, "big")


steps = st.lists(st.tuples(st.sampled_from(("put", "find", "get", "pop")), st.integers(0, 30)), max_size=200)


@given(st.integers(2, 24), steps)
def test_a_table_holds_its_limit_and_gives_back_what_was_put_last(limit: int, acts: list[tuple[str, int]]) -> None:
    table: Generations[int] = Generations(limit)
    expected: dict[bytes, int] = {}
    for number, (act, at) in enumerate(acts):
        key = key_of(at)
        if act == "put":
            table.put(key, number)
            expected[key] = number
        elif act == "pop":
            assert table.pop(key) in (None, expected.pop(key, None))
        else:
            found = table.find(key) if act == "find" else table.get(key)
            assert found in (None, expected.get(key))
        assert len(table) <= limit
        assert not table.young.keys() & table.old.keys()
    assert len(expected) - len(table) <= table.evictions
    assert sorted(table.values()) == sorted({**table.old, **table.young}.values())


@given(st.integers(4, 40), st.integers(100, 300))
def test_a_key_that_is_used_often_is_never_dropped(limit: int, others: int) -> None:
    table: Generations[int] = Generations(limit)
    table.put(b"kept", 1)
    for number in range(others):
        table.put(key_of(number), number)
        assert table.find(b"kept") == 1
    assert table.evictions >= others - limit


def test_a_smaller_limit_holds_after_the_next_key() -> None:
    table: Generations[int] = Generations(100)
    for number in range(99):
        table.put(key_of(number), number)
    table.limit = 10
    table.put(b"next", 1)
    table.put(b"last", 2)
    assert len(table) <= 10
    assert table.get(b"last") == 2
    assert table.evictions == 101 - len(table)


def test_what_waited_too_long_is_no_eviction() -> None:
    pending = Pending(8)
    for turn in range(4):
        pending.ask(key_of(turn), 100.0 + turn * (WAIT_SECONDS + 1))
    assert (len(pending), pending.evictions) == (2, 0)
    for number in range(20):
        pending.ask(key_of(number), 200.0)
    assert len(pending) <= 8
    assert pending.evictions >= 12


def test_evicted_names_and_evicted_addresses_both_count() -> None:
    sayings = SniClaims(4)
    for number in range(12):
        sayings.say(b"\x0a\0\0\1", key_of(number), 1.0)
    names = sayings.evictions
    assert names == 12 - 8
    for number in range(10):
        sayings.say(key_of(number), b"a.example", 1.0)
    assert sayings.evictions >= names + 11 - 4


def test_a_smaller_limit_of_claims_holds_after_the_next_answer() -> None:
    memory, devices = AnswerCache(200, 16, 10), Devices(10, 10)
    device = devices.find_address(bytes((192, 168, 1, 5)), 1.0)
    for number in range(190):
        memory.remember(device, key_of(number), b"a.example", b"", 60, 1.0)
    memory.resize(20, 16, 10)
    for number in range(1000, 1002):
        memory.remember(device, key_of(number), b"a.example", b"", 60, 2.0)
    assert len(memory) <= 20
    assert memory.newest(device, key_of(1001), 2.0) is not None
    assert memory.evictions == 192 - len(memory)
