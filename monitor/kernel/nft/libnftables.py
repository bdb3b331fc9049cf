"""libnftables through ctypes: the nft language without a process per command.

For small objects: tables, chains, rules, sets. Every command that names an element, and every listing, makes the
library fetch all elements of the table first (200,000: 4 to 9 s), so elements and counters go over netlink
(`elements.py`, `listing.py`). A command about chains and rules costs 0 to 0.2 s beside 200,000 elements.
"""

import ctypes
import os
from typing import Final, final

from monitor.errors import MachineError

LIBRARY: Final = "libnftables.so.1"
MISSING: Final = f"{LIBRARY} is missing, and enforcement needs it: apt-get install libnftables1"


class RulesetRefused(MachineError):
    """The kernel or the library refused a script. No part of it was applied."""


@final
class NftLibrary:
    """One library context, in the network namespace of the thread that creates it. Raises MachineError."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(LIBRARY)
        except OSError as error:
            raise MachineError(MISSING) from error
        self._declare()
        self._context = self._library.nft_ctx_new(0)
        if not self._context:
            raise MachineError("libnftables cannot open a netlink socket")
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)

    def _declare(self) -> None:
        library, context = self._library, ctypes.c_void_p
        library.nft_ctx_new.argtypes = [ctypes.c_uint32]
        library.nft_ctx_new.restype = context
        library.nft_ctx_free.argtypes = [context]
        library.nft_ctx_free.restype = None
        for name in ("nft_ctx_buffer_output", "nft_ctx_buffer_error"):
            getattr(library, name).argtypes = [context]
        for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
            getattr(library, name).argtypes = [context]
            getattr(library, name).restype = ctypes.c_char_p
        library.nft_ctx_set_dry_run.argtypes = [context, ctypes.c_bool]
        library.nft_ctx_set_dry_run.restype = None
        library.nft_run_cmd_from_buffer.argtypes = [context, ctypes.c_char_p]

    def run(self, script: str) -> str:
        """Runs the script as one transaction and returns nft's output. Raises RulesetRefused with nft's first line."""
        code = self._library.nft_run_cmd_from_buffer(self._context, script.encode())
        output: bytes = self._library.nft_ctx_get_output_buffer(self._context) or b""
        if code == 0:
            return output.decode(errors="replace")
        error: bytes = self._library.nft_ctx_get_error_buffer(self._context) or b""
        raise RulesetRefused(f"nftables: {first_line(error.decode(errors='replace'))}")

    def check(self, script: str) -> str:
        """Returns why the kernel would refuse the script, "" if it would accept it. Changes nothing (dry run)."""
        self._library.nft_ctx_set_dry_run(self._context, True)
        try:
            self.run(script)
        except RulesetRefused as refusal:
            return str(refusal)
        finally:
            self._library.nft_ctx_set_dry_run(self._context, False)
        return ""

    def close(self) -> None:
        if self._context:
            self._library.nft_ctx_free(self._context)
            self._context = None


def first_line(error: str) -> str:
    """Returns nft's error in one line. Without the privilege nft reports a cache failure instead."""
    if "Operation not permitted" in error or "cache initialization failed" in error:
        return f"{os.strerror(1)}: changing rules needs CAP_NET_ADMIN"
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    return " ".join(lines[:2]) if lines else "no reason given"
