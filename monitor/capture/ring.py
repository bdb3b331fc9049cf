"""Reads a packet socket through a ring of blocks shared with the kernel (TPACKET_V3), for frames at a high rate.

Measured by `bench/capture.py`: with the compiled core, one CPU reads millions of frames per second from a ring, and
0.2 million by system calls. The cost is latency: a block is delivered when it is full or `RETIRE_MS` old.
"""

import mmap
import struct
from typing import Final, final

from monitor.capture.packet import SOL_PACKET, PacketSocket
from monitor.wire.pcap.ring_blocks import frames_of

PACKET_RX_RING: Final = 5
PACKET_VERSION: Final = 10
TPACKET_V3: Final = 2

BLOCK_BYTES: Final = 32_768  # holds the longest frame that a ring's filter accepts
FRAME_BYTES: Final = 2_048  # only a divisor of the block for the kernel's arithmetic: version 3 packs frames closely
RETIRE_MS: Final = 2
STATUS_AT: Final = 8  # `block_status` of struct tpacket_block_desc
STATUS_USER: Final = 1
LENGTH_AT: Final = 20  # `blk_len`
TO_KERNEL: Final = b"\0\0\0\0"


@final
class Ring(PacketSocket):
    """A packet socket with a ring of `blocks` blocks. No frame is lost while the reader stalls for up to `blocks` times
    `RETIRE_MS`. The ring's memory is part of the memory of the process.
    """

    def __init__(self, name: str, hardware: int, program: bytes, blocks: int) -> None:
        super().__init__(hardware, program)
        self._next = 0
        self._blocks = blocks
        try:
            self.socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
            frames = BLOCK_BYTES // FRAME_BYTES * blocks
            request = struct.pack("=7I", BLOCK_BYTES, blocks, FRAME_BYTES, frames, RETIRE_MS, 0, 0)
            self.socket.setsockopt(SOL_PACKET, PACKET_RX_RING, request)
            self._memory = mmap.mmap(self.socket.fileno(), BLOCK_BYTES * blocks)
            self.bind(name)
        except OSError:
            self.socket.close()
            raise

    def take(self, frames_max: int) -> list[bytes]:
        """Returns copies of the blocks that are ready, up to about `frames_max` frames. `read_block` reads them."""
        taken: list[bytes] = []
        frames = 0
        memory = self._memory
        while frames < frames_max:
            at = self._next * BLOCK_BYTES
            if not memory[at + STATUS_AT] & STATUS_USER:
                break
            length = int.from_bytes(memory[at + LENGTH_AT : at + LENGTH_AT + 4], "little")
            block = memory[at : at + length]
            memory[at + STATUS_AT : at + STATUS_AT + 4] = TO_KERNEL
            self._next = (self._next + 1) % self._blocks
            taken.append(block)
            frames += frames_of(block)
        return taken

    def close(self) -> None:
        self._memory.close()
        super().close()
