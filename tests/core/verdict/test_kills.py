"""What is remembered of flows that were cut."""

from monitor.attribution.devices import Device
from monitor.core.verdict.kills import KILL_SECONDS, KILLS_KEPT, Grounds, Kills
from monitor.policy.table.rules import KILLS_MAX


def key(number: int) -> bytes:
    return number.to_bytes(13, "big")


GROUNDS = Grounds(Device(1, b"", b"", 0, 0.0), ("acme",), b"", False)


def test_the_oldest_gives_way_and_is_to_be_let_go() -> None:
    kills = Kills()
    for number in range(KILLS_KEPT + 2):
        assert kills.take(key(number), "ban", "open", 1, float(number), GROUNDS)
    assert (len(kills), kills.evictions, kills.evicted) == (KILLS_KEPT, 2, [key(0), key(1)])


def test_the_kernel_has_room_for_both_directions_of_all() -> None:
    assert KILLS_MAX >= 2 * KILLS_KEPT


def test_what_the_kernel_still_holds_is_known() -> None:
    kills = Kills()
    kills.take(key(1), "old", "open", 1, 0.0, GROUNDS)
    kills.take(key(2), "new", "open", 1, KILL_SECONDS, GROUNDS)
    assert kills.standing(KILL_SECONDS + 1) == {key(2): "new"}
    kills.drop(key(1))
    assert [one for one, _ in kills.all()] == [key(2)]
