"""A capture through the straight line, as `replay` reads it: its EVE events and its decoding errors."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from monitor.catalog.index import Index
from monitor.cli.playback import Playback, Rules
from monitor.config.sections import Config
from monitor.errors import ErrorCounts
from monitor.events.writer import EventWriter
from monitor.lists.cache import load_cached

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "wire"

Event = dict[str, Any]


@cache
def shipped() -> Index:
    return load_cached(()).index


class Replayed:
    """`events` are EVE objects in their order, `samples` the numbers at the end, `errors` by layer and kind."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.counts = ErrorCounts()
        file = folder / "events.json"
        writer = EventWriter(str(file), self._fail, append=False)
        playback = Playback([str(path)], Rules(Config(), shipped(), None, writer), self.counts)
        for _ in playback.batches():
            pass
        self.rows, self.samples = playback.finish()
        writer.close()
        self.events: list[Event] = [json.loads(line) for line in file.read_text().splitlines()]

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event["event_type"] == kind]

    def flows(self, remote: str) -> list[Event]:
        """The flows that lead to this address."""
        return [event for event in self.of("flow") if event["dest_ip"] == remote]

    def names(self) -> list[str]:
        """The server names of all hellos."""
        return [event[event["event_type"]]["sni"] for event in self.events if event["event_type"] in ("tls", "quic")]

    def blind(self) -> dict[str, float]:
        """Bytes without a name, by reason."""
        return {key[1]: value for key, value in self.samples["blind_bytes_total"].items() if value}

    @staticmethod
    def _fail(line: str) -> None:
        raise AssertionError(line)


def sizes(flow: Event) -> tuple[int, int]:
    """IP bytes up and down."""
    return flow["flow"]["bytes_toserver"], flow["flow"]["bytes_toclient"]


def owner(flow: Event) -> tuple[str, str]:
    """Vendor and evidence."""
    return flow["gatewatch"]["vendor"], flow["gatewatch"]["evidence"]


def owners(flows: Sequence[Event]) -> list[tuple[str, str]]:
    return [owner(flow) for flow in flows]
