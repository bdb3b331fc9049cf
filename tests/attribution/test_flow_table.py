"""The wheel: flows come up when their time is up, however they were touched and however time goes."""

from cast import START
from hypothesis import given
from hypothesis import strategies as st

from monitor.attribution.flow_table import ENDED_MAX, SLOT_SECONDS, FlowTable
from monitor.attribution.flows import Flow
from monitor.model import PROTOCOL_TCP, PROTOCOL_UDP, flow_key, reverse_key


def flow(number: int, at: float, protocol: int = PROTOCOL_UDP) -> Flow:
    key = flow_key(bytes((10, 0, 0, 1)), number.to_bytes(4, "big"), 1, 2, protocol)
    made = Flow(key, reverse_key(key), protocol, 2, START + at)
    made.sent = made.packets_sent = 1
    return made


def table(limit: int = 100) -> FlowTable:
    made = FlowTable(limit)
    made.start(START)
    return made


def test_a_flow_is_over_when_its_patience_is() -> None:
    flows = table()
    one = flow(1, 0.0)
    flows.add(one)
    assert flows.turn(START + one.patience() - 1) == []
    assert flows.turn(START + one.patience() + 2 * SLOT_SECONDS) == [one]


def test_a_flow_that_went_on_is_over_later() -> None:
    flows = table()
    one = flow(1, 0.0)
    flows.add(one)
    one.last = START + 25
    assert flows.turn(START + 50) == []
    assert flows.turn(START + 70) == [one]


@given(
    st.lists(
        st.tuples(st.floats(0, 20_000), st.sampled_from((PROTOCOL_TCP, PROTOCOL_UDP)), st.floats(0, 8000)), max_size=30
    ),
    st.lists(st.floats(0, 40_000), min_size=1, max_size=12),
)
def test_every_flow_comes_up_once_and_not_before_its_time(
    flows: list[tuple[float, int, float]], turns: list[float]
) -> None:
    wheel = table()
    over: list[Flow] = []
    now = START
    waiting = sorted(flows)
    for number, turn in enumerate([*sorted(turns), 1e9]):
        while waiting and waiting[0][0] <= turn:
            at, protocol, more = waiting.pop(0)
            made = flow(len(waiting) * 100 + number, at, protocol)
            made.last += more
            wheel.add(made)
        now = START + turn
        for done in wheel.turn(now):
            assert done.last + done.patience() <= now
            wheel.remove(done)
            over.append(done)
        # What is still there is not overdue by more than the wheel is coarse.
        assert all(kept.last + kept.patience() + 2 * SLOT_SECONDS >= now for kept in wheel.forward.values())
    assert len(over) == len(set(over)) == len(flows)
    assert not wheel.forward
    assert not wheel.backward


def test_the_oldest_are_those_that_would_end_soonest() -> None:
    flows = table()
    for number in range(10):
        flows.add(flow(number, number * 20.0))
    chosen = flows.oldest(3)
    assert [one.start - START for one in chosen] == [0.0, 20.0, 40.0]


def test_the_oldest_are_found_even_where_all_have_gone_on() -> None:
    flows = table()
    everyone = [flow(number, 0.0) for number in range(10)]
    for one in everyone:
        flows.add(one)
        one.last = START + 1e6
    assert len(flows.oldest(4)) == 4


def test_flows_that_end_before_their_time_do_not_pile_up() -> None:
    """Conntrack reports the end of a flow long before the wheel reaches it."""
    wheel = table()
    for number in range(4 * ENDED_MAX):
        brief = flow(number, number / 1000)
        brief.connection = number
        wheel.add(brief)
        wheel.remove(brief)
    assert sum(len(slot) for slot in wheel.slots) <= ENDED_MAX + 1
