"""What is remembered of flows that were cut."""

from monitor.core.kills import KILL_SECONDS, KILLS_KEPT, Kills
from monitor.policy.rules import KILLS_MAX


def key(number: int) -> bytes:
    return number.to_bytes(13, "big")


def test_the_oldest_gives_way_and_is_to_be_let_go() -> None:
    kills = Kills()
    for number in range(KILLS_KEPT + 2):
        assert kills.take(key(number), "ban", 1, float(number))
    assert (len(kills), kills.evictions, kills.evicted) == (KILLS_KEPT, 2, [key(0), key(1)])


def test_the_kernel_has_room_for_both_directions_of_all() -> None:
    assert KILLS_MAX >= 2 * KILLS_KEPT


def test_what_the_kernel_still_holds_is_known() -> None:
    kills = Kills()
    kills.take(key(1), "old", 1, 0.0)
    kills.take(key(2), "new", 1, KILL_SECONDS)
    assert kills.standing(KILL_SECONDS + 1) == {key(2): "new"}
    assert kills.forget_others(frozenset({"new"})) == [key(1)]
