"""Resolves words of administrators to subjects: vendors, services and categories by slug, name, alias or domain name.

A subject is written `vendor`, `vendor/service` or `category:name`; such a word is used as it is. Any other word is
looked up among the names and aliases, folded by `catalog.words.fold`; then, if it is a URL or a domain name, among the
names of the lists. One match is used; several matches, or none, give candidates.
"""

from dataclasses import dataclass
from typing import Final, final

from monitor.catalog.domain import parse_name
from monitor.catalog.entry import CATEGORY, CATEGORY_MARK, INCLUDED, SHARED, UNKNOWN_SERVICE, Vendor
from monitor.catalog.index import Index
from monitor.catalog.likeness import alike
from monitor.catalog.prefix import parse_address
from monitor.catalog.words import AS_NUMBER, brand_of, fold, host_of, is_host, is_number, tokens

CANDIDATES_MAX: Final = 5
# Top-level domains under which a word may be a vendor's domain, if no other name matches it.
ENDINGS: Final = ("com", "net", "org", "io", "app", "ai", "cn", "ru")
BRAND_LETTERS_LEAST: Final = 4
WORD_CHARACTERS_MAX: Final = 300
# Generic names of services: such a word alone names none of them.
GENERIC: Final = frozenset(
    ("ads", "camera", "cdn", "cloud", "ecommerce", "games", "other", "others", "resolver", "tunnel", "tunnels")
)


SLUG: Final = "slug"
WORD: Final = "word"
PART: Final = "part"
NAME: Final = "name"


@dataclass(frozen=True)
class Resolution:
    """The meaning of a word. `subject` is `""` if it is not certain; `candidates` may then contain it, best first.

    `how` it was found: by its `slug`, by a `word` (name or alias), as `part` of the subject (`Gmail` would be a part of
    a vendor without such a service), or by a domain `name`. `ambiguous`: the word names all candidates. `others` are
    subjects that the word names besides the chosen one.
    """

    word: str
    subject: str = ""
    how: str = ""
    candidates: tuple[str, ...] = ()
    ambiguous: bool = False
    others: tuple[str, ...] = ()

    def taken(self) -> str:
        """Returns a message about the subject chosen for the word, `""` if the word is the subject itself."""
        if not self.subject or self.how == SLUG:
            beside = ", ".join(self.others)
            return f"{self.word} is also a name of {beside}, which is not meant here" if beside else ""
        if self.how == PART:
            return f"{self.word} is a part of {self.subject}, which is taken as a whole"
        return f"{self.word} is {self.subject}"

    def fault(self) -> str:
        """Returns a message about why no subject was chosen, with suggestions."""
        if self.ambiguous:
            return f"'{self.word}' {self.hint()}"
        if self.candidates and is_number(self.word):
            listed = " and ".join([f"'{candidate}'" for candidate in self.candidates])
            return f"'{self.word}' is a part of {listed}: name a vendor, a service or a category instead"
        return f"no list knows '{self.word}', {self.hint()}"

    def hint(self) -> str:
        """Returns the last part of the message of `fault`: the suggestions."""
        listed = " or ".join([f"'{candidate}'" for candidate in self.candidates])
        if self.ambiguous:
            return f"may mean {listed}: write {'one of them' if len(self.candidates) > 1 else 'that'}"
        if listed:
            return f"the nearest {'are' if len(self.candidates) > 1 else 'is'} {listed}"
        if is_host(self.word) or is_number(self.word):
            return "it is not in the catalogue: to ban it, name it in the file of a [[list]] of your own"
        return "it is not in the catalogue, which `gatewatch catalog` lists"


# For text that is not a word.
NO_MEANING: Final = Resolution("")


