"""Who is behind an address: the device of its MAC where the MAC is the device's own, else the address itself.

A MAC speaks for a device only on its own link. Where the on-link prefixes are known the caller says so with
`on_link`; where nobody knows (captures), a MAC that sends from more than `ROUTER_SOURCES` IPv4 addresses is a router,
and what was taken for one device falls apart into its addresses.
"""

from typing import Final, final

from monitor.attribution.host_names import HostPins
from monitor.attribution.networks import is_group_address, is_unspecified

ROUTER_SOURCES: Final = 8
NO_MAC: Final = bytes(6)

ON_LINK: Final = 1
OFF_LINK: Final = 2
NOBODY_KNOWS: Final = 3

NO_INTERFACE: Final = -1


@final
class Device:
    """A host behind the gateway. `mac` is `b""` where only the address is known; `addresses` holds last sights.

    `via` is the MAC that its frames came from last. `group` is
    the label that the policy gave, `""` while nobody has asked since something about the device changed. `merged` is
    the device that this one turned out to be; `router` says that its addresses are devices of their own. `recent` is
    for whoever keeps books: the page that was open last. `groups` are all that the policy gave, as of `group`, and
    `excluding` those that exclude it. `hostname` is what it calls itself, `host` the name that groups go by.
    """

    __slots__ = (
        "address", "addresses", "excluding", "first", "gone", "group", "groups", "host", "hostname", "interface",
        "label", "last", "mac", "merged", "number", "recent", "router", "via",
    )  # fmt: skip

    def __init__(self, number: int, mac: bytes, address: bytes, interface: int, now: float) -> None:
        self.number = number
        self.mac = mac
        self.address = address
        self.addresses: dict[bytes, float] = {}
        self.hostname = b""
        self.host = b""
        self.interface = interface
        self.via = mac
        self.first = now
        self.last = now
        self.group = ""
        self.groups: tuple[str, ...] = ()
        self.excluding: tuple[str, ...] = ()
        self.label = ""
        self.gone = False
        self.router = False
        self.merged: Device | None = None
        self.recent: object = None

    def change(self) -> None:
        """Something that labels depend on has changed."""
        self.group = ""
        self.label = ""


