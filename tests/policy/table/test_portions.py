"""Changes cut into portions: the same changes in the same order, none too large."""

from monitor.policy.table.change import AddCounter, AddElements, Change, DeleteElements, ReplaceElements
from monitor.policy.table.desired import CounterLabel
from monitor.policy.table.portions import ELEMENTS_MAX, RULES_MAX, portions

LABEL = CounterLabel("acme", "", "staff", "ip", "enforce")


def key(number: int) -> bytes:
    return number.to_bytes(4, "big")


def test_many_elements_and_rules_become_several_portions() -> None:
    added = AddElements("net4", tuple((key(number), "v") for number in range(ELEMENTS_MAX * 2 + 1)))
    gone = DeleteElements("net4", tuple(key(number) for number in range(ELEMENTS_MAX + 1)))
    counters: list[Change] = [AddCounter(f"c{number}", LABEL) for number in range(RULES_MAX + 1)]
    cut = portions([*counters, added, gone])
    assert [len(part) for part in cut] == [RULES_MAX, 1, 1, 1, 1, 1, 1]
    elements = [pair for part in cut for one in part if isinstance(one, AddElements) for pair in one.elements]
    keys = [key for part in cut for one in part if isinstance(one, DeleteElements) for key in one.keys]
    assert tuple(elements) == added.elements
    assert tuple(keys) == gone.keys


def test_what_replaces_what_it_overlaps_stays_together() -> None:
    many = tuple(key(number) for number in range(ELEMENTS_MAX + 1))
    swapped = ReplaceElements("net4", many, tuple((one, "v") for one in many))
    assert portions([swapped]) == [[swapped]]


def test_few_changes_of_a_kind_share_a_transaction() -> None:
    one = AddElements("net4", ((key(1), "v"),))
    counter = AddCounter("c", LABEL)
    assert portions([counter, counter, one, one, counter]) == [[counter, counter], [one, one], [counter]]
    assert portions([]) == []
