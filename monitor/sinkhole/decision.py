"""The policy's decision on one name that one client queries."""

from collections.abc import Callable
from typing import Final, TypeAlias, final

from monitor.wire.dns.reply import EDE_BLOCKED, error_option


@final
class Decision:
    """Whether the sinkhole answers a query itself (`banned`) or forwards it; made once per ban, used for many queries.

    `excused`: only an exception lets the client reach the name; then the CNAME targets in its answer, which are mostly
    of the same vendor, are excused, too. `strip_ech`: remove `ech` from forwarded answers. `plain`: the client is
    under a ban that needs plain DNS, so that canaries get the answers that their owners define. `text` is the extra
    text of the extended DNS error (RFC 8914). `about` is opaque data of the policy, passed to `Blocked`.
    """

    __slots__ = ("about", "banned", "excused", "option", "plain", "strip_ech")

    def __init__(
        self,
        banned: bool,
        strip_ech: bool = False,
        plain: bool = True,
        text: str = "",
        about: object = None,
        excused: bool = False,
    ) -> None:
        self.banned = banned
        self.excused = excused
        self.strip_ech = strip_ech
        self.plain = plain
        self.option = error_option(EDE_BLOCKED, text.encode())
        self.about = about


PASS: Final = Decision(banned=False)

# Takes a client's packed address and a name (lower case, as everywhere). Called for the name of the query (False), and
# for every CNAME target of an answer (True): names of a banned vendor's customers are banned as queries only.
Decide: TypeAlias = Callable[[bytes, bytes, bool], Decision]
# Called for every query that was answered as banned, with the client's packed address, the queried name, the decision.
Blocked: TypeAlias = Callable[[bytes, bytes, Decision], None]
