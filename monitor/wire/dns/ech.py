"""Removes `ech` from the SVCB and HTTPS records of a message and leaves all other content unchanged.

Removed bytes shift the bytes after them, so every compressed name that points there gets a new pointer: owners, and the
names in rdata that a receiver decompresses (RFC 1035 section 4.1.4, RFC 3597 section 4).
"""

from typing import Final, final

from monitor.wire.dns.addresses import TYPE_HTTPS, TYPE_SVCB
from monitor.wire.dns.message import HEADER, RECORD
from monitor.wire.dns.names import LABEL_MAX, POINTER, skip_name
from monitor.wire.dns.svcb import ECH, MANDATORY, SvcParams
from monitor.wire.integers import two

# The names in the rdata of a type: the offset of the first, and the number of consecutive names.
_NAMES: Final[dict[int, tuple[int, int]]] = {
    2: (0, 1), 3: (0, 1), 4: (0, 1), 5: (0, 1), 6: (0, 2), 7: (0, 1), 8: (0, 1), 9: (0, 1), 12: (0, 1),
    14: (0, 2), 15: (2, 1), 17: (0, 2), 18: (2, 1), 21: (2, 1), 24: (18, 1), 26: (2, 2), 30: (0, 1), 33: (6, 1),
    36: (2, 1), 39: (0, 1), 46: (18, 1), 47: (0, 1), TYPE_SVCB: (2, 1), TYPE_HTTPS: (2, 1),
}  # fmt: skip
_NAPTR: Final = 35


@final
class _Record:
    __slots__ = ("end", "owner", "start", "type")

    def __init__(self, owner: int, type: int, start: int, end: int) -> None:
        self.owner = owner
        self.type = type
        self.start = start
        self.end = end


@final
class _Cuts:
    """The ranges of a message to remove, in order. Computes the new offsets of the bytes after them."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        self.starts.append(start)
        self.ends.append(end)

    def moved(self, at: int) -> int:
        """Returns the new offset of the byte at offset `at` of the original message, -1 if the byte is removed."""
        gone = 0
        for index, start in enumerate(self.starts):
            if at < start:
                break
            if at < self.ends[index]:
                return -1
            gone += self.ends[index] - start
        return at - gone

    def within(self, start: int, end: int) -> int:
        """Returns the number of removed bytes between the two offsets."""
        return sum(self.ends[index] - cut for index, cut in enumerate(self.starts) if start <= cut < end)


def strip_ech(data: bytes) -> bytes | None:
    """Returns the message without `ech`; the same object if there is none, None if the message cannot be read to its
    end.
    """
    records = _records(data)
    if records is None:
        return None
    cuts = _Cuts()
    for record in records:
        if record.type in (TYPE_SVCB, TYPE_HTTPS) and not _find_cuts(data, record, cuts):
            return None
    return _rebuild(data, records, cuts) if cuts.starts else data


def _records(data: bytes) -> list[_Record] | None:
    """Returns the records of all sections, None if they exceed the message."""
    size = len(data)
    if size < HEADER:
        return None
    at = HEADER
    for _ in range(two(data, 4)):
        at = skip_name(data, at, size)
        if at < 0 or at + 4 > size:
            return None
        at += 4
    records: list[_Record] = []
    for _ in range(two(data, 6) + two(data, 8) + two(data, 10)):
        owner = at
        at = skip_name(data, at, size)
        if at < 0 or at + RECORD > size:
            return None
        start = at + RECORD
        end = start + two(data, at + 8)
        if end > size:
            return None
        records.append(_Record(owner, two(data, at), start, end))
        at = end
    return records


def _find_cuts(data: bytes, record: _Record, cuts: _Cuts) -> bool:
    """Adds the ranges to remove from a record; returns false if its rdata is not a service binding."""
    at = skip_name(data, record.start + 2, record.end)
    if at < 0:
        return False
    params = SvcParams(data, at, record.end)
    while params.advance():
        if params.key == ECH:
            cuts.add(params.start - 4, params.end)
        elif params.key == MANDATORY:
            _find_mandatory(data, params.start, params.end, cuts)
    return not params.broken


def _find_mandatory(data: bytes, start: int, end: int, cuts: _Cuts) -> None:
    """Removes `ech` from the list of mandatory keys too, because a mandatory key must be present (RFC
    9460 section 8).
    """
    for at in range(start, end - 1, 2):
        if two(data, at) == ECH:
            if end - start == 2:
                cuts.add(start - 4, end)
            else:
                cuts.add(at, at + 2)
            return


def _rebuild(data: bytes, records: list[_Record], cuts: _Cuts) -> bytes | None:
    out = bytearray()
    at = 0
    for index, start in enumerate(cuts.starts):
        out += data[at:start]
        at = cuts.ends[index]
    out += data[at:]
    for record in records:
        gone = cuts.within(record.start, record.end)
        if gone:
            _put(out, cuts.moved(record.start - 2), record.end - record.start - gone)
            _shorten_mandatory(data, record, cuts, out)
        if not _move_names(data, record, cuts, out):
            return None
    return bytes(out)


def _shorten_mandatory(data: bytes, record: _Record, cuts: _Cuts, out: bytearray) -> None:
    params = SvcParams(data, skip_name(data, record.start + 2, record.end), record.end)
    while params.advance():
        at = cuts.moved(params.start - 2)
        if params.key == MANDATORY and at >= 0:
            _put(out, at, params.end - params.start - cuts.within(params.start, params.end))


def _move_names(data: bytes, record: _Record, cuts: _Cuts, out: bytearray) -> bool:
    """Updates the compression pointers in the record's names. Returns false if a pointer's target was removed."""
    if _move_name(data, record.owner, record.start, cuts, out) < 0:
        return False
    offset, count = _NAMES.get(record.type, (0, 0))
    at = record.start + offset
    if record.type == _NAPTR:
        at = _behind_strings(data, record.start + 4, record.end)
        count = 1
    for _ in range(count):
        if at >= record.end:
            break
        at = _move_name(data, at, record.end, cuts, out)
        if at < 0:
            return False
    return True


def _behind_strings(data: bytes, at: int, end: int) -> int:
    """Returns the offset of NAPTR's name, after three strings (RFC 3403 section 4.1)."""
    for _ in range(3):
        if at < end:
            at += data[at] + 1
    return at


def _move_name(data: bytes, at: int, end: int, cuts: _Cuts, out: bytearray) -> int:
    """Updates the compression pointer of the name at `at`. Returns the offset after the name, or -1 if the pointer's
    target was removed.
    """
    while at < end and 0 < data[at] <= LABEL_MAX:
        at += data[at] + 1
    if at >= end or data[at] == 0:
        return at + 1
    if data[at] < POINTER or at + 1 >= end:
        return end
    target = cuts.moved(two(data, at) & 0x3FFF)
    if target < 0:
        return -1
    _put(out, cuts.moved(at), target | 0xC000)
    return at + 2


def _put(out: bytearray, at: int, value: int) -> None:
    out[at] = value >> 8
    out[at + 1] = value & 255
