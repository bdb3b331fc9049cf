"""Starts a command on a kernel that lacks something: `lacking.py FEATURE COMMAND…`.

The kernel's answer to the system call that asks for the feature is that of a kernel built without it (seccomp(2)).
"""

import ctypes
import os
import platform
import struct
import sys

from monitor.capture.assembler import Label, Program, Step, assemble

NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER_MODE = 38, 22, 2
ALLOW, ERROR = 0x7FFF0000, 0x00050000
CALL_AT, FIRST_AT, THIRD_AT = 0, 16, 32  # struct seccomp_data
SOCKET, SENDTO, UNSHARE = {"x86_64": (41, 44, 272), "aarch64": (198, 206, 97)}[platform.machine()]
AF_INET6, AF_NETLINK, NETLINK_NETFILTER = 10, 16, 12
PROTOCOL_NOT_SUPPORTED, FAMILY_NOT_SUPPORTED, NO_BUFFERS, INVALID = 93, 97, 105, 22
TABLE_QUESTION_BYTES = 36  # two headers and `gatewatch`

ALLOWED: Program = [Label("allow"), Step("ret", ALLOW)]
FEATURES: dict[str, Program] = {
    "nfnetlink": [
        Step("ld", CALL_AT), Step("jeq", SOCKET, "", "allow"),
        Step("ld", FIRST_AT), Step("jeq", AF_NETLINK, "", "allow"),
        Step("ld", THIRD_AT), Step("jeq", NETLINK_NETFILTER, "", "allow"),
        Step("ret", ERROR | PROTOCOL_NOT_SUPPORTED), *ALLOWED,
    ],
    "ipv6": [
        Step("ld", CALL_AT), Step("jeq", SOCKET, "", "allow"),
        Step("ld", FIRST_AT), Step("jeq", AF_INET6, "", "allow"),
        Step("ret", ERROR | FAMILY_NOT_SUPPORTED), *ALLOWED,
    ],
    # For a question about a table of this length there is no memory.
    "memory": [
        Step("ld", CALL_AT), Step("jeq", SENDTO, "", "allow"),
        Step("ld", THIRD_AT), Step("jeq", TABLE_QUESTION_BYTES, "", "allow"),
        Step("ret", ERROR | NO_BUFFERS), *ALLOWED,
    ],
    "namespaces": [
        Step("ld", CALL_AT), Step("jeq", UNSHARE, "", "allow"), Step("ret", ERROR | INVALID), *ALLOWED,
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
