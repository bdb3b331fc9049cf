"""Names of the kernel's chains: one for each owner, and one for each combination of owners that share addresses."""

from typing import Final

from monitor.catalog.entry import CATEGORY_MARK, SERVICE_SEPARATOR
from monitor.policy.owners import OwnerNames
from monitor.policy.table.names import kernel_name

# Stands in a chain's name for the vendor as a whole, next to a service of it: nft allows no `+` in names.
WHOLE: Final = "_"


def chain_name(owners: OwnerNames) -> str:
    """Returns `v_bytedance`, `v_bytedance/tiktok`, `v_bytedance/ads/tiktok`, `c_encrypted-dns`; `//` joins several."""
    return kernel_name("//".join([chain_part(owner) for owner in owners]))


def chain_part(owner: str) -> str:
    if owner.startswith(CATEGORY_MARK):
        return f"c_{owner[len(CATEGORY_MARK) :]}"
    vendor, slash, services = owner.partition("/")
    parts = [service or WHOLE for service in services.split(SERVICE_SEPARATOR)] if slash else []
    return "/".join([f"v_{vendor}", *parts])
