"""Downloads that go on until they are stopped, over TLS and QUIC, from addresses that only a name gives away."""

import time
from typing import Final, final

from monitor.lab.capture import TcpdumpCapture, tally
from monitor.lab.child import Child
from monitor.lab.lab import Lab

NAME: Final = "www.capcut.com"
# Outside the vendor's prefixes: only names lead there.
ADDRESSES: Final = ("203.0.113.30", "2001:db8:cd::30")
# At this rate a stream takes 40 minutes.
STREAM: Final = "/bytes/1000000000?rate=400000"
FLOWING_BYTES: Final = 20_000
SILENT_SECONDS: Final = 1.5


@final
class Downloads:
    """Four downloads of the phone: `children` by protocol and the client's port. They begin at once."""

    def __init__(self, lab: Lab) -> None:
        phone = lab.client("phone")
        self.children: dict[tuple[str, int], Child] = {}
        for address in ADDRESSES:
            child, port = phone.start_curl(f"https://{NAME}{STREAM}", address=address, ipv6=":" in address)
            self.children["tcp", port] = child
            child, port = phone.start_quic(NAME, address, STREAM)
            self.children["udp", port] = child

    def all_flow(self, capture: TcpdumpCapture) -> bool:
        """Whether the capture has data of every one of them."""
        down = {(key[0], key[4]): counted.bytes for key, counted in tally(capture.path).items()}
        return all(down.get(download, 0) > FLOWING_BYTES for download in self.children)

    def all_silent(self, capture: TcpdumpCapture) -> bool:
        """Whether the capture has no data of any of them for a while."""
        down = {(key[0], key[4]): counted.last for key, counted in tally(capture.path).items()}
        return all(time.time() - down[download] > SILENT_SECONDS for download in self.children)

    def stop(self) -> None:
        for child in self.children.values():
            child.stop()
