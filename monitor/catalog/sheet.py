"""What one list gives: entries for the index as they come, and complaints with line numbers.

The formats know how a line is written; what a name, prefix or number must be to become an entry is decided here, once
for all of them. Nothing raises: a bad line is a complaint and a count.
"""

from typing import Final, final

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.domain import parse_name
from monitor.catalog.entry import Complaint
from monitor.catalog.prefix import parse_prefix, parse_range
from monitor.catalog.suffixes import ICANN_SUFFIX, PRIVATE_SUFFIX, PublicSuffixes

# Kept complaints; the counts go on.
COMPLAINTS_KEPT: Final = 100
HIGHEST_ASN: Final = 0xFFFFFFFF


@final
class Sheet:
    """Collects a list. `builder` is None where only the counts matter.

    `line` is the number of the line being read, `owner` the builder's number of whose entries these are. `hosting`
    says that private public suffixes are meant.
    """

    __slots__ = (
        "_builder", "_suffixes", "complaints", "entries", "hosting", "ignored", "line", "origin", "owner",
        "public_suffix", "within",
    )  # fmt: skip

    def __init__(self, suffixes: PublicSuffixes, builder: IndexBuilder | None, owner: int = 0) -> None:
        self._suffixes = suffixes
        self._builder = builder
        self.owner = owner
        self.line = 0
        self.entries = 0
        self.ignored = 0
        self.hosting = False
        self.complaints: list[Complaint] = []
        # The first public suffix that was refused: nobody who makes a list with care writes one.
        self.public_suffix: Complaint | None = None
        # What a format has to remember from line to line: the zone's origin, and open parentheses.
        self.origin = ""
        self.within = 0

    def suffix(self, text: str) -> None:
        """The name and everything below it."""
        self._name(text, False)

    def exact(self, text: str) -> None:
        """The name alone."""
        self._name(text, True)

    def _name(self, text: str, exact: bool) -> None:
        name, fault = parse_name(text)
        if fault:
            self.ignore(fault, text)
            return
        part = self._suffixes.part_of(name)
        if part == ICANN_SUFFIX:
            self._refuse_suffix("a public suffix, under which anybody may register", text)
            return
        if part == PRIVATE_SUFFIX and not self.hosting and not exact:
            self.warn("a hosting company's suffix, whose customers are other people", text)
        self.entries += 1
        if self._builder is not None:
            self._builder.add_name(name, exact, self.owner)

    def prefix(self, text: str) -> None:
        address, bits, fault = parse_prefix(text)
        if fault:
            self.ignore(fault, text)
            return
        self.entries += 1
        if self._builder is not None:
            self._builder.add_prefix(address, bits, self.owner)

    def range(self, first: str, last: str) -> None:
        """The addresses from the first to the last, as one entry of as many prefixes as it takes."""
        prefixes, fault = parse_range(first, last)
        if fault:
            self.ignore(fault, f"{first}-{last}")
            return
        self.entries += 1
        if self._builder is not None:
            for address, bits in prefixes:
                self._builder.add_prefix(address, bits, self.owner)

    def asn(self, text: str) -> None:
        digits = text[2:] if text[:2].upper() == "AS" else text
        if not digits.isascii() or not digits.isdigit() or len(digits) > 10 or not 0 < int(digits) <= HIGHEST_ASN:
            self.ignore("no AS number", text)
            return
        self.entries += 1
        if self._builder is not None:
            self._builder.add_asn(int(digits), self.owner)

    def ignore(self, reason: str, text: str) -> None:
        """A line, or a part of one, that gives no entry."""
        self.ignored += 1
        self._complain(Complaint(self.line, text, reason))

    def _refuse_suffix(self, reason: str, text: str) -> None:
        self.ignore(reason, text)
        if self.public_suffix is None:
            self.public_suffix = Complaint(self.line, text, reason)

    def warn(self, reason: str, text: str) -> None:
        """A line that gives an entry, but not quite what its author may think."""
        self._complain(Complaint(self.line, text, reason, ignored=False))

    def _complain(self, complaint: Complaint) -> None:
        if len(self.complaints) < COMPLAINTS_KEPT:
            self.complaints.append(complaint)
