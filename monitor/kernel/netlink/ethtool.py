"""The active offload features of a network interface (ethtool's SIOCETHTOOL, linux/ethtool.h)."""

import ctypes
import fcntl
import socket
import struct
from typing import Final

SIOCETHTOOL: Final = 0x8946
ETHTOOL_GSSET_INFO: Final = 0x37
ETHTOOL_GSTRINGS: Final = 0x1B
ETHTOOL_GFEATURES: Final = 0x3A
ETH_SS_FEATURES: Final = 4
ETH_GSTRING_LEN: Final = 32
BLOCK: Final = struct.Struct("=IIII")  # available, requested, active, never changed


def active_features(interface: str) -> frozenset[str]:
    """Returns the names of the active features. Raises OSError if the interface is gone or does not report them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        count = struct.unpack_from(
            "=I", _ask(asking, interface, struct.pack("=IIQI", ETHTOOL_GSSET_INFO, 0, 1 << ETH_SS_FEATURES, 0)), 16
        )[0]
        head = struct.pack("=III", ETHTOOL_GSTRINGS, ETH_SS_FEATURES, count)
        strings = _ask(asking, interface, head + bytes(count * ETH_GSTRING_LEN))[len(head) :]
        blocks = (count + 31) // 32
        features = _ask(asking, interface, struct.pack("=II", ETHTOOL_GFEATURES, blocks) + bytes(blocks * BLOCK.size))[
            8:
        ]
    found = []
    for number in range(count):
        active = BLOCK.unpack_from(features, number // 32 * BLOCK.size)[2]
        if active >> number % 32 & 1:
            found.append(strings[number * ETH_GSTRING_LEN : (number + 1) * ETH_GSTRING_LEN].rstrip(b"\0").decode())
    return frozenset(found)


def _ask(asking: socket.socket, interface: str, command: bytes) -> bytes:
    """Returns the command's structure as filled in by the kernel."""
    buffer = ctypes.create_string_buffer(command, len(command))
    request = struct.pack("@16sP", interface.encode(), ctypes.addressof(buffer))
    fcntl.ioctl(asking, SIOCETHTOOL, request + bytes(40 - len(request)))
    return buffer.raw
