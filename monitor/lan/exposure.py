"""Whether the daemon's own web server can be reached from the internet side."""

from ipaddress import ip_address
from typing import Final

from monitor.config.values import Endpoint
from monitor.kernel.nft.chains import NF_INET_LOCAL_IN, base_chains

ROUTED: Final = ("inet", "ip", "ip6")


def exposure(listen: Endpoint) -> str:
    """One line where the server listens at every address and no firewall drops what it does not know, else `""`."""
    return "" if drops_input() else exposure_anywhere(listen)


def exposure_anywhere(listen: Endpoint) -> str:
    """The same, whatever firewall this machine has."""
    if not listen.host or not ip_address(listen.host).is_unspecified:
        return ""
    return (
        f'[metrics].listen = "{listen}" serves at every address of this host, that of the internet side too: write '
        f"an address of the LAN, or drop TCP port {listen.port} from outside in the firewall"
    )


def drops_input() -> bool:
    """Whether a chain for what is sent to this host drops by its policy; False where the kernel does not tell."""
    try:
        return any(chain.family in ROUTED and chain.hook == NF_INET_LOCAL_IN and chain.drops for chain in base_chains())
    except OSError:
        return False
