"""A separate pipeline for the self-test's frames: its own capture, decoder and gateway.

It runs the same code on the same loop as the pipeline of real devices, so a delay there shows here too. Nothing that
happens here changes the counters of real devices.
"""

import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final, final

from monitor.attribution.networks import address_text
from monitor.capture.live import LiveCapture
from monitor.catalog.builder import IndexBuilder
from monitor.catalog.entry import Owner, Vendor
from monitor.catalog.index import Index
from monitor.core.effects import Kill
from monitor.core.gateway import Gateway
from monitor.core.settings import CONNTRACK, Settings
from monitor.errors import ErrorCounts
from monitor.limits import Limits
from monitor.model import Observation
from monitor.policy.ban import ENFORCE, SNI, Ban, Subject
from monitor.policy.groups import IFACE_MARK, Group
from monitor.policy.policy import Policy
from monitor.policy.table.probe import PROBE, PROBE_GROUP, PROBE_V4, PROBE_V6, PROBE_VENDOR
from monitor.sinkhole.responder import PROBE_NAME
from monitor.wire.batch import BatchDecoder
from monitor.wire.decoder import Decoder

BAN: Final = Ban(PROBE_GROUP, (Subject(PROBE_VENDOR),), (PROBE_GROUP,), ENFORCE, frozenset((SNI,)))
CLIENTS: Final = tuple(
    f"{address_text(addresses.client)}/{8 * len(addresses.client)}" for addresses in (PROBE_V4, PROBE_V6)
)
SETTINGS: Final = Settings(
    local=CLIENTS, flows=CONNTRACK, interfaces=(PROBE,), groups=(Group(PROBE_GROUP, (IFACE_MARK + PROBE,)),)
)


@final
class ProbeLine:
    """Captures until it is closed and calls `kill` for each flow to cut. Raises MachineError if it cannot capture."""

    def __init__(self, loop: AbstractEventLoop, kill: Callable[[Kill], None]) -> None:
        now = time.time()
        self._loop = loop
        self._kill = kill
        self._decoder = BatchDecoder(Decoder(Limits(), ErrorCounts(), count_packets=False))
        self._gateway = Gateway(SETTINGS, probe_index(), now)
        self._gateway.govern(Policy([BAN], [], (), lambda _: (0, 0)), now)
        self._capture = LiveCapture([PROBE], counting=False)
        self._capture.open()
        for fileno in self._capture.filenos():
            loop.add_reader(fileno, self._turn)

    def close(self) -> None:
        for fileno in self._capture.filenos():
            self._loop.remove_reader(fileno)
        self._capture.close()

    def _turn(self) -> None:
        seen: list[Observation] = []
        self._decoder.decode(self._capture.read(), seen)
        for effect in self._gateway.feed(seen, time.time()):
            if isinstance(effect, Kill):
                self._kill(effect)


def probe_index() -> Index:
    """Returns a catalogue with one name."""
    builder = IndexBuilder()
    builder.add_vendor(Vendor(PROBE_VENDOR, PROBE_VENDOR, "vendor"))
    builder.add_name(PROBE_NAME, True, builder.number_of(Owner(PROBE_VENDOR)))
    return Index.load(builder.build())
