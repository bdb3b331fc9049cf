"""The two ends of a flow: the device, identified by its frames, and the remote address."""

from typing import final

from monitor.attribution.answer_cache import AnswerCache
from monitor.attribution.client_side import DNS_PORT, serves, source_is_client
from monitor.attribution.devices import Device, Devices
from monitor.attribution.flows import Flow
from monitor.attribution.remotes import RemoteCache
from monitor.core.flow.on_link import OnLinkPrefixes
from monitor.model import (
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    TCP_SYN,
    Packet,
    key_destination,
    key_destination_port,
    key_protocol,
    key_source,
    key_source_port,
)


@final
class Endpoints:
    """Finds devices by the frames that they send or receive."""

    __slots__ = ("_devices", "_links", "_places")

    def __init__(self, devices: Devices, places: RemoteCache, links: OnLinkPrefixes) -> None:
        self._devices = devices
        self._places = places
        self._links = links

    def find(self, flow: Flow, packet: Packet | None, now: float) -> None:
        """Sets the device and the remote address of the flow; without a packet, by addresses alone.

        The device is the local end. If both ends are local or neither is, the device is the client. Traffic inside the
        LAN and traffic of the gateway itself therefore count for the client, inbound traffic counts for the server.
        """
        client, server = key_source(flow.key), key_destination(flow.key)
        near, far = self._places.of(client), self._places.of(server)
        flow.outbound = near.local or not far.local or far.group
        address = client if flow.outbound else server
        flow.remote = far if flow.outbound else near
        flow.origin = address if len(address) == 4 else b""
        flow.device = self._devices.find_address(address, now) if packet is None else self.device_at(packet, address)

    def is_outside_in(self, key: bytes) -> bool:
        """Whether the flow `key` has a remote source and a local destination."""
        far = self._places.of(key_destination(key))
        return far.local and not far.group and not self._places.of(key_source(key)).local

    def is_local(self, address: bytes) -> bool:
        return self._places.of(address).local

    def device_of(self, key: bytes, packet: Packet) -> Device:
        """Returns the device of a flow that is not in the flow table. The source of `key` is the client."""
        return self.device_at(packet, key_destination(key) if self.is_outside_in(key) else key_source(key))

    def sender_is_client(self, packet: Packet, memory: AnswerCache) -> bool:
        """Whether the sender of the first packet seen of a flow is its client.

        Decided by, in this order: the SYN, port 53, which end resolved the other by DNS, which end is local, the ports.
        """
        key = packet.key
        protocol = key_protocol(key)
        if protocol == PROTOCOL_UDP and key_destination_port(key) == DNS_PORT:
            return True
        if protocol not in (PROTOCOL_TCP, PROTOCOL_UDP) or (protocol == PROTOCOL_TCP and packet.flags & TCP_SYN):
            return source_is_client(key, packet.flags)
        if key_source_port(key) == DNS_PORT or key_destination_port(key) == DNS_PORT:
            return source_is_client(key, packet.flags)
        here, there = key_source(key), key_destination(key)
        near, far = self.is_local(here), self.is_local(there)
        asked_there = not far and memory.newest_of_any(there, packet.time) is not None
        asked_here = not near and memory.newest_of_any(here, packet.time) is not None
        if asked_there != asked_here:
            return asked_there
        if near == far:
            return source_is_client(key, packet.flags)
        if near and protocol == PROTOCOL_UDP:
            return True
        return near != serves(key, near)

    def meet(self, flow: Flow, packet: Packet) -> None:
        """Updates the device of a flow that conntrack reported first: `packet` shows the device's MAC or interface."""
        device = flow.device
        if device is None or device.via or packet.depth:
            return
        if packet.ethernet or (device.interface != packet.interface and not device.mac):
            key = flow.key
            flow.device = self.device_at(packet, key_source(key) if flow.outbound else key_destination(key))

    def device_at(self, packet: Packet, address: bytes) -> Device:
        """Returns the device at the address, which is one end of the packet."""
        devices = self._devices
        if packet.depth:
            return devices.find_address(address, packet.time)
        if len(packet.ethernet) < 12:
            return devices.find_on(address, packet.interface, packet.time)
        if address == key_source(packet.key):
            mac = packet.ethernet[6:12]
            device = devices.seen(address, mac, packet.interface, packet.time)
            if device is not None:
                return device
        else:
            device = devices.by_address.get(address)
            if device is not None and device.via:
                return device
            mac = packet.ethernet[0:6]
        link = self._links.of(address, packet.interface)
        return devices.identify(address, mac, packet.interface, link, packet.time)
