"""Assembles programs in classic BPF, the filter language of packet sockets.

A program is a list of instructions with mnemonics; a label precedes the instruction that it marks. The kernel allows
only forward jumps, so a label may be repeated: a jump goes to the next one. The machine has an accumulator A, an index
X and sixteen words of scratch memory M. A load past the end of the frame ends the program with 0: the frame is dropped.
"""

import struct
from dataclasses import dataclass
from typing import Final

from monitor.errors import MachineError

# Values of linux/bpf_common.h and linux/filter.h.
WORD: Final = {
    "ld": 0x20, "ldh": 0x28, "ldb": 0x30,              # A = frame[k] as 32, 16, 8 bits
    "ld_x": 0x40, "ldh_x": 0x48, "ldb_x": 0x50,        # A = frame[X + k]
    "ld_len": 0x80, "ld_m": 0x60, "ldx_m": 0x61,       # A = frame length, A = M[k], X = M[k]
    "ldx": 0x01, "st": 0x02, "stx": 0x03,              # X = k, M[k] = A, M[k] = X
    "add": 0x04, "add_x": 0x0C, "sub_x": 0x1C, "xor_x": 0xAC, "and": 0x54, "lsh": 0x64, "rsh": 0x74,
    "tax": 0x07, "txa": 0x87, "ret": 0x06, "ja": 0x05,
    "jeq": 0x15, "jgt": 0x25, "jge": 0x35, "jset": 0x45, "jgt_x": 0x2D, "jge_x": 0x3D,
}  # fmt: skip
ANCILLARY: Final = 0xFFFFF000  # SKF_AD_OFF: loads from this offset up read the packet's metadata
PROTOCOL: Final = ANCILLARY + 0  # its EtherType
MARK: Final = ANCILLARY + 20  # the mark that a rule of this machine set, 0: none
VLAN_TAG: Final = ANCILLARY + 44  # priority and VLAN of a tag that the kernel or the card has stripped, else 0

JUMP_MAX: Final = 255
PROGRAM_MAX: Final = 4096  # BPF_MAXINSNS


@dataclass(frozen=True)
class Label:
    """Names the next instruction."""

    name: str


@dataclass(frozen=True)
class Instruction:
    """One instruction: `then` and `otherwise` are labels, "" the next instruction."""

    word: str
    value: int = 0
    then: str = ""
    otherwise: str = ""


Program = list[Label | Instruction]


def assemble(program: Program) -> bytes:
    """Returns the program as an array of `struct sock_filter`: code, two jump offsets, value."""
    places: dict[str, list[int]] = {}
    steps: list[Instruction] = []
    for item in program:
        if isinstance(item, Label):
            places.setdefault(item.name, []).append(len(steps))
        else:
            steps.append(item)
    if len(steps) > PROGRAM_MAX:
        raise MachineError(f"the capture filter has {len(steps)} instructions, the kernel takes {PROGRAM_MAX}")
    return b"".join(_encode(step, at, places) for at, step in enumerate(steps))


def _encode(step: Instruction, at: int, places: dict[str, list[int]]) -> bytes:
    then = _distance(step.then, at, places)
    if step.word == "ja":
        return struct.pack("=HBBI", WORD["ja"], 0, 0, then)
    otherwise = _distance(step.otherwise, at, places)
    if max(then, otherwise) > JUMP_MAX:
        raise ValueError(f"{step} jumps further than {JUMP_MAX} instructions")
    return struct.pack("=HBBI", WORD[step.word], then, otherwise, step.value & 0xFFFFFFFF)


def _distance(name: str, at: int, places: dict[str, list[int]]) -> int:
    if not name:
        return 0
    return next(place for place in places[name] if place > at) - at - 1
