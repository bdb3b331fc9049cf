"""How a test starts a program as somebody without privileges."""

import os

# They may read files everywhere, because the checkout may lie where only root can go; they may do nothing else.
AS_NOBODY = (
    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=+dac_read_search",
)  # fmt: skip


def as_nobody() -> tuple[str, ...]:
    """The words before a command; none where the tests themselves run without privileges."""
    return AS_NOBODY if os.geteuid() == 0 else ()
