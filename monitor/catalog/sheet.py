"""Collects the entries and complaints of one list.

The formats know the syntax of a line; this module decides, for all formats, which names, prefixes and numbers become
entries. Nothing raises: a bad line is a complaint and a count.
"""

from typing import Final, final

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.domain import is_under, parse_name
from monitor.catalog.entry import LineFault
from monitor.catalog.prefix import parse_prefix, parse_range
from monitor.catalog.suffixes import ICANN_SUFFIX, PRIVATE_SUFFIX, PublicSuffixes

# Maximum of stored complaints; the counts include all.
COMPLAINTS_KEPT: Final = 100
HIGHEST_ASN: Final = 0xFFFFFFFF
ONE_LABEL: Final = "one label, which is not a domain name: write the whole name"
ANYBODYS: Final = "a public suffix, under which anybody can register names"


@final
class Sheet:
    """Collects a list. `builder` is None if only the counts matter.

    `line` is the number of the current line, `owner` the builder's number of the owner. `hosting` accepts private
    public suffixes, `brand` a top-level domain of the owner. A name equal to or below one of `protected` gives no
    entry.

    `entries` is the sum of `suffixes`, `exacts`, `prefixes` and `asns`. `ignored` counts the lines that gave no entry;
    of these, `left_out` are valid in their format but cannot be expressed as an entry, and `refused` are public
    suffixes and protected names.
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
        # The last bytes of nearly all names show that the name is not protected.
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
        # Why the rest of the list was not read, "" if all of it was.
        self.cut = ""
        # The first refused public suffix: a well-kept list contains none.
        self.public_suffix: LineFault | None = None
        self.first_refused: LineFault | None = None
        # State of a format between lines: a zone's apex and current origin, the part of the file that
        # the line is in, and open parentheses or braces.
        self.apex = ""
        self.origin = ""
        self.section = ""
        self.within = 0

    def suffix(self, text: str) -> None:
        """Adds the name and its subdomains."""
        self._name(text, False)

    def exact(self, text: str) -> None:
        """Adds the name alone."""
        self._name(text, True)

    def _name(self, text: str, exact: bool) -> None:
        name, fault = parse_name(text)
        if fault:
            self.ignore(fault, text)
            return
        part = self._public.part_of(name)
        if part == ICANN_SUFFIX and not (self.brand and b"." not in name):
            is_word = b"." not in name and not self._public.is_rule(name)
            self._refuse_suffix(ONE_LABEL if is_word else ANYBODYS, text)
            return
        if self._tail and name[-self._tail :] in self._tails and is_under(name, self._protected):
            self._refuse("a protected name, which no ban may touch", text)
            return
        if part == PRIVATE_SUFFIX and not self.hosting and not exact:
            self.warn("a hosting company's suffix, whose names belong to its customers", text)
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
        """Adds the addresses from the first to the last, as one entry of as many prefixes as needed."""
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
            self.ignore("not an AS number", text)
            return
        self.entries += 1
        self.asns += 1
        if self._builder is not None:
            self._builder.add_asn(int(digits), self.owner)

    def ignore(self, reason: str, text: str) -> None:
        """Counts a line, or a part of one, that gives no entry, with a complaint."""
        self.ignored += 1
        self._complain(LineFault(self.line, text, reason))

    def leave_out(self, reason: str, text: str) -> None:
        """Counts a line that is valid in its format but cannot be expressed as an entry."""
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
        """Adds a complaint about a line whose entry may differ from its author's intention."""
        self._complain(LineFault(self.line, text, reason, ignored=False))

    def cut_off(self, reason: str) -> None:
        """Stores why the rest of the list is not read."""
        self.cut = reason
        self.ignored += 1
        self._complain_first(LineFault(0, "", f"{reason}: the rest is not read"))

    def warn_of_all(self, reason: str) -> None:
        """Adds a complaint about the whole list, before those about its lines."""
        self._complain_first(LineFault(0, "", reason, ignored=False))

    def _complain_first(self, complaint: LineFault) -> None:
        self.complaints.insert(0, complaint)
        del self.complaints[COMPLAINTS_KEPT:]

    def _complain(self, complaint: LineFault) -> None:
        if len(self.complaints) < COMPLAINTS_KEPT:
            self.complaints.append(complaint)