@final
class Devices:
    """All devices, at most `limit`; the ones unseen for longest give way in batches, which `evictions` counts.

    `own` are the packed MACs and addresses of the gateway itself.
    """

    __slots__ = (
        "addresses_limit", "by_address", "by_mac", "everyone", "evictions", "last_number", "limit", "own", "pins",
        "routers",
    )  # fmt: skip

    def __init__(self, limit: int, addresses_limit: int) -> None:
        self.limit = limit
        self.addresses_limit = addresses_limit
        self.by_address: dict[bytes, Device] = {}
        self.by_mac: dict[bytes, Device] = {}
        self.everyone: dict[int, Device] = {}
        self.routers: dict[bytes, bool] = {}
        self.last_number = 0
        self.evictions = 0
        self.pins = HostPins(limit)
        self.own: frozenset[bytes] = frozenset()

    def seen(self, address: bytes, mac: bytes, interface: int, now: float) -> Device | None:
        """The device that sent from `address` in frames of `mac` before; None asks for `identify`."""
        device = self.by_address.get(address)
        if device is None or device.via != mac or device.interface != interface:
            return None
        if now > device.last:
            device.last = now
        return device

    def identify(self, address: bytes, mac: bytes, interface: int, link: int, now: float) -> Device:
        """The device that sends from `address` in frames of `mac` (`b""`: unknown); made where it is new.

        `link` is ON_LINK, OFF_LINK or NOBODY_KNOWS: whether the address is on the link that the frame came over.
        """
        if link == OFF_LINK or not is_own_mac(mac) or mac in self.routers:
            device = self._of_address(address, mac, interface, now)
        elif is_unspecified(address):
            device = self._of_mac(mac, interface, now)
        else:
            device = self._of_mac(mac, interface, now)
            self._attach(device, address, now)
            if link == NOBODY_KNOWS and len(address) == 4 and self._routes(device):
                self._split(device, now)
                device = self._of_address(address, mac, interface, now)
        if device.interface != interface:
            device.interface = interface
            device.change()
        device.last = max(device.last, now)
        return device

    def find_address(self, address: bytes, now: float) -> Device:
        """The device behind an address that came without a frame, as from conntrack or inside a tunnel."""
        device = self.by_address.get(address)
        if device is None:
            device = self._of_address(address, b"", NO_INTERFACE, now)
        if now > device.last:
            device.last = now
        return device

    def find_on(self, address: bytes, interface: int, now: float) -> Device:
        """The device behind an address of a link without MAC addresses; a device that has one is not moved there."""
        device = self.find_address(address, now)
        if device.interface != interface and not device.mac:
            device.interface = interface
            device.via = b""
            device.change()
        return device

    def bind(self, address: bytes, mac: bytes, interface: int, now: float) -> Device | None:
        """Takes the word of ARP, ND, DHCP or the kernel that `mac` answers for `address`, which may be `b""`."""
        if not is_own_mac(mac) or mac in self.routers:
            return None
        device = self._of_mac(mac, interface, now)
        if address and not is_group_address(address) and not is_unspecified(address):
            self._attach(device, address, now)
        if now > device.last:
            device.last = now
        return device

    def name(self, device: Device, hostname: bytes, now: float) -> None:
        """The device calls itself so; groups go by the name that its MAC had first."""
        if not hostname:
            return
        host = self.pins.name_of(device.mac, hostname, now) if device.mac else hostname
        if device.hostname != hostname or device.host != host:
            device.hostname, device.host = hostname, host
            device.change()

    def settle(self, device: Device, origin: bytes) -> Device:
        """Whom a device that was met as `origin` is taken for now: merges and routers are followed."""
        while device.merged is not None:
            device = device.merged
        if device.router and origin:
            known = self.by_address.get(origin)
            if known is not None:
                return known
        return device

    def is_gateway(self, device: Device) -> bool:
        """Whether it is this gateway itself, by one of its own MACs or addresses."""
        return device.mac in self.own or device.address in self.own

    def forget_labels(self) -> None:
        for device in self.everyone.values():
            device.group = ""
            device.label = ""

    def groups_since(self, since: float) -> frozenset[str]:
        """The groups of the devices that were seen at or after that time."""
        found: set[str] = set()
        for device in self.everyone.values():
            if device.groups and device.last >= since:
                found.update(device.groups)
        return frozenset(found)

    def step(self, seconds: float) -> None:
        """The clock was set: devices keep their age."""
        for device in self.everyone.values():
            device.last += seconds
        self.pins.step(seconds)

    def resize(self, limit: int, addresses_limit: int) -> None:
        self.limit = limit
        self.pins.limit = limit
        self.addresses_limit = addresses_limit

    def _of_address(self, address: bytes, mac: bytes, interface: int, now: float) -> Device:
        """The device that is known by its address; a MAC device loses the address, it is not behind that MAC."""
        device = self.by_address.get(address)
        if device is not None and (not device.mac or not mac):
            device.via = mac
            return device
        if device is not None:
            device.addresses.pop(address, None)
            device.change()
        device = self._make(b"", address, interface, now)
        device.via = mac
        device.addresses[address] = now
        self.by_address[address] = device
        return device

    def _of_mac(self, mac: bytes, interface: int, now: float) -> Device:
        device = self.by_mac.get(mac)
        if device is None:
            device = self._make(mac, b"", interface, now)
            self.by_mac[mac] = device
        return device

    def _attach(self, device: Device, address: bytes, now: float) -> None:
        """Gives the address to the device, away from whoever had it."""
        owner = self.by_address.get(address)
        if owner is device:
            device.addresses[address] = now
            return
        if owner is not None:
            self._detach(owner, device, address)
        if len(device.addresses) >= self.addresses_limit:
            oldest = min(device.addresses, key=device.addresses.__getitem__)
            del device.addresses[oldest]
            del self.by_address[oldest]
        device.addresses[address] = now
        self.by_address[address] = device
        device.change()

    def _detach(self, owner: Device, heir: Device, address: bytes) -> None:
        owner.addresses.pop(address, None)
        owner.change()
        if not owner.mac:
            # It was known by the address alone until its MAC showed: the two are one.
            owner.merged = heir
            self._drop(owner)
            heir.first = min(heir.first, owner.first)
            if not heir.hostname:
                heir.hostname, heir.host = owner.hostname, owner.host

    def _routes(self, device: Device) -> bool:
        if len(device.addresses) <= ROUTER_SOURCES:
            return False
        sources = 0
        for address in device.addresses:
            if len(address) == 4:
                sources += 1
        return sources > ROUTER_SOURCES

    def _split(self, device: Device, now: float) -> None:
        """The MAC is a router's: each address becomes a device, and none is made of that MAC again."""
        device.router = True
        if len(self.routers) >= self.limit:
            self.routers.clear()
        self.routers[device.mac] = True
        addresses = list(device.addresses)
        self._drop(device)
        for address in addresses:
            if len(address) == 4:
                single = self._of_address(address, device.mac, device.interface, now)
                single.first = device.first

    def _make(self, mac: bytes, address: bytes, interface: int, now: float) -> Device:
        if len(self.everyone) >= self.limit:
            self._evict()
        self.last_number += 1
        device = Device(self.last_number, mac, address, interface, now)
        self.everyone[device.number] = device
        return device

    def _evict(self) -> None:
        """Drops the sixty-fourth part that has been unseen for longest: a sort now and then, not a walk each time."""
        seen = sorted([(device.last, device.number) for device in self.everyone.values()])
        for _, number in seen[: max(1, len(seen) // 64)]:
            self._drop(self.everyone[number])
            self.evictions += 1

    def _drop(self, device: Device) -> None:
        device.gone = True
        device.recent = None
        for address in device.addresses:
            if self.by_address.get(address) is device:
                del self.by_address[address]
        device.addresses = {}
        if device.mac and self.by_mac.get(device.mac) is device:
            del self.by_mac[device.mac]
        self.everyone.pop(device.number, None)


def is_random_mac(mac: bytes) -> bool:
    """Whether the MAC is locally administered (IEEE 802-2014 section 8.4): devices that hide make theirs up so."""
    return len(mac) == 6 and mac[0] & 2 != 0


def is_own_mac(mac: bytes) -> bool:
    """Whether it can be somebody's: six bytes, not zero, not a group's (IEEE 802-2014 section 8.2.2)."""
    return len(mac) == 6 and mac[0] & 1 == 0 and mac != NO_MAC
