"""How rows, labels and events name a device: in full, by a pseudonym, or not at all."""

from hashlib import blake2b
from typing import Final, final

from monitor.attribution.devices import Device
from monitor.attribution.networks import address_text
from monitor.core.settings import FULL, PSEUDONYM

PSEUDONYM_BYTES: Final = 6
KEY_BYTES: Final = 64


@final
class Naming:
    """`detail` is `full`, `pseudonym` (a keyed hash, which stays the same as long as the key does) or `none`."""

    __slots__ = ("_key", "detail")

    def __init__(self, detail: str, key: bytes) -> None:
        self.detail = detail
        self._key = key[:KEY_BYTES]

    @property
    def is_open(self) -> bool:
        """Whether addresses, MACs and host names may be shown."""
        return self.detail == FULL

    def text_of(self, device: Device) -> str:
        label = device.label
        if not label:
            label = self._make(device)
            device.label = label
        return label

    def address(self, address: bytes) -> str:
        """Returns a client's address as `detail` allows: as text, as a pseudonym, or empty."""
        if self.detail == FULL:
            return address_text(address)
        return self._hash(address) if self.detail == PSEUDONYM else ""

    def _make(self, device: Device) -> str:
        if self.detail == FULL:
            return device.mac.hex(":") if device.mac else address_text(device.address)
        return self._hash(device.mac or device.address) if self.detail == PSEUDONYM else ""

    def _hash(self, identity: bytes) -> str:
        return blake2b(identity, digest_size=PSEUDONYM_BYTES, key=self._key).hexdigest()
