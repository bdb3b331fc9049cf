"""Domain names: from the wire to lower-case presentation bytes (RFC 1035 sections 3.1 and 4.1.4).

A name comes out without its trailing dot, the root as `.`. Letters are folded to lower case (RFC 4343), printable
ASCII stays as it is, a dot or backslash inside a label and every other byte become `\\DDD`. `b""` is never a name:
it says that the bytes are not one.

Names repeat: the answer carries the question's, A and AAAA ask for the same. So the runs of labels that were seen
last are kept with their presentation, and equal names are mostly one object whose hash is computed once.
"""

from typing import Final

ROOT: Final = b"."

LABEL_MAX: Final = 63
WIRE_MAX: Final = 255
POINTER: Final = 0xC0
# A name has at most 127 labels, so more pointers than that lead nowhere.
POINTERS_MAX: Final = 127
# What is kept: longer runs are mostly random, of tunnels and floods, and do not come again.
SEEN_MAX: Final = 8192
SEEN_OCTETS_MAX: Final = 64

TOO_SHORT: Final = -1
MALFORMED: Final = -2

_ESCAPES: Final = [
    b"\\%03d" % byte if byte <= 0x20 or byte >= 0x7F or byte in b".\\" else bytes((byte,)) for byte in range(256)
]

_seen: Final[dict[bytes, bytes]] = {}


def read_name(data: bytes, at: int, base: int, limit: int) -> bytes:
    """The name at `at`, `b""` where there is none; `base` is the message's first byte, no byte from `limit` on is read.

    A pointer should lead to what was written before (RFC 1035 section 4.1.4), but resolvers follow it anywhere, and
    whoever hides from us would use that. So only their number and the length of the name end a loop.
    """
    name = b""
    octets = 0
    pointers = 0
    while pointers <= POINTERS_MAX:
        start = at
        length = POINTER
        while at < limit:
            length = data[at]
            if length == 0 or length > LABEL_MAX:
                break
            at += length + 1
        if at >= limit:
            return b""
        if at > start:
            octets += at - start
            if octets >= WIRE_MAX:
                return b""
            run = present_labels(data[start:at])
            name = name + b"." + run if name else run
        if length == 0:
            return name if name else ROOT
        if length < POINTER or at + 1 >= limit:
            return b""
        at = base + ((length & 0x3F) << 8 | data[at + 1])
        pointers += 1
    return b""


def skip_name(data: bytes, at: int, limit: int) -> int:
    """The offset behind the name at `at`, or `TOO_SHORT` or `MALFORMED`; where a pointer leads is not looked at."""
    while at < limit:
        length = data[at]
        if length == 0:
            return at + 1
        if length <= LABEL_MAX:
            at += length + 1
        elif length >= POINTER:
            return at + 2 if at + 2 <= limit else TOO_SHORT
        else:
            return MALFORMED
    return TOO_SHORT


def present_labels(run: bytes) -> bytes:
    """The presentation of whole labels in wire form, without the root's."""
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
    """Whether every byte of the labels stands for itself, or for its lower case."""
    at = 0
    behind = 0
    while at < len(run):
        byte = run[at]
        if at == behind:
            behind += 1 + byte
        elif byte <= 0x20 or byte >= 0x7F or byte == 0x2E or byte == 0x5C:
            return False
        at += 1
    return True


def _escape(label: bytes) -> bytes:
    return b"".join([_ESCAPES[byte] for byte in label])
