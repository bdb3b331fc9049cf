"""Requests to change the policy, from what came over the socket to an order, or to a line that says what is wrong."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from monitor.catalog.index import Index
from monitor.catalog.subject_index import SubjectIndex
from monitor.config.complaints import nearest
from monitor.config.sections import Config
from monitor.config.subjects import name
from monitor.config.values import packed_device
from monitor.errors import UsageError
from monitor.policy.ban import ENFORCE, LAYERS, SHADOW
from monitor.policy.orders import ALLOW, BAN, PAUSE, RESUME, UNBAN, Order

REASON_CHARACTERS: Final = 500
SECONDS_MAX: Final = 10 * 366 * 86_400


class Request:
    """The arguments of a verb, each looked at before it is believed."""

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
        """None where nothing was said."""
        value = self._arguments.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= SECONDS_MAX:
            raise UsageError(f"{key} must be a number of seconds up to ten years")
        return float(value)

    def words(self, key: str, known: Sequence[str]) -> tuple[str, ...]:
        """Some of the known words."""
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


def read_change(verb: str, arguments: dict[str, Any], by: Order, config: Config, index: Index) -> Order:
    """The order that a verb asks for; `by` has who asks and when. Raises UsageError."""
    request = Request(arguments)
    order = replace(by, verb=verb, reason=request.reason())
    if verb == RESUME:
        return replace(order, everything=request.flag("all"))
    seconds = request.seconds("for")
    if seconds == 0 and verb != ALLOW:
        raise UsageError("--for must be more than 0")
    order = replace(order, until=order.time + seconds if seconds is not None else 0.0)
    if verb == PAUSE:
        return order
    if verb == ALLOW:
        return read_allowance(order, request, index)
    order = replace(order, subject=read_subject(request.text("vendor"), index), group=read_group(request, config))
    if verb == UNBAN:
        return order
    mode = SHADOW if request.flag("shadow") else ENFORCE
    return replace(order, verb=BAN, mode=mode, layers=request.words("layers", LAYERS))


def read_subject(text: str, index: Index) -> str:
    """A vendor, a service or a category that the catalogue knows."""
    found = SubjectIndex(index).resolve(text)
    if not found.subject:
        raise UsageError(found.fault())
    return found.subject


def read_group(request: Request, config: Config) -> str:
    """A group of the configuration, `""` for everyone."""
    group = request.text("group")
    known = [known.name for known in config.groups]
    if group and group not in known:
        near = nearest(group, known)
        hint = f", the nearest is '{near}'" if near else f", there are {', '.join(known) or 'none'}"
        raise UsageError(f"no group '{group}'{hint}")
    return group


def read_allowance(order: Order, request: Request, index: Index) -> Order:
    """What one device may reach, until when and why; all of it must be said."""
    if not order.until or not order.reason:
        raise UsageError("allow needs --for and --reason: an exception without an end or a reason stays for ever")
    text = request.text("name")
    try:
        order = replace(order, device=packed_device(request.text("device")))
        if "." in text.rstrip("."):
            return replace(order, name=name(text).encode())
    except ValueError as error:
        raise UsageError(f"allow: {error}") from None
    return replace(order, subject=read_subject(text, index))
