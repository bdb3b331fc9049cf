"""Identifies the device of an address: by its MAC if the MAC is the device's own, else by the address.

A MAC identifies a device only on its own link. If the on-link prefixes are known, the caller passes `on_link`; if they
are unknown (capture files), a MAC that sends from more than `ROUTER_SOURCES` IPv4 addresses is treated as a router, and
its device is split into one device per address.
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
    """A host behind the gateway. `mac` is `b""` if only the address is known; `addresses` maps addresses to the last
    sight.

    `via` is the source MAC of its last frames. `group` is the label that the policy assigned, `""` until the policy is
    queried again after a change of the device. `merged` is the device into which this one was merged; `router` is true
    if its addresses are devices of their own. `recent` is for bookkeeping: the page that was open last. `groups` are
    all groups that the policy assigned together with `group`, and `excluding` the groups that exclude the device.
    `hostname` is the name that the device uses now, `host` the name that groups match.
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
        """Marks a change of a property on which labels depend."""
        self.group = ""
        self.label = ""


@final
class Devices:
    """All devices, at most `limit`; the ones unseen for longest are dropped in batches, counted by `evictions`.

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
        """Returns the device that sent from `address` in frames of `mac` before; None requires `identify`."""
        device = self.by_address.get(address)
        if device is None or device.via != mac or device.interface != interface:
            return None
        if now > device.last:
            device.last = now
        return device

    def identify(self, address: bytes, mac: bytes, interface: int, link: int, now: float) -> Device:
        """Returns the device that sends from `address` in frames of `mac` (`b""`: unknown); creates it if it is new.

        `link` is ON_LINK, OFF_LINK or NOBODY_KNOWS: whether the address is on the link of the frame.
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
        """Returns the device of an address without a frame, as from conntrack or inside a tunnel."""
        device = self.by_address.get(address)
        if device is None:
            device = self._of_address(address, b"", NO_INTERFACE, now)
        if now > device.last:
            device.last = now
        return device

    def find_on(self, address: bytes, interface: int, now: float) -> Device:
        """Returns the device of an address on a link without MAC addresses; a device that has a MAC is
        not moved there.
        """
        device = self.find_address(address, now)
        if device.interface != interface and not device.mac:
            device.interface = interface
            device.via = b""
            device.change()
        return device

    def bind(self, address: bytes, mac: bytes, interface: int, now: float) -> Device | None:
        """Stores that `mac` has `address` (may be `b""`), from ARP, ND, DHCP or the kernel's neighbour table."""
        if not is_own_mac(mac) or mac in self.routers:
            return None
        device = self._of_mac(mac, interface, now)
        if address and not is_group_address(address) and not is_unspecified(address):
            self._attach(device, address, now)
        if now > device.last:
            device.last = now
        return device

    def name(self, device: Device, hostname: bytes, now: float) -> None:
        """Stores the device's host name; groups match the first name of its MAC."""
        if not hostname:
            return
        host = self.pins.name_of(device.mac, hostname, now) if device.mac else hostname
        if device.hostname != hostname or device.host != host:
            device.hostname, device.host = hostname, host
            device.change()

    def settle(self, device: Device, origin: bytes) -> Device:
        """Returns the current device of a device that was seen as `origin`, after merges and router splits."""
        while device.merged is not None:
            device = device.merged
        if device.router and origin:
            known = self.by_address.get(origin)
            if known is not None:
                return known
        return device

    def is_gateway(self, device: Device) -> bool:
        """Whether the MAC or address is one of this gateway's own."""
        return device.mac in self.own or device.address in self.own

    def forget_labels(self) -> None:
        for device in self.everyone.values():
            device.group = ""
            device.label = ""

    def groups_since(self, since: float) -> frozenset[str]:
        """Returns the groups of the devices that were seen at or after that time."""
        found: set[str] = set()
        for device in self.everyone.values():
            if device.groups and device.last >= since:
                found.update(device.groups)
        return frozenset(found)

    def step(self, seconds: float) -> None:
        """Shifts all times after a clock step, so that devices keep their age."""
        for device in self.everyone.values():
            device.last += seconds
        self.pins.step(seconds)

    def resize(self, limit: int, addresses_limit: int) -> None:
        self.limit = limit
        self.pins.limit = limit
        self.addresses_limit = addresses_limit

    def _of_address(self, address: bytes, mac: bytes, interface: int, now: float) -> Device:
        """Returns the device that is identified by this address, not by a MAC. If a device with another MAC
        had the address, it loses the address.
        """
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
        """Assigns the address to the device, and removes it from its previous device."""
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
            # The device was known only by the address until its MAC was seen: both are merged.
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
        """Marks the MAC as a router's: each address becomes a device, and the MAC never identifies a device again."""
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
        """Drops the 1/64 of the devices not seen for longest. One sort for many devices replaces a search for each."""
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
    """Whether the MAC is locally administered (IEEE 802-2014 section 8.4), as randomised MACs are."""
    return len(mac) == 6 and mac[0] & 2 != 0


def is_own_mac(mac: bytes) -> bool:
    """Whether the MAC can belong to a device: six bytes, not zero, not a group address (IEEE 802-2014
    section 8.2.2).
    """
    return len(mac) == 6 and mac[0] & 1 == 0 and mac != NO_MAC
