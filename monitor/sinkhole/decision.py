"""What shall become of one name that one client asks for; the sinkhole asks, the policy decides."""

from collections.abc import Callable
from typing import Final, TypeAlias, final

from monitor.wire.dns.reply import EDE_BLOCKED, error_option


@final
class Decision:
    """`banned` names are answered here, others are passed on; made once per ban and used for many queries.

    `excused` says that the name would be banned but for an exception: then the names that its answer leads to, mostly
    of the same vendor, are excused with it. `strip_ech` takes `ech` out of what is passed on. `plain` says that the
    client is under a ban that needs plain DNS, so that the canaries are answered as their owners define. `text` goes
    into the answer for whoever looks (RFC 8914), `about` is the policy's own and comes back to it.
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

# Of a client's packed address and a name (lower case, as everywhere). Called for the name of the query (False), and for
# every name that an answer leads to by CNAME (True): names of a banned vendor's customers are banned as queries only.
Decide: TypeAlias = Callable[[bytes, bytes, bool], Decision]
# Told of every query that was answered as banned: the client's address, the name that was asked for, the decision.
Blocked: TypeAlias = Callable[[bytes, bytes, Decision], None]