@final
class SubjectIndex:
    """Resolves words over the vendors, services, categories and names of one index. Building takes milliseconds."""

    __slots__ = ("_index", "_parts", "_services", "_shared", "_subjects", "_words")

    def __init__(self, index: Index) -> None:
        self._index = index
        self._subjects: dict[str, str] = {}
        self._services: dict[str, list[str]] = {}
        self._shared: set[str] = set()
        self._words: dict[str, list[str]] = {}
        self._parts: dict[str, list[str]] = {}
        for vendor in index.vendors():
            self._add(vendor)

    def subjects(self) -> list[str]:
        """Returns all possible subjects of a ban, in the order of the lists."""
        return list(self._subjects)

    def name_of(self, subject: str) -> str:
        """Returns the subject's display name, `""` for an unknown subject."""
        return self._subjects.get(subject, "")

    def resolve(self, text: str) -> Resolution:
        """Returns the meaning of the word, name or URL. Never raises: an unknown text has no subject."""
        word = text.strip()
        if word in self._subjects:
            return Resolution(word, word, SLUG, others=self._namesakes(word))
        if len(word) > WORD_CHARACTERS_MAX or not word.isprintable():
            return Resolution(word[:WORD_CHARACTERS_MAX])
        if word.casefold().startswith(CATEGORY_MARK):
            return self._resolve_category(word)
        if is_host(word):
            return self._resolve_host(word)
        if "/" in word:
            return self._resolve_service(word)
        bare = host_of(word)
        if bare != word and bare and parse_address(bare) is None:  # a word with a port, as of an authority
            found = self._resolve_word(bare)
            return Resolution(word, found.subject, found.how, found.candidates, found.ambiguous)
        return self._resolve_word(word)

    def _add(self, vendor: Vendor) -> None:
        if vendor.kind == CATEGORY:
            subject = CATEGORY_MARK + vendor.slug
            self._subjects.setdefault(subject, vendor.name)
            self._name(subject, (vendor.slug, vendor.name))
            # A service of a category is no subject: its words name a part of the category.
            for slug, name in vendor.services:
                self._put(self._parts, subject, (slug, name))
            for alias in vendor.aliases:
                self._put(self._parts if alias.part or alias.service else self._words, subject, (alias.text,))
            return
        self._subjects.setdefault(vendor.slug, vendor.name)
        self._name(vendor.slug, (vendor.slug, vendor.name))
        if vendor.kind == SHARED:
            self._shared.add(vendor.slug)
        services = self._services.setdefault(vendor.slug, [])
        for slug, name in vendor.services:
            subject = f"{vendor.slug}/{slug}"
            services.append(subject)
            self._subjects.setdefault(subject, name)
            self._name(subject, (slug, name))
        for alias in vendor.aliases:
            subject = f"{vendor.slug}/{alias.service}" if alias.service else vendor.slug
            self._put(self._parts if alias.part else self._words, subject, (alias.text,))

    def _name(self, subject: str, names: tuple[str, ...]) -> None:
        self._put(self._words, subject, names)
        # `X (Twitter)` has the name X too.
        self._put(self._words, subject, tuple([name.partition("(")[0] for name in names]))

    def _put(self, table: dict[str, list[str]], subject: str, names: tuple[str, ...]) -> None:
        for name in names:
            folded = fold(name)
            found = table.setdefault(folded, []) if folded else []
            if subject not in found:
                found.append(subject)

    def _namesakes(self, subject: str) -> tuple[str, ...]:
        """Returns other subjects whose name is this subject's slug: the slug of a user's list may be an app's name."""
        if "/" in subject or ":" in subject:
            return ()
        found = self._words.get(fold(subject), [])
        return tuple([other for other in found if other.partition("/")[0] != subject])

    def _called(self, folded: str) -> list[str]:
        """Returns the subjects that the folded word names. If it names a vendor, leaves out that vendor's services."""
        found = self._words.get(folded, [])
        return [one for one in found if one == self._vendor(one) or self._vendor(one) not in found]

    def _vendor(self, subject: str) -> str:
        return subject.partition("/")[0]

    def _whole(self, subject: str) -> str:
        """Returns the vendor instead of its only service, because the vendor includes its networks too."""
        vendor = self._vendor(subject)
        return vendor if self._services.get(vendor) == [subject] else subject

    def _resolve_word(self, word: str) -> Resolution:
        folded = fold(word)
        found = unique([self._whole(one) for one in self._called(folded)])
        if len(found) == 1 and (folded not in GENERIC or found[0].startswith(CATEGORY_MARK)):
            return Resolution(word, found[0], WORD)
        if found:
            return Resolution(word, candidates=tuple(found), ambiguous=True)
        parts = self._parts.get(folded, [])
        if len(parts) == 1:
            return Resolution(word, parts[0], PART)
        if parts:
            return Resolution(word, candidates=tuple(parts), ambiguous=True)
        number = AS_NUMBER.fullmatch(word)
        if number is not None:
            return Resolution(word, candidates=self._of_network(int(number.group(1))))
        if parse_address(host_of(word)) is not None:
            return Resolution(word, candidates=self._of_address(word))
        return Resolution(word, candidates=self._alike(word) or self._branded(folded))

    def _resolve_category(self, word: str) -> Resolution:
        rest = word[len(CATEGORY_MARK) :]
        named = [one for one in self._words.get(fold(rest), []) if one.startswith(CATEGORY_MARK)]
        if len(named) == 1:
            return Resolution(word, named[0], WORD)
        near = [one for one in self._alike(rest) if one.startswith(CATEGORY_MARK)]
        return Resolution(word, candidates=tuple(named or near), ambiguous=len(named) > 1)

    def _resolve_service(self, word: str) -> Resolution:
        """Resolves `vendor/service` in any spelling of both."""
        vendor_word, _, service_word = word.partition("/")
        vendor = self._resolve_word(vendor_word)
        if vendor.subject not in self._services:
            near = self._resolve_word(service_word)
            found = [one for one in (vendor.subject, near.subject, *vendor.candidates, *near.candidates) if one]
            return Resolution(word, candidates=tuple(unique(found)[:CANDIDATES_MAX]))
        services = self._services[vendor.subject]
        named = [one for one in self._words.get(fold(service_word), []) if one in services]
        if len(named) == 1:
            return Resolution(word, named[0], WORD)
        words = {folded: [one for one in found if one in services] for folded, found in self._words.items()}
        near_words = alike(fold(service_word), [folded for folded, found in words.items() if found])
        candidates = named or unique([one for folded in near_words for one in words[folded]]) or [vendor.subject]
        return Resolution(word, candidates=tuple(candidates[:CANDIDATES_MAX]), ambiguous=len(named) > 1)

    def _resolve_host(self, word: str) -> Resolution:
        """Resolves by the name's entry; a listed name precedes words of similar spelling (`Dr.Web`, `Mail.ru`)."""
        host = host_of(word)
        if "." not in host.strip("."):
            found = self._resolve_word(host)
            return Resolution(word, found.subject, found.how, found.candidates, found.ambiguous)
        address = parse_address(host)
        if address is not None:
            return Resolution(word, candidates=self._of_address(host))
        name, _ = parse_name(host)
        owners = self._owners(name) if name else []
        if len(owners) == 1 and owners[0] not in self._shared and self._vendor(owners[0]) not in self._shared:
            return Resolution(word, owners[0], NAME)
        if owners:
            return Resolution(word, candidates=tuple(owners), ambiguous=True)
        if host == word and fold(word) in self._words:
            return self._resolve_word(word)
        return Resolution(word, candidates=self._alike(brand_of(host)))

    def _owners(self, name: bytes) -> list[str]:
        """Returns the subjects that own the name, without categories that only include a vendor's entry."""
        found: list[str] = []
        entry = self._index.match_name(name)
        entries = self._index.owners_of_name(name).entries
        categories = [one for one in entries if one.category and one.service != INCLUDED]
        if entry is not None:
            known = entry.service != UNKNOWN_SERVICE
            found.append(self._whole(f"{entry.vendor}/{entry.service}") if known else entry.vendor)
        if categories:
            found.append(CATEGORY_MARK + categories[0].vendor)
        return found

    def _branded(self, folded: str) -> tuple[str, ...]:
        """Returns the owners of the word as a name under a top-level domain, such as `hola.org`."""
        if len(folded) < BRAND_LETTERS_LEAST or not folded.isascii():
            return ()
        found: list[str] = []
        for ending in ENDINGS:
            found += self._owners(f"{folded}.{ending}".encode())
        return tuple(unique([one for one in found if self._vendor(one) not in self._shared])[:CANDIDATES_MAX])

    def _of_network(self, number: int) -> tuple[str, ...]:
        """Suggests the vendor of an AS number, because a ban cannot name AS numbers."""
        entry = self._index.owners_of_asn(number).entry
        return (entry.vendor,) if entry is not None else ()

    def _of_address(self, text: str) -> tuple[str, ...]:
        """Suggests the vendor of an address, because a ban cannot name addresses."""
        address = parse_address(host_of(text))
        entry = self._index.match_address(address) if address is not None else None
        return (entry.vendor,) if entry is not None else ()

    def _alike(self, text: str) -> tuple[str, ...]:
        """Returns subjects with a name or an alias similar to the text, best first."""
        folded = fold(text)
        found: list[str] = []
        for table in (self._words, self._parts):
            if folded in table:
                found += table[folded]
        for near in alike(folded, [*self._words, *self._parts]):
            found += self._called(near) or self._parts.get(near, [])
        for number, token in enumerate(tokens(text)):
            if (number == 0 or len(token) >= 5) and token not in GENERIC:
                found += self._called(token)
        return tuple(unique([self._whole(one) for one in found])[:CANDIDATES_MAX])


def unique(texts: list[str]) -> list[str]:
    """Returns the distinct texts in their order."""
    return list(dict.fromkeys(texts))
