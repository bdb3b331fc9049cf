"""Builds the start of filter programs that drop duplicates of other frames."""

from typing import Final

from monitor.capture.assembler import MARK, VLAN_TAG, Instruction, Label, Program
from monitor.policy.table.rules import ASKED_MARK

VLAN_NUMBER: Final = 0x0FFF  # 0: the tag has only a priority (IEEE 802.1Q section 9.6)
VLAN_TYPES: Final = (0x8100, 0x88A8, 0x9100)


def sent_by_others() -> Program:
    """Drops queries that the sinkhole forwards: they would be captured a second time, and the client sent them once."""
    return [
        Instruction("ld", MARK),
        Instruction("jeq", ASKED_MARK, "", "sent by others"),
        Instruction("ret", 0),
        Label("sent by others"),
    ]


def without_tag() -> Program:
    """Drops frames of VLANs, whether the tag is still in the frame or the kernel has stripped it."""
    return [
        Instruction("ld", VLAN_TAG),
        Instruction("jset", VLAN_NUMBER, "tagged"),
        Instruction("ldh", 12),
        *[Instruction("jeq", one, "in the frame") for one in VLAN_TYPES],
        Instruction("ja", then="untagged"),
        Label("in the frame"),
        Instruction("ldh", 14),
        Instruction("jset", VLAN_NUMBER, "tagged", "untagged"),
        Label("tagged"),
        Instruction("ret", 0),
        Label("untagged"),
    ]
