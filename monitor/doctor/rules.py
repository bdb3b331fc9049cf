"""Finds rules of other programs that conflict with gatewatch's rules: they run before them, at the same priority, or
drop packets that gatewatch sends.
"""

from collections.abc import Iterator
from typing import Final

from monitor.doctor.case import Case
from monitor.doctor.finding import Finding
from monitor.doctor.privileges import NET_ADMIN, has
from monitor.kernel.nft.chains import (
    NF_INET_FORWARD,
    NF_INET_INGRESS,
    NF_INET_LOCAL_OUT,
    NF_NETDEV_INGRESS,
    BaseChain,
    base_chains,
)
from monitor.kernel.nft.diversion import MARKING, SENDING
from monitor.kernel.nft.libnftables import NftLibrary
from monitor.policy.table.desired import TABLE

TOPIC: Final = "other rules"
FORWARD_PRIORITY: Final = -5  # `filter - 5`
ROUTED: Final = ("inet", "ip", "ip6")
OURS: Final = (TABLE, f"{TABLE}_bridge")


def find(case: Case) -> Iterator[Finding]:
    if not has(NET_ADMIN):
        return
    for chain in base_chains():
        if chain.table in OURS:
            continue
        if chain.family in ROUTED and chain.hook == NF_INET_FORWARD and chain.priority == FORWARD_PRIORITY:
            yield Finding(
                TOPIC,
                f"chain {chain} runs at the same priority as bans by address and cut flows (forward, priority "
                f"{FORWARD_PRIORITY}): their order is undefined",
                f"nft list chain {chain}   # and set another priority, such as filter (0)",
            )
        elif chain.family in ROUTED and chain.hook == NF_INET_LOCAL_OUT and chain.drops and not lets_resets_pass(chain):
            rule = f"nft insert rule {chain} tcp flags rst accept"
            what = f"chain {chain} drops packets that this host sends: clients of cut flows hang instead of being reset"
            yield Finding(TOPIC, what, rule)
        elif is_ingress(chain) and chain.priority <= SENDING and set(chain.devices) & set(case.names):
            where = ", ".join(sorted(set(chain.devices) & set(case.names)))
            yield Finding(
                TOPIC,
                f"chain {chain} sees the frames of {where} before DNS queries are diverted there (ingress, priority "
                f"{chain.priority}; gatewatch uses {MARKING} and {SENDING})",
                f"nft list chain {chain}   # and set a priority above {SENDING}",
            )


def lets_resets_pass(chain: BaseChain) -> bool:
    """Whether a rule of the chain matches resets; `ct state established` does not match resets sent for other hosts."""
    library = NftLibrary()
    try:
        return " rst " in f"{library.run(f'list chain {chain}')} "
    finally:
        library.close()


def is_ingress(chain: BaseChain) -> bool:
    return (chain.family, chain.hook) in (("netdev", NF_NETDEV_INGRESS), ("inet", NF_INET_INGRESS))
