"""`ban`, `unban`, `allow`, `pause` and `resume`: changes the policy, logs the change, writes an event, and saves it."""

import asyncio
import pwd
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from monitor.catalog.subject_index import SubjectIndex
from monitor.config.policy import configured_standing
from monitor.control.changes import Known, read_changes
from monitor.control.server import Peer
from monitor.daemon.ban_watch import is_mistake
from monitor.daemon.daemon import Daemon
from monitor.daemon.overrides import order_row
from monitor.daemon.policy_words import concerns, device_text, nothing_to_lift, standing_rows, tell
from monitor.errors import GatewatchError, UsageError
from monitor.events.policy import policy_line
from monitor.log import log
from monitor.policy.ban import EVERYONE, RUNTIME
from monitor.policy.ban_conditions import INEFFECTIVE, WAITING
from monitor.policy.ban_state import BanState
from monitor.policy.overrides import ALLOW, BAN, UNBAN, EffectivePolicy, Override, effective, with_order

EVENT_TYPE: Final = "policy"
# The answer to `ban` must mention these states.
AMISS: Final = (INEFFECTIVE, WAITING)


class PolicyVerbs:
    """Changes the daemon's policy at run time. `changed` makes the daemon apply its orders."""

    def __init__(self, daemon: Daemon, changed: Callable[[], Awaitable[None]]) -> None:
        self._daemon = daemon
        self._changed = changed

    async def answer(self, verb: str, arguments: dict[str, Any], peer: Peer) -> dict[str, Any]:
        """Applies the verb and returns the changes. Raises UsageError for arguments that cannot be interpreted,
        GatewatchError if nothing can be changed.
        """
        daemon = self._daemon
        user = await asyncio.to_thread(user_name, peer.uid)
        now = self._daemon.line.now()
        configured = configured_standing(daemon.config, daemon.loaded.index)
        before = daemon.orders.standing(configured, now)
        devices = daemon.gateway.device_rows() if verb == ALLOW else ()
        known = Known(daemon.config, SubjectIndex(daemon.loaded.index), devices, banned(before))
        changes = read_changes(verb, arguments, Override(verb, now, peer.uid, user, peer.pid), known)
        orders = [settle(change.order, configured, before) for change in changes]
        self._refuse_mistakes(orders, configured, now)
        daemon.orders.add_all(orders, now)
        after = daemon.orders.standing(configured, now)
        await self._changed()
        answers: list[list[str]] = []
        for change in changes:
            order = change.order
            first, *more = tell(order, configured, before, after, daemon.loaded.index)
            answers.append([first, *change.notes, *more])
            log.warning("%s (by %s, process %d%s)", first, user, peer.pid, f": {order.reason}" if order.reason else "")
            self._write(order)
        fault = await daemon.orders.save()
        rows = [order_row(change.order) for change in changes]
        says = [line for answer in answers for line in answer]
        bans = standing_rows(after, daemon.gateway.policy)
        told = {"says": says, "answers": answers, "warnings": self._warnings(orders), "fault": fault}
        return {"order": rows[0], "orders": rows, **told, **bans}

    def _refuse_mistakes(self, orders: Sequence[Override], configured: EffectivePolicy, now: float) -> None:
        """Raises UsageError with the reason, for a ban that can never be effective."""
        kept = list(self._daemon.orders.orders)
        for order in orders:
            kept = with_order(kept, order, now)
        bans = [order for order in orders if order.verb == BAN]
        states = self._daemon.bans.states_under(effective(configured, kept, now)) if bans else ()
        for one in made_by(bans, states):
            mistakes = dict.fromkeys([pair.reason for pair in one.pairs if is_mistake(pair)])
            if mistakes:
                raise UsageError(f"this ban would have no effect: {'; '.join(mistakes)}")

    def _warnings(self, orders: Sequence[Override]) -> list[str]:
        """Returns a line for each new ban that is not in force at present."""
        made = made_by([order for order in orders if order.verb == BAN], self._daemon.bans.states())
        return [f"at present {what(one, made)} is {one.state}: {one.reason}" for one in made if one.state in AMISS]

    def _write(self, order: Override) -> None:
        writer = self._daemon.line.writer
        if writer is not None and EVENT_TYPE in self._daemon.config.events.types:
            writer.write(EVENT_TYPE, policy_line(order.time, event_body(order)))


def banned(standing: EffectivePolicy) -> frozenset[str]:
    """Returns the subjects of all bans."""
    return frozenset(str(subject) for ban in standing.bans for subject in ban.subjects)


def made_by(orders: Sequence[Override], states: Sequence[BanState]) -> list[BanState]:
    """Returns the run-time bans that these orders concern."""
    return [one for one in states if one.ban.source == RUNTIME and any(concerns(order, one.ban) for order in orders)]


def what(one: BanState, made: Sequence[BanState]) -> str:
    """Names the ban in a line about bans that were made together."""
    return "this ban" if len(made) == 1 else f"the ban of {', '.join(map(str, one.ban.subjects))}"


def settle(order: Override, configured: EffectivePolicy, before: EffectivePolicy) -> Override:
    """Returns the order to store. Raises GatewatchError if there is no ban to lift.

    If only run-time bans are to be lifted, the `unban` ends at once: it removes them and need not stay. An `unban` of a
    configured ban stays in force.
    """
    if order.verb != UNBAN:
        return order
    if not any(concerns(order, ban) for ban in before.bans):
        raise GatewatchError(nothing_to_lift(order, before.bans))
    if order.until or any(concerns(order, ban) for ban in configured.bans):
        return order
    return replace(order, until=order.time)


def user_name(uid: int) -> str:
    """Returns the account's name, or its number if it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def event_body(order: Override) -> dict[str, object]:
    """Returns the `policy` object of an event."""
    row: dict[str, object] = {"action": order.verb, **order_row(order)}
    del row["verb"], row["time"]
    if order.device:
        row["device"] = device_text(order.device)
    if order.verb in (BAN, UNBAN):
        row["group"] = order.group or EVERYONE
    return row
