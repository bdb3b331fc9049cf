"""Reads domain names from the wire into lower-case presentation bytes (RFC 1035 sections 3.1 and 4.1.4).

A name has no trailing dot; the root is `.`. Letters are folded to lower case (RFC 4343), printable ASCII is unchanged,
a dot or backslash inside a label and every other byte become `\\DDD`. `b""` is never a name: it means that the bytes
are invalid.

Names repeat: the answer contains the question's, A and AAAA queries have the same. So the last runs of labels are
cached with their presentation, and equal names are mostly one object whose hash is computed once.
"""

from typing import Final

from mypy_extensions import i64

from monitor.wire.integers import two

ROOT: Final = b"."

LABEL_MAX: Final = 63
WIRE_MAX: Final = 255
POINTER: Final = 0xC0
POINTER_MASK: Final = 0x3FFF
# A name has at most 127 labels, so a name with more pointers is invalid.
POINTERS_MAX: Final = 127
# Maximum of cached runs: longer ones are mostly random, of tunnels and floods, and do not repeat.
SEEN_MAX: Final = 8192
SEEN_OCTETS_MAX: Final = 64

TOO_SHORT: Final = -1
MALFORMED: Final = -2

_ESCAPES: Final = [
    b"\\%03d" % byte if byte <= 0x20 or byte >= 0x7F or byte in b".\\" else bytes((byte,)) for byte in range(256)
]

_seen: Final[dict[bytes, bytes]] = {}


def read_name(data: bytes, at: int, base: int, limit: int) -> bytes:
    """Returns the name at `at`, `b""` if there is none; `base` is the message's first byte, no byte from `limit` on is
    read.

    A pointer should lead backwards (RFC 1035 section 4.1.4), but resolvers follow pointers in both directions, and
    clients that evade the gateway would use that. So only the number of pointers and the length of the name end a loop.
    """
    name = b""
    place: i64 = at
    end: i64 = limit
    octets: i64 = 0
    pointers: i64 = 0
    while pointers <= POINTERS_MAX:
        start = place
        length: i64 = POINTER
        while place < end:
            length = data[place]
            if length == 0 or length > LABEL_MAX:
                break
            place += length + 1
        if place >= end:
            return b""
        if place > start:
            octets += place - start
            if octets >= WIRE_MAX:
                return b""
            run = present_labels(data[start:place])
            name = name + b"." + run if len(name) > 0 else run
        if length == 0:
            return name if len(name) > 0 else ROOT
        if length < POINTER or place + 1 >= end:
            return b""
        place = base + (two(data, place) & POINTER_MASK)
        pointers += 1
    return b""


def skip_name(data: bytes, at: int, limit: int) -> int:
    """Returns the offset after the name at `at`, or `TOO_SHORT` or `MALFORMED`; does not follow pointers."""
    place: i64 = at
    end: i64 = limit
    while place < end:
        length: i64 = data[place]
        if length == 0:
            return place + 1
        if length <= LABEL_MAX:
            place += length + 1
        elif length >= POINTER:
            return place + 2 if place + 2 <= end else TOO_SHORT
        else:
            return MALFORMED
    return TOO_SHORT


def present_labels(run: bytes) -> bytes:
    """Returns the presentation of whole labels in wire form, without the root label."""
    text = _seen.get(run)
    if text is None:
        text = _present(run)
        if len(run) <= SEEN_OCTETS_MAX:
            if len(_seen) >= SEEN_MAX:
                _seen.clear()
            _seen[run] = text
    return text


def _present(run: bytes) -> bytes:
    plain = _is_plain(run)
    labels: list[bytes] = []
    at = 0
    while at < len(run):
        behind = at + 1 + run[at]
        label = run[at + 1 : behind]
        labels.append(label if plain else _escape(label))
        at = behind
    return b".".join(labels).lower()


def _is_plain(run: bytes) -> bool:
    """Whether every byte of the labels represents itself or its lower case."""
    at: i64 = 0
    behind: i64 = 0
    size: i64 = len(run)
    while at < size:
        byte: i64 = run[at]
        if at == behind:
            behind += 1 + byte
        elif byte <= 0x20 or byte >= 0x7F or byte == 0x2E or byte == 0x5C:
            return False
        at += 1
    return True


def _escape(label: bytes) -> bytes:
    return b"".join([_ESCAPES[byte] for byte in label])
