"""The page that a browser shows for a banned name: that it is blocked, by which rule, and the contact.

It is served only over plain HTTP: the gateway has no certificate for the banned name, and forges none.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

from markupsafe import Markup

from monitor.web.document import STYLE, document, page_headers
from monitor.web.http import HTML_TYPE, Reply, Request

BANNED: Final = "banned"
FREE: Final = "free"
NO_NAME: Final = "no_name"

_NAME: Final = re.compile(rb"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?")
_DIGITS: Final = re.compile(rb"[0-9.]+")

PAGE_STYLE: Final = (
    STYLE
    + """
.page { max-width: 36rem; padding-top: 10vh; } .card { border-top: .3rem solid var(--bad); padding: 1.5rem; }
.card.free { border-top-color: var(--good); } h1 { font-size: 1.4rem; margin-bottom: .75rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1rem; margin: 1rem 0 0; }
dt { color: var(--soft); } dd { margin: 0; }
"""
)
HEADERS: Final = page_headers(PAGE_STYLE)


@dataclass(frozen=True)
class Rule:
    """The ban that blocks the requested name; `until` is in seconds since the epoch, 0 for no end."""

    ban: str
    subject: str
    group: str
    reason: str
    until: float


# Returns the rule that blocks a name for the client at an address, None if no ban does.
Explain: TypeAlias = Callable[[str, bytes], Rule | None]


class BlockedSite:
    """Answers every path of every name.

    `contact` is the person or address for questions, `ttl` the seconds for which clients cache a blocked answer.
    """

    def __init__(self, explain: Explain) -> None:
        self.contact = ""
        self.ttl = 0
        self.counts = {BANNED: 0, FREE: 0, NO_NAME: 0}
        self._explain = explain

    async def answer(self, request: Request) -> Reply:
        name = name_of(request.host)
        rule = self._explain(request.client, name) if name else None
        self.counts[BANNED if rule is not None else FREE if name else NO_NAME] += 1
        if rule is not None:
            page = blocked_page(name.decode(), rule, self.contact)
            return Reply(HTTPStatus.FORBIDDEN, page, HTML_TYPE, HEADERS)
        if name:
            return Reply(HTTPStatus.SERVICE_UNAVAILABLE, free_page(name.decode(), self.ttl), HTML_TYPE, HEADERS)
        return Reply(HTTPStatus.NOT_FOUND, no_page(self.contact), HTML_TYPE, HEADERS)


def name_of(host: bytes) -> bytes:
    """Returns the name of a Host field (RFC 9110 section 7.2) in lower case, `b""` for an address or invalid name."""
    name = host.partition(b":")[0].lower().rstrip(b".")
    if not _NAME.fullmatch(name) or _DIGITS.fullmatch(name):
        return b""
    return name


def blocked_page(name: str, rule: Rule, contact: str) -> bytes:
    terms = [("Rule", f"{rule.subject}, for {'everyone' if rule.group == 'all' else rule.group}")]
    if rule.reason:
        terms.append(("Reason", rule.reason))
    if rule.until:
        terms.append(("Until", time.strftime("%Y-%m-%d %H:%M", time.localtime(rule.until))))
    if contact:
        terms.append(("Contact", contact))
    terms.append(("Reference", rule.ban))
    rows = Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>\n").format(title, text) for title, text in terms)
    body = Markup(
        '<main class="card">\n<h1>{} is blocked here</h1>\n'
        "<p>This network blocks it for this device. The device is not at fault.</p>\n<dl>\n{}</dl></main>"
    ).format(name, rows)
    return document(f"{name} is blocked here", PAGE_STYLE, body)


def free_page(name: str, ttl: int) -> bytes:
    body = Markup(
        '<main class="card free">\n<h1>{} is no longer blocked</h1>\n'
        "<p>This device may still remember the block for up to {} seconds. Then try again.</p></main>"
    ).format(name, ttl)
    return document(f"{name} is not blocked", PAGE_STYLE, body)


def no_page(contact: str) -> bytes:
    line = Markup("<p>Contact: {}</p>").format(contact) if contact else Markup("")
    body = Markup(
        '<main class="card">\n<h1>Page for blocked names</h1>\n<p>This network blocks some names.</p>{}</main>'
    ).format(line)
    return document("Page for blocked names", PAGE_STYLE, body)
