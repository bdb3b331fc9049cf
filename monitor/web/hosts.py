"""By which names this site may be asked for, where only this host can reach it.

A page from elsewhere can have its own name lead to 127.0.0.1 once a browser has loaded it, and would then read what is
served here as if it were its own (DNS rebinding). The Host field still tells the name that it came by.
"""

from ipaddress import ip_address


def is_asked_as_ours(host: bytes, names: frozenset[str]) -> bool:
    """Whether a Host field (RFC 9110 section 7.2) is an address, a name that no stranger can have, or one of `names`.

    Strangers have no single label, and nothing below `localhost` (RFC 6761 section 6.3). None at all is no browser's.
    """
    text = host.decode("latin-1").lower()
    name = text.partition("]")[0].removeprefix("[") if text.startswith("[") else text.partition(":")[0]
    name = name.removesuffix(".")
    return "." not in name or name.endswith(".localhost") or name in names or is_address(name)


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
