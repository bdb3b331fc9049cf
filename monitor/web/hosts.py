"""Checks the Host field of requests to a site that listens on loopback only, against DNS rebinding.

A foreign page can change its own name to resolve to 127.0.0.1 after a browser has loaded it, and could then read this
site as its own origin. The Host field of such a request still contains the foreign name.
"""

from ipaddress import ip_address


def is_asked_as_ours(host: bytes, names: frozenset[str]) -> bool:
    """Whether a Host field (RFC 9110 section 7.2) is an address, one of `names`, or impossible for a foreign page.

    A foreign page cannot have a single label or a name below `localhost` (RFC 6761 section 6.3). An empty field never
    comes from a browser.
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
