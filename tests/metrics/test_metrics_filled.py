"""What a gateway that saw something gives, on the page: names and labels as the table has them."""

from collections.abc import Callable
from pathlib import Path

import phone
from prometheus_client.parser import text_string_to_metric_families

from monitor.capture.file import CaptureFile
from monitor.catalog.index import Index
from monitor.config.sections import Config
from monitor.config.settings import core_settings
from monitor.core.gateway import Gateway
from monitor.core.settings import PACKETS
from monitor.errors import ErrorCounts
from monitor.lists.loader import load_catalogue
from monitor.metrics.collector import Collector
from monitor.model import Observation
from monitor.wire.batch import BatchDecoder
from monitor.wire.decoder import Decoder


def watched(path: Path, index: Index) -> Gateway:
    errors = ErrorCounts()
    decoder = BatchDecoder(Decoder(Config().limits, errors, count_packets=True))
    gateway = Gateway(core_settings(Config(), PACKETS), index, phone.START)
    for frames in CaptureFile(path, errors).batches():
        seen: list[Observation] = []
        decoder.decode(frames, seen)
        gateway.feed(seen, frames[-1].time)
    gateway.close(phone.START + 60)
    return gateway


def test_a_conversation_on_the_page(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    gateway = watched(phone.write(tmp_path / "phone.pcap"), load_catalogue().index)
    text = Collector([gateway.snapshot], [gateway.histograms], process=False).text()
    assert list(text_string_to_metric_families(text))
    golden("metrics_conversation.txt", text)
