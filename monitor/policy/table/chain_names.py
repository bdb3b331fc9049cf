"""Names of the kernel's chains, one for each owner and one for several that have addresses together."""

from typing import Final

from monitor.catalog.entry import CATEGORY_MARK, SERVICE_SEPARATOR
from monitor.policy.owners import OwnerNames
from monitor.policy.table.names import kernel_name

# What stands in a chain's name for the vendor as a whole, beside a service of it: nft takes no `+`.
WHOLE: Final = "_"


def chain_name(owners: OwnerNames) -> str:
    """`v_bytedance`, `v_bytedance/tiktok`, `v_bytedance/ads/tiktok`, `c_encrypted-dns`; several joined by `//`."""
    return kernel_name("//".join([chain_part(owner) for owner in owners]))


def chain_part(owner: str) -> str:
    if owner.startswith(CATEGORY_MARK):
        return f"c_{owner[len(CATEGORY_MARK) :]}"
    vendor, slash, services = owner.partition("/")
    parts = [service or WHOLE for service in services.split(SERVICE_SEPARATOR)] if slash else []
    return "/".join([f"v_{vendor}", *parts])
