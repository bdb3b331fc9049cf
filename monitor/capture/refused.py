"""Beginnings of filter programs that refuse frames which another frame stands for."""

from typing import Final

from monitor.capture.assembler import MARK, VLAN_TAG, Label, Program, Step
from monitor.policy.table.rules import ASKED_MARK

VLAN_NUMBER: Final = 0x0FFF  # 0 says that there is only a priority (IEEE 802.1Q section 9.6)
VLAN_TYPES: Final = (0x8100, 0x88A8, 0x9100)


def sent_by_others() -> Program:
    """A question that the sinkhole passes on comes in a second time, and the client sent it once."""
    return [
        Step("ld", MARK),
        Step("jeq", ASKED_MARK, "", "sent by others"),
        Step("ret", 0),
        Label("sent by others"),
    ]


def without_tag() -> Program:
    """Whether the tag is still in the frame or the kernel has put it aside."""
    return [
        Step("ld", VLAN_TAG),
        Step("jset", VLAN_NUMBER, "tagged"),
        Step("ldh", 12),
        *[Step("jeq", one, "in the frame") for one in VLAN_TYPES],
        Step("ja", then="untagged"),
        Label("in the frame"),
        Step("ldh", 14),
        Step("jset", VLAN_NUMBER, "tagged", "untagged"),
        Label("tagged"),
        Step("ret", 0),
        Label("untagged"),
    ]
