"""Provides the common parts of both kinds of packet socket: opening, the filter, kernel counters, errors of a downed
link.
"""

import contextlib
import ctypes
import socket
import struct
from typing import Final

from monitor.capture.filter_parts import ETHERNET, RAW_IP

ETH_P_ALL: Final = 0x0003
SOL_PACKET: Final = 263
PACKET_STATISTICS: Final = 6
PACKET_IGNORE_OUTGOING: Final = 23
SO_ATTACH_FILTER: Final = 26
ETHERNET_HARDWARE: Final = (1, 772)  # ARPHRD_ETHER, ARPHRD_LOOPBACK
LOOPBACK_HARDWARE: Final = 772


class PacketSocket:
    """A packet socket that is not bound yet, so that it receives no unfiltered frame.

    Raises OSError without the privilege. `hardware` is the interface's ARPHRD_ number: frames of links without an
    Ethernet header start at the network header. Both directions are captured; promiscuous mode stays off.
    """

    def __init__(self, hardware: int, program: bytes) -> None:
        ethernet = hardware in ETHERNET_HARDWARE
        self.link = ETHERNET if ethernet else RAW_IP
        self.dropped = 0
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW if ethernet else socket.SOCK_DGRAM, 0)
        self.socket.setblocking(False)
        if hardware == LOOPBACK_HARDWARE:  # on loopback every frame leaves and arrives, and must count once
            self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.attach(program)

    def fileno(self) -> int:
        return self.socket.fileno()

    def bind(self, name: str) -> None:
        self.socket.bind((name, ETH_P_ALL))

    def attach(self, program: bytes) -> None:
        """Replaces the filter atomically."""
        buffer = ctypes.create_string_buffer(program, len(program))
        descriptor = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, descriptor)

    def clear_error(self) -> None:
        """Clears the pending error of an interface that went down, so that the descriptor is not readable until it is
        back.
        """
        with contextlib.suppress(OSError):
            self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def count_drops(self) -> None:
        """Adds the frames that the kernel dropped since the last call because the socket was not read fast enough."""
        with contextlib.suppress(OSError):
            _, dropped = struct.unpack("=2I", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
            self.dropped += dropped

    def close(self) -> None:
        self.socket.close()
