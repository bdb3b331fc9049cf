"""Downloads over TLS and QUIC that run until they are stopped, from addresses that only a name identifies."""

import time
from typing import Final, final

from monitor.lab.capture import TcpdumpCapture, tally
from monitor.lab.child import Child
from monitor.lab.lab import Lab

NAME: Final = "www.capcut.com"
# Outside the vendor's prefixes: only their names identify them.
ADDRESSES: Final = ("203.0.113.30", "2001:db8:cd::30")
# The stream takes 40 minutes at this rate.
STREAM: Final = "/bytes/1000000000?rate=400000"
FLOWING_BYTES: Final = 20_000
SILENT_SECONDS: Final = 1.5


@final
class Downloads:
    """Four downloads of the phone, started at once: `children` by protocol and client port."""

    def __init__(self, lab: Lab) -> None:
        phone = lab.client("phone")
        self.children: dict[tuple[str, int], Child] = {}
        for address in ADDRESSES:
            child, port = phone.start_curl(f"https://{NAME}{STREAM}", address=address, ipv6=":" in address)
            self.children["tcp", port] = child
            child, port = phone.start_quic(NAME, address, STREAM)
            self.children["udp", port] = child

    def all_flow(self, capture: TcpdumpCapture) -> bool:
        """Whether the capture contains data of every download."""
        down = {(key[0], key[4]): counted.bytes for key, counted in tally(capture.path).items()}
        return all(down.get(download, 0) > FLOWING_BYTES for download in self.children)

    def all_silent(self, capture: TcpdumpCapture) -> bool:
        """Whether the capture contains no recent data of any download."""
        down = {(key[0], key[4]): counted.last for key, counted in tally(capture.path).items()}
        return all(time.time() - down[download] > SILENT_SECONDS for download in self.children)

    def stop(self) -> None:
        for child in self.children.values():
            child.stop()
