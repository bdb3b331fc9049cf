"""Checks the Host field of requests to a site that listens on loopback only, against DNS rebinding.

A foreign page can change its own name to resolve to 127.0.0.1 after a browser has loaded it, and could then read this
site as its own origin. The Host field of such a request still contains the foreign name.
"""

from ipaddress import ip_address


def is_asked_as_ours(host: bytes, names: frozenset[str]) -> bool:
    """Whether a request with this Host field (RFC 9110 section 7.2) may be answered.

    Accepts addresses, `names`, and names that no foreign page can have: those of a single label, and those below
    `localhost` (RFC 6761 section 6.3). Accepts an empty field, because browsers never send one.
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
