"""Makes the answers for UDP and TCP, without any input or output.

`ask` answers a query at once or returns it as `Asked` to be forwarded; `settle` turns the upstream's answer into the
answer for the client.
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

# The name of probes. It is banned by every policy, and its answer has a text that no other server sends.
PROBE_NAME: Final = b"probe.gatewatch.invalid"
_PROBED: Final = error_option(EDE_BLOCKED, b"gatewatch answers its own probe")
TRUNCATED: Final = 0x02
_UNREACHABLE: Final = error_option(EDE_UNREACHABLE)


@final
class Asked:
    """A query that an upstream must answer."""

    __slots__ = ("client", "decision", "query")

    def __init__(self, client: bytes, query: Query, decision: Decision) -> None:
        self.client = client
        self.query = query
        self.decision = decision


@final
class Responder:
    """Decides on queries and makes their answers; `forms` may be replaced at any time."""

    def __init__(self, decide: Decide, blocked: Blocked, forms: Templates, counts: Counts) -> None:
        self.decide = decide
        self.blocked = blocked
        self.forms = forms
        self.counts = counts

    def ask(self, client: bytes, data: bytes) -> bytes | Asked | None:
        """Returns the answer to the query in `data`, the query to forward, or None if `data` is not to be answered."""
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
        """Returns the client's answer: the upstream's bytes with the client's id, unless a rule changes the answer."""
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
            elif not data[2] & TRUNCATED:  # `ech` cannot be located; clients repeat a truncated one
                return make_error(query, SERVFAIL)
        return with_id(data, query.data)

    def fail(self, asked: Asked, option: bytes = _UNREACHABLE) -> bytes:
        """Returns the client's answer if no upstream answers."""
        return make_error(asked.query, SERVFAIL, option)

    def _refuse(self, client: bytes, query: Query, decision: Decision, action: str) -> bytes:
        """Counts the query and returns the answer for a banned name."""
        self.counts.queries[action] += 1
        self.blocked(client, query.name, decision)
        if query.opcode != QUERY:
            return make_error(query, REFUSED, decision.option)
        if query.edns and query.version:  # RFC 6891 section 6.1.3
            return make_error(query, BADVERS)
        return make_answer(query, self._form(query), decision.option)

    def _form(self, query: Query) -> Template:
        """Returns the template. A banned canary keeps its defined answer: another one would make the device wait."""
        word = canary(query.name)
        if word:
            return self.forms.no_data if word == NO_DATA else self.forms.no_name
        return self.forms.banned(query.type)
