"""Parses the argument of `why`: a name, an address, an AS number, or a word for a subject of the catalogue."""

from dataclasses import dataclass

from monitor.catalog.domain import to_ascii
from monitor.catalog.subject_index import NO_MEANING, PART, WORD, Resolution, SubjectIndex
from monitor.catalog.words import host_of, is_host
from monitor.config.device_address import device_address


@dataclass(frozen=True)
class Question:
    """The subject of a question: one of `asn`, `address` (packed) and `name`. If all are empty, `meaning` is the
    meaning of the word.

    A `name` has a `meaning` too, for hints if no list contains the name.
    """

    asn: int = 0
    address: bytes = b""
    name: bytes = b""
    meaning: Resolution = NO_MEANING


def read_question(query: str, subjects: SubjectIndex) -> Question:
    """Parses a query, and accepts any text: of a URL or an authority the host is used; other text is a word."""
    word = query.strip()
    if word[:2].upper() == "AS" and word[2:].isascii() and word[2:].isdigit():
        return Question(asn=int(word[2:]))
    host = host_of(word)
    address = device_address(host)
    if address is not None:
        return Question(address=address)
    meaning = subjects.resolve(word)
    if not is_host(word) or meaning.how in (WORD, PART):
        return Question(meaning=meaning)
    return Question(name=as_name(host), meaning=meaning)


def as_name(text: str) -> bytes:
    """Returns a name in internal form: lower case, A-labels, no trailing dot, `\\DDD` for unprintable bytes."""
    bare = text.lower()
    bare = bare[:-1] if len(bare) > 1 and bare.endswith(".") else bare
    if bare.isascii():
        return bare.encode("ascii")
    plain, fault = to_ascii(bare)
    if not fault:
        return plain.encode("ascii")
    return b"".join(
        b"\\%03d" % byte if byte > 126 else bytes((byte,)) for byte in bare.encode("utf-8", "surrogateescape")
    )
