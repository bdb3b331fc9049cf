"""Base chains and flowtables of all tables, read over nfnetlink without fetching rules or elements."""

import errno
import struct
from dataclasses import dataclass
from typing import Final

from monitor.kernel.netlink.sockets import NETLINK_NETFILTER, Netlink, attributes
from monitor.kernel.nft.nfnetlink import NFNL_SUBSYS_NFTABLES, NFPROTO_INET, NFPROTO_NETDEV, NFPROTO_UNSPEC

NFT_MSG_GETCHAIN: Final = NFNL_SUBSYS_NFTABLES << 8 | 4
NFT_MSG_GETFLOWTABLE: Final = NFNL_SUBSYS_NFTABLES << 8 | 23
NFGEN_BYTES: Final = 4
FAMILIES: Final = {NFPROTO_INET: "inet", 2: "ip", 10: "ip6", 7: "bridge", NFPROTO_NETDEV: "netdev"}
# Attributes of linux/netfilter/nf_tables.h; a flowtable's table and name attributes have the chain's numbers.
NFTA_CHAIN_TABLE: Final = 1
NFTA_CHAIN_NAME: Final = 3
NFTA_CHAIN_HOOK: Final = 4
NFTA_CHAIN_POLICY: Final = 5
NFTA_FLOWTABLE_NAME: Final = 2
NFTA_HOOK_HOOKNUM: Final = 1
NFTA_HOOK_PRIORITY: Final = 2
NFTA_HOOK_DEV: Final = 3
NFTA_HOOK_DEVS: Final = 4
NF_DROP: Final = 0

NF_INET_LOCAL_IN: Final = 1
NF_INET_FORWARD: Final = 2
NF_INET_LOCAL_OUT: Final = 3
NF_NETDEV_INGRESS: Final = 0
NF_INET_INGRESS: Final = 5


@dataclass(frozen=True)
class BaseChain:
    """A base chain: `family` as nft names it, `hook` by its number, `devices` of ingress hooks."""

    family: str
    table: str
    name: str
    hook: int
    priority: int
    drops: bool
    devices: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.family} {self.table} {self.name}"


def base_chains() -> list[BaseChain]:
    """Returns the base chains of all tables. Raises OSError if the kernel does not answer."""
    found = []
    for family, body in _dump(NFT_MSG_GETCHAIN):
        hook = attributes(body.get(NFTA_CHAIN_HOOK, b""), 0)
        if hook:
            devices = hook.get(NFTA_HOOK_DEVS, b"")
            names = [hook[NFTA_HOOK_DEV]] if NFTA_HOOK_DEV in hook else _texts(devices)
            found.append(
                BaseChain(
                    FAMILIES.get(family, str(family)),
                    _text(body.get(NFTA_CHAIN_TABLE, b"")),
                    _text(body.get(NFTA_CHAIN_NAME, b"")),
                    int.from_bytes(hook.get(NFTA_HOOK_HOOKNUM, b""), "big"),
                    struct.unpack("!i", hook.get(NFTA_HOOK_PRIORITY, bytes(4)))[0],
                    int.from_bytes(body.get(NFTA_CHAIN_POLICY, b"\1"), "big") == NF_DROP,
                    tuple([_text(name) for name in names]),
                )
            )
    return found


def flow_tables() -> list[tuple[str, str, str]]:
    """Returns (family, table, name) of each flowtable, none if the kernel lacks them. Raises OSError on failure."""
    try:
        dumped = _dump(NFT_MSG_GETFLOWTABLE)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOENT):
            return []
        raise
    return [
        (
            FAMILIES.get(family, str(family)),
            _text(body.get(NFTA_CHAIN_TABLE, b"")),
            _text(body.get(NFTA_FLOWTABLE_NAME, b"")),
        )
        for family, body in dumped
    ]


def _dump(kind: int) -> list[tuple[int, dict[int, bytes]]]:
    netlink = Netlink(NETLINK_NETFILTER)
    try:
        messages = netlink.dump(kind, struct.pack("!BBH", NFPROTO_UNSPEC, 0, 0))
    finally:
        netlink.close()
    return [(content[0], attributes(content, NFGEN_BYTES)) for _, content in messages]


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")


def _texts(nested: bytes) -> list[bytes]:
    """Returns the values of a list of attributes of one type."""
    found = []
    at = 0
    while at + 4 <= len(nested):
        length = struct.unpack_from("=H", nested, at)[0]
        if length < 4:
            break
        found.append(nested[at + 4 : at + length])
        at += (length + 3) & -4
    return found
