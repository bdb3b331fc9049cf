"""Removes what a dead daemon left in the kernel, without knowing its policy.

The table itself shows which bans hold without a daemon: rules of `closed` bans match the set `lan`, rules of `open`
bans the set `alive`.
"""

import contextlib
from typing import Final

from monitor.errors import MachineError
from monitor.kernel.nft.listing import Nftables
from monitor.kernel.nft.lock import take_lock
from monitor.kernel.nft.nfnetlink import (
    NFPROTO_INET,
    NFPROTO_NETDEV,
    NFT_MSG_DELSETELEM,
    NFT_MSG_DELTABLE,
    Batches,
)
from monitor.kernel.nft.own_table import BRIDGE, MARK
from monitor.policy.table.desired import TABLE
from monitor.policy.table.moves import PASSAGE, WAS
from monitor.policy.table.rules import ALIVE, LAN, kill_set
from monitor.wire.netlink.set_elements import attribute

NOTHING: Final = "nothing was left in the kernel"
CLEARED: Final = "removed what a daemon left in the kernel"
CLOSED_HOLD: Final = "the bans of a daemon that died are lifted, except those that fail closed: their addresses hold"
# Includes chains that exist only during a change of the table: a daemon that dies meanwhile leaves them.
OWNER_CHAINS: Final = ("v_", "c_", PASSAGE)


def clear() -> str:
    """Ends `open` bans and the diversion at once, and returns what was done. `closed` bans keep addresses and cuts.

    Raises MachineError if a daemon enforces here, or without the privilege.
    """
    with contextlib.closing(take_lock()):
        try:
            batches, nftables = Batches(), Nftables()
        except OSError as error:
            raise MachineError(f"nftables cannot be asked: {error.strerror or error}") from error
        with contextlib.closing(batches), contextlib.closing(nftables):
            return clear_tables(batches, nftables)


def clear_tables(batches: Batches, nftables: Nftables) -> str:
    if nftables.table(NFPROTO_NETDEV, TABLE) is not None:
        batches.send([delete(TABLE)], NFPROTO_NETDEV)
    ours = []
    for name in (BRIDGE, TABLE):
        there = nftables.table(NFPROTO_INET, name)
        if there is not None and there.comment == MARK:
            ours.append(name)
    if TABLE in ours and fails_closed(nftables):
        batches.send([flush(ALIVE), *[flush(name) for name in open_kill_sets()]])
        batches.send([delete(name) for name in ours if name == BRIDGE])
        return CLOSED_HOLD
    batches.send([delete(name) for name in ours])
    return CLEARED if ours else NOTHING


def fails_closed(nftables: Nftables) -> bool:
    """Whether a ban by address holds without the daemon."""
    chains = [chain for name in (LAN, LAN + WAS) for chain in nftables.chains_with_set(TABLE, name)]
    return any(chain.startswith(OWNER_CHAINS) for chain in chains)


def open_kill_sets() -> list[str]:
    return [kill_set(protocol, family, "open") for protocol in ("tcp", "udp") for family in (4, 6)]


def delete(table: str) -> tuple[int, int, bytes]:
    return NFT_MSG_DELTABLE, 0, attribute(1, table.encode() + b"\0")


def flush(name: str) -> tuple[int, int, bytes]:
    """Returns a deletion without an element, which flushes the set."""
    return NFT_MSG_DELSETELEM, 0, attribute(1, TABLE.encode() + b"\0") + attribute(2, name.encode() + b"\0")
