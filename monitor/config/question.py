"""What a question of `why` is about: a name, an address, an AS number, or a word for something in the catalogue."""

from dataclasses import dataclass

from monitor.catalog.domain import to_ascii
from monitor.catalog.subject_index import NO_MEANING, PART, WORD, Resolution, SubjectIndex
from monitor.catalog.words import host_of, is_host
from monitor.config.device_address import device_address


@dataclass(frozen=True)
class Question:
    """One of `asn`, `address` (packed) and `name`; or none of them, and then `meaning` is what the word means.

    A `name` comes with its `meaning`, too, for hints where no list has the name.
    """

    asn: int = 0
    address: bytes = b""
    name: bytes = b""
    meaning: Resolution = NO_MEANING


def read_question(query: str, subjects: SubjectIndex) -> Question:
    """Never fails: of a URL or an authority the host is meant, and any text is a word at least."""
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
    """A name as the data path has it: lower case, A-labels, no trailing dot, `\\DDD` for what is not printable."""
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
