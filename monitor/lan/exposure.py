"""Whether the daemon's own web server can be reached from the internet side."""

from ipaddress import ip_address
from typing import Final

from monitor.config.values import Endpoint
from monitor.kernel.nft.chains import NF_INET_LOCAL_IN, base_chains

ROUTED: Final = ("inet", "ip", "ip6")


def exposure(listen: Endpoint) -> str:
    """Returns one line if the server listens on every address and no firewall drops unknown traffic, else `""`."""
    return "" if drops_input() else exposure_anywhere(listen)


def exposure_anywhere(listen: Endpoint) -> str:
    """Returns one line if the server listens on every address, regardless of the firewall, else `""`."""
    if not listen.host or not ip_address(listen.host).is_unspecified:
        return ""
    return (
        f'[metrics].listen = "{listen}" serves at every address of this host, that of the internet side too: write '
        f"an address of the LAN, or drop TCP port {listen.port} from outside in the firewall"
    )


def drops_input() -> bool:
    """Whether an input chain has the policy drop; False if the kernel cannot be queried."""
    try:
        return any(chain.family in ROUTED and chain.hook == NF_INET_LOCAL_IN and chain.drops for chain in base_chains())
    except OSError:
        return False
