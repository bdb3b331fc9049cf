"""What one list gives: entries for the index as they come, and complaints with line numbers.

The formats know how a line is written; what a name, prefix or number must be to become an entry is decided here, once
for all of them. Nothing raises: a bad line is a complaint and a count.
"""

from typing import Final, final

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.domain import is_under, parse_name
from monitor.catalog.entry import LineFault
from monitor.catalog.prefix import parse_prefix, parse_range
from monitor.catalog.suffixes import ICANN_SUFFIX, PRIVATE_SUFFIX, PublicSuffixes

# Kept complaints; the counts go on.
COMPLAINTS_KEPT: Final = 100
HIGHEST_ASN: Final = 0xFFFFFFFF
ONE_LABEL: Final = "one label, which is no domain name: write the whole name"


@final
class Sheet:
    """Collects a list. `builder` is None where only the counts matter.

    `line` is the number of the line being read, `owner` the builder's number of whose entries these are. `hosting`
    says that private public suffixes are meant, `brand` that a top-level domain is the owner's own. A name at or below
    one of `protected` makes no entry.

    `entries` are those made: `suffixes`, `exacts`, `prefixes` and `asns` together. `ignored` counts the lines that
    gave none; among these, `left_out` are right in their format but beyond what an entry can express, and `refused`
    are public suffixes and protected names.
    """

    __slots__ = (
        "_builder", "_protected", "_public", "_tail", "_tails", "apex", "asns", "brand", "complaints", "cut", "entries",
        "exacts", "first_refused", "hosting", "ignored", "left_out", "line", "origin", "owner", "prefixes",
        "public_suffix", "refused", "section", "suffixes", "within",
    )  # fmt: skip

    def __init__(
        self,
        public: PublicSuffixes,
        builder: IndexBuilder | None,
        owner: int = 0,
        protected: frozenset[bytes] = frozenset(),
    ) -> None:
        self._public = public
        self._builder = builder
        self._protected = protected
        # The last bytes of a name decide for nearly all names that it is not protected.
        self._tail = min([len(name) for name in protected], default=0)
        self._tails = frozenset([name[-self._tail :] for name in protected])
        self.owner = owner
        self.line = 0
        self.entries = 0
        self.suffixes = 0
        self.exacts = 0
        self.prefixes = 0
        self.asns = 0
        self.ignored = 0
        self.left_out = 0
        self.refused = 0
        self.hosting = False
        self.brand = False
        self.complaints: list[LineFault] = []
        # Why the rest of the list was not read, "" where all of it was.
        self.cut = ""
        # The first public suffix that was refused: nobody who makes a list with care writes one.
        self.public_suffix: LineFault | None = None
        self.first_refused: LineFault | None = None
        # What a format has to remember from line to line: a zone's apex and current origin, the part of the file that
        # the line is in, and open parentheses or braces.
        self.apex = ""
        self.origin = ""
        self.section = ""
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
        part = self._public.part_of(name)
        if part == ICANN_SUFFIX and not (self.brand and b"." not in name):
            is_word = b"." not in name and not self._public.is_rule(name)
            self._refuse_suffix(ONE_LABEL if is_word else "a public suffix, under which anybody may register", text)
            return
        if self._tail and name[-self._tail :] in self._tails and is_under(name, self._protected):
            self._refuse("a protected name, which no ban may touch", text)
            return
        if part == PRIVATE_SUFFIX and not self.hosting and not exact:
            self.warn("a hosting company's suffix, whose customers are other people", text)
        self.entries += 1
        if exact:
            self.exacts += 1
        else:
            self.suffixes += 1
        if self._builder is not None:
            self._builder.add_name(name, exact, self.owner)

    def prefix(self, text: str) -> None:
        address, bits, fault = parse_prefix(text)
        if fault:
            self.ignore(fault, text)
            return
        self.entries += 1
        self.prefixes += 1
        if self._builder is not None:
            self._builder.add_prefix(address, bits, self.owner)

    def range(self, first: str, last: str) -> None:
        """The addresses from the first to the last, as one entry of as many prefixes as it takes."""
        prefixes, fault = parse_range(first, last)
        if fault:
            self.ignore(fault, f"{first}-{last}")
            return
        self.entries += 1
        self.prefixes += 1
        if self._builder is not None:
            for address, bits in prefixes:
                self._builder.add_prefix(address, bits, self.owner)

    def asn(self, text: str) -> None:
        digits = text[2:] if text[:2].upper() == "AS" else text
        if not digits.isascii() or not digits.isdigit() or len(digits) > 10 or not 0 < int(digits) <= HIGHEST_ASN:
            self.ignore("no AS number", text)
            return
        self.entries += 1
        self.asns += 1
        if self._builder is not None:
            self._builder.add_asn(int(digits), self.owner)

    def ignore(self, reason: str, text: str) -> None:
        """A line, or a part of one, that gives no entry."""
        self.ignored += 1
        self._complain(LineFault(self.line, text, reason))

    def leave_out(self, reason: str, text: str) -> None:
        """A line that is right in its format and that no entry can express."""
        self.left_out += 1
        self.ignore(reason, text)

    def _refuse(self, reason: str, text: str) -> None:
        self.refused += 1
        self.ignore(reason, text)
        if self.first_refused is None:
            self.first_refused = LineFault(self.line, text, reason)

    def _refuse_suffix(self, reason: str, text: str) -> None:
        self._refuse(reason, text)
        if self.public_suffix is None:
            self.public_suffix = LineFault(self.line, text, reason)

    def warn(self, reason: str, text: str) -> None:
        """A line that gives an entry, but not quite what its author may think."""
        self._complain(LineFault(self.line, text, reason, ignored=False))

    def cut_off(self, reason: str) -> None:
        """The rest of the list is not read."""
        self.cut = reason
        self.ignored += 1
        self._complain_first(LineFault(0, "", f"{reason}: the rest is not read"))

    def warn_of_all(self, reason: str) -> None:
        """A complaint about the whole list, before those about its lines."""
        self._complain_first(LineFault(0, "", reason, ignored=False))

    def _complain_first(self, complaint: LineFault) -> None:
        self.complaints.insert(0, complaint)
        del self.complaints[COMPLAINTS_KEPT:]

    def _complain(self, complaint: LineFault) -> None:
        if len(self.complaints) < COMPLAINTS_KEPT:
            self.complaints.append(complaint)
