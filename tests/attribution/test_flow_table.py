"""The wheel of the flow table: whatever becomes of a flow's patience, it ends once."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.attribution.flows import CLOSED, ESTABLISHED, OPENING, Flow, FlowTable
from monitor.model import flow_key, reverse_key

MOVES = st.lists(
    st.tuples(st.sampled_from([OPENING, ESTABLISHED, CLOSED]), st.floats(0.0, 60.0)), min_size=1, max_size=40
)


@given(MOVES, st.integers(0, 2))
def test_a_flow_ends_once(moves: list[tuple[int, float]], evict_every: int) -> None:
    key = flow_key(bytes(4), bytes(4), 1, 2, 6)
    table = FlowTable(8)
    now = 1_000.0
    table.start(now)
    flow = Flow(key, reverse_key(key), 6, 2, now)
    table.add(flow)
    over: list[Flow] = []
    for at, (state, pause) in enumerate(moves):
        now += pause
        over += table.turn(now)
        if over:
            break
        flow.state, flow.last = state, now
        table.schedule(flow)
        if evict_every and at % (evict_every * 7) == 6:
            over += table.oldest(2)
            break
    over += table.turn(now + 100_000.0) if not over else []
    assert over == [flow]


def test_a_flow_that_became_impatient_and_patient_again_ends_once() -> None:
    key = flow_key(bytes(4), bytes(4), 1, 2, 6)
    table = FlowTable(8)
    table.start(0.0)
    flow = Flow(key, reverse_key(key), 6, 2, 0.0)
    table.add(flow)
    for state in (CLOSED, OPENING):
        flow.state = state
        table.schedule(flow)
    assert table.turn(1_000.0) == [flow]
