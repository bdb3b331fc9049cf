"""Capture files on the disk: what is read, what is refused, what a broken one still gives."""

import gzip
import struct
from pathlib import Path

import corpus
import pytest
from scapy.utils import RawPcapReader

from monitor.capture.file import CaptureFile, read_frames
from monitor.errors import CaptureFileError, ErrorCounts

FILE = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1) + b"".join(
    struct.pack("<IIII", second, 0, 60, 60) + bytes([second]) * 60 for second in range(100)
)
NUMBERS = list(range(1, 101))

# Where scapy and tshark read another number of frames than we do.
EXPLAINED_COUNTS = {
    "ndpi__fuzz-2021-10-13.pcap": "one record that claims 524,501 bytes and has 199: tshark shows its header",
    "pcapplusplus__Fuzzers_RegressionTests_regression_samples_crash-exception-cast-constructed-record": (
        "the first two records are whole and the third is not; tshark guesses Nokia's longer record headers"
    ),
    "tcpdump__hoobr_juniper3.pcap": "tshark refuses the whole file for its link type, the record is one all the same",
}


def numbers(path: Path) -> list[int]:
    return [frame.number for batch in read_frames(path) for frame in batch]


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda file: gzip.compress(file[:500], mtime=0) + gzip.compress(file[500:], mtime=0)]
)
def test_plain_packed_and_packed_in_members(tmp_path: Path, pack: object) -> None:
    path = tmp_path / "some.pcap"
    path.write_bytes(pack(FILE))  # type: ignore[operator]
    assert numbers(path) == NUMBERS


def test_padding_behind_the_gzip_data_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "some.pcap.gz"
    path.write_bytes(gzip.compress(FILE, mtime=0) + bytes(512))
    capture = CaptureFile(path)
    assert sum(len(batch) for batch in capture.batches()) == 100
    assert capture.complaint == ""


def test_progress_and_interfaces(tmp_path: Path) -> None:
    path = tmp_path / "some.pcap"
    path.write_bytes(FILE)
    capture = CaptureFile(path)
    assert sum(len(batch) for batch in capture.batches()) == 100
    assert (capture.bytes_read, capture.bytes_total, capture.interfaces) == (len(FILE), len(FILE), [""])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\xd4", "the file has only 1 bytes"),
        (FILE[:23], "the file ends inside its header"),
        (b"hello world, this is text", "neither a pcap nor a pcapng file (it begins with 68 65 6c 6c)"),
        (b"\x0a\x0d\x0d\x0a" + bytes(20), "a section header without a byte order"),
        (b"\x1f\x8b\x08\x00 not gzip at all", "the gzip data"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.pcap"
    path.write_bytes(content)
    with pytest.raises(CaptureFileError) as raised:
        numbers(path)
    assert message in str(raised.value)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CaptureFileError, match=r"absent\.pcap: cannot be read: No such file"):
        numbers(tmp_path / "absent.pcap")
    with pytest.raises(CaptureFileError, match="Is a directory"):
        numbers(tmp_path)


@pytest.mark.parametrize(
    ("content", "kept", "count"),
    [
        (FILE[:-1], 99, ("pcap", "too_short")),
        (FILE + struct.pack("<IIII", 0, 0, 2**31, 2**31) + FILE, 100, ("pcap", "malformed")),
        (gzip.compress(FILE, mtime=0)[:-20], None, ("pcap", "gzip")),
    ],
)
def test_what_was_read_before_the_damage_is_kept(
    tmp_path: Path, content: bytes, kept: int | None, count: tuple[str, str]
) -> None:
    path = tmp_path / "broken.pcap"
    path.write_bytes(content)
    errors = ErrorCounts()
    capture = CaptureFile(path, errors)
    frames = sum(len(batch) for batch in capture.batches())
    assert frames == kept or kept is None
    assert capture.complaint
    assert errors.counts[count] == 1


@pytest.mark.corpus
def test_every_capture_gives_the_frames_that_tshark_counts() -> None:
    different = {one.name for one in corpus.captures() if len(numbers(one.path)) != int(one.row["packets"])}
    assert different == set(EXPLAINED_COUNTS)


@pytest.mark.corpus
def test_classic_captures_give_the_bytes_and_times_that_scapy_reads() -> None:
    compared = 0
    for one in list(corpus.captures())[::6]:
        if one.row["format"] != "pcap" or "fuzz" in one.row["kind"] or one.path.read_bytes()[:1] == b"\x1f":
            continue
        ours = [frame for batch in read_frames(one.path) for frame in batch]
        with RawPcapReader(str(one.path)) as reader:
            for frame, (data, meta) in zip(ours, reader, strict=True):
                assert (frame.data, frame.length) == (data, max(meta.wirelen, len(data)))
                seconds = meta.sec + meta.usec / (1e9 if reader.nano else 1e6)
                assert frame.time == pytest.approx(seconds, abs=1e-6)
                compared += 1
    assert compared > 1_000
