"""What to say: the same for UDP and TCP, without any input or output.

`ask` says at once what can be said at once; what must be passed on comes back as `Asked`, and `settle` makes out of
the upstream's answer what the client gets.
"""

from typing import Final, final

from monitor.sinkhole.canaries import NO_DATA, canary
from monitor.sinkhole.counts import BANNED, CANARY, CLOAKED, DROPPED, ERROR, PASSED, Counts
from monitor.sinkhole.decision import Blocked, Decide, Decision
from monitor.sinkhole.templates import Templates
from monitor.wire.dns.chain import chain_names
from monitor.wire.dns.ech import strip_ech
from monitor.wire.dns.query import BADVERS, QUERY, REFUSED, SERVFAIL, Query, read_query
from monitor.wire.dns.reply import (
    EDE_BLOCKED,
    EDE_UNREACHABLE,
    Template,
    error_option,
    make_answer,
    make_error,
    with_id,
)

# Asked to see that the sinkhole answers; banned whatever the policy, and said so in words that nobody else has.
PROBE_NAME: Final = b"probe.gatewatch.invalid"
_PROBED: Final = error_option(EDE_BLOCKED, b"gatewatch answers its own probe")
TRUNCATED: Final = 0x02
_UNREACHABLE: Final = error_option(EDE_UNREACHABLE)


@final
class Asked:
    """A query that somebody else must answer."""

    __slots__ = ("client", "decision", "query")

    def __init__(self, client: bytes, query: Query, decision: Decision) -> None:
        self.client = client
        self.query = query
        self.decision = decision


@final
class Responder:
    """`forms` may be replaced at any time."""

    def __init__(self, decide: Decide, blocked: Blocked, forms: Templates, counts: Counts) -> None:
        self.decide = decide
        self.blocked = blocked
        self.forms = forms
        self.counts = counts

    def ask(self, client: bytes, data: bytes) -> bytes | Asked | None:
        """The answer to the query in `data`, or what to pass on, or None: bytes that deserve no answer."""
        query = read_query(data)
        counts = self.counts.queries
        if query is None:
            counts[DROPPED] += 1
            return None
        if query.trouble:
            counts[ERROR] += 1
            return make_error(query, query.trouble)
        if query.name == PROBE_NAME:
            return make_answer(query, self._form(query), _PROBED)
        decision = self.decide(client, query.name, False)
        if decision.banned:
            return self._refuse(client, query, decision, BANNED)
        word = canary(query.name) if decision.plain else 0
        if word:
            counts[CANARY] += 1
            return make_answer(query, self.forms.no_data if word == NO_DATA else self.forms.no_name, decision.option)
        counts[PASSED] += 1
        return Asked(client, query, decision)

    def settle(self, asked: Asked, data: bytes) -> bytes:
        """What the client gets for the upstream's answer: its bytes but for the id, unless a rule changes it."""
        query = asked.query
        names = [] if asked.decision.excused else chain_names(data, self.counts.errors)
        for name in names:
            decision = self.decide(asked.client, name, True)
            if decision.banned:
                return self._refuse(asked.client, query, decision, CLOAKED)
        if asked.decision.strip_ech:
            stripped = strip_ech(data)
            if stripped is not None:
                data = stripped
            elif not data[2] & TRUNCATED:  # nobody can say where its `ech` is; a truncated one is asked for again
                return make_error(query, SERVFAIL)
        return with_id(data, query.data)

    def fail(self, asked: Asked, option: bytes = _UNREACHABLE) -> bytes:
        """What the client gets where no upstream answers."""
        return make_error(asked.query, SERVFAIL, option)

    def _refuse(self, client: bytes, query: Query, decision: Decision, action: str) -> bytes:
        """The answer to a banned name."""
        self.counts.queries[action] += 1
        self.blocked(client, query.name, decision)
        if query.opcode != QUERY:
            return make_error(query, REFUSED, decision.option)
        if query.edns and query.version:  # RFC 6891 section 6.1.3
            return make_error(query, BADVERS)
        return make_answer(query, self._form(query), decision.option)

    def _form(self, query: Query) -> Template:
        """A banned canary keeps its owner's answer: to another one its device would react by waiting."""
        word = canary(query.name)
        if word:
            return self.forms.no_data if word == NO_DATA else self.forms.no_name
        return self.forms.banned(query.type)
