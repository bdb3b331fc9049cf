"""Starts a command on a kernel that lacks something: `lacking.py FEATURE COMMAND…`.

The kernel's answer to the system call that asks for the feature is that of a kernel built without it (seccomp(2)).
"""

import ctypes
import os
import platform
import struct
import sys

from monitor.capture.assembler import Instruction, Label, Program, assemble

NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER_MODE = 38, 22, 2
ALLOW, ERROR = 0x7FFF0000, 0x00050000
CALL_AT, FIRST_AT, THIRD_AT = 0, 16, 32  # struct seccomp_data
SOCKET, SENDTO, UNSHARE = {"x86_64": (41, 44, 272), "aarch64": (198, 206, 97)}[platform.machine()]
AF_INET6, AF_NETLINK, NETLINK_NETFILTER = 10, 16, 12
PROTOCOL_NOT_SUPPORTED, FAMILY_NOT_SUPPORTED, NO_BUFFERS, INVALID = 93, 97, 105, 22
TABLE_QUESTION_BYTES = 36  # two headers and `gatewatch`

ALLOWED: Program = [Label("allow"), Instruction("ret", ALLOW)]
FEATURES: dict[str, Program] = {
    "nfnetlink": [
        Instruction("ld", CALL_AT), Instruction("jeq", SOCKET, "", "allow"),
        Instruction("ld", FIRST_AT), Instruction("jeq", AF_NETLINK, "", "allow"),
        Instruction("ld", THIRD_AT), Instruction("jeq", NETLINK_NETFILTER, "", "allow"),
        Instruction("ret", ERROR | PROTOCOL_NOT_SUPPORTED), *ALLOWED,
    ],
    "ipv6": [
        Instruction("ld", CALL_AT), Instruction("jeq", SOCKET, "", "allow"),
        Instruction("ld", FIRST_AT), Instruction("jeq", AF_INET6, "", "allow"),
        Instruction("ret", ERROR | FAMILY_NOT_SUPPORTED), *ALLOWED,
    ],
    # For a question about a table of this length there is no memory.
    "memory": [
        Instruction("ld", CALL_AT), Instruction("jeq", SENDTO, "", "allow"),
        Instruction("ld", THIRD_AT), Instruction("jeq", TABLE_QUESTION_BYTES, "", "allow"),
        Instruction("ret", ERROR | NO_BUFFERS), *ALLOWED,
    ],
    "namespaces": [
        Instruction("ld", CALL_AT), Instruction("jeq", UNSHARE, "", "allow"),
        Instruction("ret", ERROR | INVALID), *ALLOWED,
    ],
}  # fmt: skip


def lacking(feature: str) -> tuple[str, ...]:
    """The words before a command."""
    return (sys.executable, "-P", __file__, feature)


def main(feature: str, command: list[str]) -> None:
    program = assemble(FEATURES[feature])
    buffer = ctypes.create_string_buffer(program, len(program))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    filters = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    if libc.prctl(SET_SECCOMP, FILTER_MODE, filters, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
