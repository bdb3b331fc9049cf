"""Notifies the service manager by sd_notify(3): datagrams to the socket in `NOTIFY_SOCKET`."""

import os
import socket
import time
from typing import Final, final

from monitor.log import log

WATCHDOG_SHARE: Final = 0.5  # of systemd's watchdog timeout


@final
class Notifier:
    """Does nothing without `NOTIFY_SOCKET`. `watchdog_seconds` is the interval for calling `alive`, 0: never."""

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        mine = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        patience = os.environ.get("WATCHDOG_USEC", "0") if mine else "0"
        self._fault = ""
        self.watchdog_seconds = int(patience) / 1e6 * WATCHDOG_SHARE if patience.isdigit() else 0.0

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def alive(self, fault: str = "") -> None:
        """Sends a watchdog notification; call it every `watchdog_seconds`. With a fault none is sent, so that the
        manager's watchdog timeout expires.
        """
        if fault and fault != self._fault:
            log.error("%s: if that lasts, the service manager will start us again", fault)
        self._fault = fault
        if not fault:
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.setblocking(False)
                out.sendto(text.encode(), address)
        except OSError:  # a manager that does not listen must not stop the daemon
            return
