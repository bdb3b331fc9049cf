"""Reads a packet socket with one system call per frame, for frames with names: they are few, and needed immediately.

Measured by `bench/capture.py`: a frame takes 0.05 ms from the wire to the object, and milliseconds with a ring. The
buffer loses no frame if the event loop stalls for seconds, because it stores single frames. A ring would be full of
blocks, which the kernel closes after a time even if they are nearly empty.
"""

import struct
from typing import Final, final

from monitor.capture.packet import SOL_PACKET, PacketSocket
from monitor.model import Frame

PACKET_AUXDATA: Final = 8
SOL_SOCKET: Final = 1
SO_RCVBUF: Final = 8
SO_RCVBUFFORCE: Final = 33
SO_TIMESTAMPNS: Final = 35
VLAN_VALID: Final = 0x10  # TP_STATUS_VLAN_VALID
FRAME_MAX: Final = 65_536 + 64  # merged packets (GRO, TSO) and their Ethernet header
ANCILLARY: Final = 128
AUXDATA: Final = struct.Struct("=3I4H")  # struct tpacket_auxdata: status, length, captured, mac, net, tag, its type
STAMP: Final = struct.Struct("@qq")


@final
class Direct(PacketSocket):
    """`buffer_bytes` of frames may wait in the kernel, which charges about 800 bytes for a small frame."""

    def __init__(self, name: str, hardware: int, program: bytes, buffer_bytes: int) -> None:
        super().__init__(hardware, program)
        try:
            self.socket.setsockopt(SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            self._grow(buffer_bytes)
            self.bind(name)
        except OSError:
            self.close()
            raise

    def _grow(self, size: int) -> None:
        try:
            self.socket.setsockopt(SOL_SOCKET, SO_RCVBUFFORCE, size)
        except PermissionError:  # without CAP_NET_ADMIN the system's maximum applies
            self.socket.setsockopt(SOL_SOCKET, SO_RCVBUF, size)

    def read(self, frames_max: int, interface: int, number: int, out: list[Frame]) -> int:
        """Appends at most `frames_max` waiting frames; returns their number."""
        receive = self.socket.recvmsg
        for read in range(frames_max):
            try:
                data, ancillary, _, _ = receive(FRAME_MAX, ANCILLARY)
            except BlockingIOError:
                return read
            except OSError:  # ENETDOWN, once, when the interface goes down
                return read
            time, length, vlan = 0.0, len(data), 0
            for level, kind, value in ancillary:
                if level == SOL_PACKET and kind == PACKET_AUXDATA:
                    status, length, _, _, _, tag, _ = AUXDATA.unpack(value)
                    vlan = tag & 0xFFF if status & VLAN_VALID else 0
                elif level == SOL_SOCKET and kind == SO_TIMESTAMPNS:
                    seconds, nanoseconds = STAMP.unpack(value)
                    time = seconds + nanoseconds / 1e9
            out.append(Frame(data, time, self.link, interface, length, number + read, vlan))
        return frames_max
