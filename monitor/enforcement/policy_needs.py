"""Whether a policy needs the kernel table and the sinkhole, and which resolvers its clients should query."""

from ipaddress import ip_address

from monitor.enforcement.context import EnforcementContext
from monitor.enforcement.resolver import system_resolvers
from monitor.policy.ban import DNS, ENFORCE, OBSERVE
from monitor.policy.policy import Policy
from monitor.sinkhole.settings import ASKED


def needs_kernel(policy: Policy) -> bool:
    return any(ban.mode != OBSERVE for ban in policy.bans)


def needs_sinkhole(policy: Policy) -> bool:
    return any(ban.mode == ENFORCE and DNS in ban.layers for ban in policy.bans)


def meant_resolvers(ground: EnforcementContext, upstreams: tuple[bytes, ...]) -> frozenset[bytes]:
    """Returns the packed addresses of the gateway, its upstream resolvers and the exempt resolvers.

    Empty if clients may choose any resolver. `upstreams` are the configured resolvers, none for those of the system.
    """
    section = ground.config.sinkhole
    if section.upstream == ASKED:
        return frozenset()
    own = [ip_address(text).packed for text in ground.own]
    exempt = section.exempt
    return frozenset((*own, *(upstreams or system_resolvers()), *exempt))
