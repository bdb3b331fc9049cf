"""Pieces into order: any cover of the bytes gives them once, and memory is accounted for."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.wire.tcp.assembly import PIECE_OVERHEAD, Assembly

CONTENT = bytes(range(200))


@given(st.lists(st.tuples(st.integers(0, 199), st.integers(1, 80)), max_size=40))
def test_any_pieces_come_out_in_order_and_once(cuts: list[tuple[int, int]]) -> None:
    assembly = Assembly()
    out = b""
    for at, length in cuts:
        assembly.hold(at, CONTENT[at : at + length])
        assert assembly.offsets == sorted(assembly.offsets)
        assert assembly.held == sum(len(piece) + PIECE_OVERHEAD for piece in assembly.pieces)
        piece = assembly.take()
        while piece:
            out += piece
            piece = assembly.take()
    covered = {index for at, length in cuts for index in range(at, min(at + length, 200))}
    reach = next((index for index in range(201) if index not in covered), 200)
    assert out == CONTENT[:reach]
    assert assembly.position == reach


def test_a_hole_may_be_skipped() -> None:
    assembly = Assembly()
    assembly.hold(10, b"behind")
    assert assembly.take() == b""
    assembly.skip_hole()
    assert assembly.take() == b"behind"
    assert (assembly.position, assembly.held) == (16, 0)


def test_of_two_pieces_with_one_offset_the_longer_stays() -> None:
    assembly = Assembly()
    assembly.hold(5, b"abc")
    assembly.hold(5, b"xy")
    assert assembly.pieces == [b"abc"]
