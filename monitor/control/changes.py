"""Parses requests to change the policy: arguments from the socket become orders or an error message."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from monitor.catalog.subject_index import PART, SLUG, WORD, Resolution, SubjectIndex
from monitor.catalog.words import host_of, is_host
from monitor.config.device_address import packed_device
from monitor.config.faults import no_group
from monitor.config.sections import Config
from monitor.config.subjects import name
from monitor.config.targets import stand_in
from monitor.control.device_words import device_meant
from monitor.core.books.rows import DeviceRow
from monitor.daemon.policy_words import device_text
from monitor.errors import UsageError
from monitor.policy.ban import ENFORCE, LAYERS, SHADOW
from monitor.policy.group_words import BUT
from monitor.policy.overrides import ALLOW, BAN, PAUSE, RESUME, UNBAN, Override

REASON_CHARACTERS: Final = 500
SECONDS_MAX: Final = 10 * 366 * 86_400
VENDORS_MAX: Final = 500


class ChangeRequest:
    """The arguments of a verb; each accessor validates its value."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._arguments = arguments

    def text(self, key: str) -> str:
        value = self._arguments.get(key, "")
        if not isinstance(value, str):
            raise UsageError(f"{key} must be a text")
        return value

    def flag(self, key: str) -> bool:
        value = self._arguments.get(key, False)
        if not isinstance(value, bool):
            raise UsageError(f"{key} must be true or false")
        return value

    def seconds(self, key: str) -> float | None:
        """Returns None if the argument is missing."""
        value = self._arguments.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= SECONDS_MAX:
            raise UsageError(f"{key} must be a number of seconds up to ten years")
        return float(value)

    def until(self, now: float, may_be_past: bool) -> float:
        """Returns the end given by `for` or `until`, 0: none. Only the end of an exception may be now (`for` = 0)."""
        seconds = self.seconds("for")
        end = self._arguments.get("until")
        if end is None:
            if seconds == 0 and not may_be_past:
                raise UsageError("--for must be more than 0")
            return now + seconds if seconds is not None else 0.0
        if seconds is not None:
            raise UsageError("--for and --until exclude each other")
        if isinstance(end, bool) or not isinstance(end, int | float) or not now < end <= now + SECONDS_MAX:
            raise UsageError("--until must be a time from now on, at most in ten years")
        return float(end)

    def vendors(self) -> list[str]:
        """Returns the words of `vendor`, or of the list `vendors`."""
        value = self._arguments.get("vendors", [self.text("vendor")])
        if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
            raise UsageError("vendors must be a list of texts")
        if len(value) > VENDORS_MAX:
            raise UsageError(f"at most {VENDORS_MAX} vendors at once")
        return value

    def words(self, key: str, known: Sequence[str]) -> tuple[str, ...]:
        """Returns a list of words, each of which must be in `known`."""
        value = self._arguments.get(key, [])
        if not isinstance(value, list):
            raise UsageError(f"{key} must be a list")
        for word in value:
            if word not in known:
                raise UsageError(f"{key}: expected {', '.join(known)}, got {word!r}")
        return tuple(value)

    def reason(self) -> str:
        reason = " ".join(self.text("reason").split())
        if not reason.isprintable():
            raise UsageError("reason must be printable: it goes into the log")
        if len(reason) > REASON_CHARACTERS:
            raise UsageError(f"reason must have at most {REASON_CHARACTERS} characters")
        return reason


@dataclass(frozen=True)
class Change:
    """An order that a verb requests; `notes` explain to people how their words were interpreted."""

    order: Override
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """The context for interpreting words in requests. `banned` are the subjects of all bans, including subjects whose
    list no longer exists.
    """

    config: Config
    subjects: SubjectIndex
    devices: Sequence[DeviceRow] = ()
    banned: frozenset[str] = frozenset()


def read_changes(verb: str, arguments: dict[str, Any], by: Override, known: Known) -> list[Change]:
    """Returns the orders of a verb, one per vendor; `by` holds who made the request and when. Raises UsageError."""
    request = ChangeRequest(arguments)
    order = replace(by, verb=verb, reason=request.reason())
    if verb == RESUME:
        return [Change(replace(order, everything=request.flag("all")))]
    order = replace(order, until=request.until(order.time, verb == ALLOW))
    if verb == PAUSE:
        return [Change(order)]
    if verb == ALLOW:
        return [read_allowance(order, request, known)]
    order = replace(order, group=read_group(request, known.config))
    if verb == BAN:
        mode = SHADOW if request.flag("shadow") else ENFORCE
        order = replace(order, mode=mode, layers=request.words("layers", LAYERS))
    meanings = read_subjects(request.vendors(), known, verb == UNBAN)
    return [Change(replace(order, subject=meaning.subject), notes_of(meaning)) for meaning in meanings]


def read_subjects(words: Sequence[str], known: Known, lifting: bool) -> list[Resolution]:
    """Returns the meaning of each word, without duplicates. Raises UsageError for unknown and ambiguous words."""
    meanings = [read_subject(word, known, lifting) for word in words]
    faults = [meaning.fault() for meaning in meanings if not meaning.subject]
    if faults:
        raise UsageError("; ".join(faults))
    first: dict[str, Resolution] = {}
    for meaning in meanings:
        first.setdefault(meaning.subject, meaning)
    return list(first.values())


def read_subject(word: str, known: Known, lifting: bool = False) -> Resolution:
    """Returns a vendor, service or category. A ban can also be lifted if no list contains its subject."""
    if lifting:
        for text in (word, stand_in(word)):
            if text in known.banned:
                return Resolution(word, text, SLUG)
    return known.subjects.resolve(word)


def notes_of(meaning: Resolution) -> tuple[str, ...]:
    note = meaning.taken()
    return (note,) if note else ()


def read_group(request: ChangeRequest, config: Config) -> str:
    """Returns a configured group, `""` for everyone."""
    group = request.text("group")
    known = [known.name for known in config.groups]
    if group.startswith(BUT) and group[len(BUT) :] in known:
        return group
    if group and group not in known:
        raise UsageError(no_group(group, known))
    return group


def read_allowance(order: Override, request: ChangeRequest, known: Known) -> Change:
    """Returns an exception for one device: what it may reach, until when and why. All three are required."""
    if not order.until or not order.reason:
        wanted = "--for or --until, and --reason"
        raise UsageError(f"allow needs {wanted}: an exception without an end or a reason stays for ever")
    text, asked = request.text("name"), request.text("device")
    device = device_meant(asked, known.devices)
    order = replace(order, device=device)
    try:
        packed_device(asked)
        notes: tuple[str, ...] = ()
    except ValueError:
        notes = (f"{asked} is {device_text(device)}",)
    meaning = known.subjects.resolve(text)
    if is_host(text) and meaning.how not in (WORD, PART):
        try:
            return Change(replace(order, name=name(host_of(text)).encode()), notes)
        except ValueError as error:
            raise UsageError(f"allow: {error}") from None
    if not meaning.subject:
        raise UsageError(meaning.fault())
    return Change(replace(order, subject=meaning.subject), notes + notes_of(meaning))
