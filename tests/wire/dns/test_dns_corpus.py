"""Every DNS message of the real captures, from the file to the message, against what tshark and dnspython saw.

Both ways: each row of the truth comes out, and nothing comes out that has no row. A name is right if it is tshark's
or dnspython's. What differs has its reason in `EXPLAINED`, one entry a message.
"""

import ipaddress
import re
from dataclasses import dataclass

import corpus
import dns.name
import pytest

from monitor.capture.file import CaptureFile
from monitor.errors import CaptureFileError, ErrorCounts
from monitor.limits import Limits
from monitor.model import DNS, LLMNR, MDNS, DnsMessage, DnsRecord, Observation
from monitor.wire.decoder import Decoder
from monitor.wire.dns.addresses import record_name
from monitor.wire.dns.rdata import rdata_text

pytestmark = pytest.mark.corpus

SERVICES = {"dns": DNS, "mdns": MDNS, "llmnr": LLMNR}
# A passive monitor cannot see into these (README of the corpus).
OPAQUE = {"tls", "http2", "quic"}

ENCRYPTED = "DNSCrypt on mDNS's port: 28,699 questions in 256 bytes are none"
EXPLAINED = {
    **{("ndpi__dnscrypt-v2.pcap", frame): ENCRYPTED for frame in range(1, 7)},
    ("ndpi__fuzz-2006-06-26-2594.pcap", 208): "UDP's length ends inside the question; dnspython was given what follows",
    ("ndpi__fuzz-2006-06-26-2594.pcap", 244): "a request with an rcode, and what it asks has lost an octet",
    (
        "pcapplusplus__Fuzzers_RegressionTests_regression_samples_crash-81dba690a3f67ee41a41390a625db732fa1413a1",
        9,
    ): "the question's name lost its end, tshark has none either",
    ("zeek__quic_vector-max-size-crash.pcap", 1): "noise on port 443, no name in it by any reading",
}

ANSWER = re.compile(r"(.*?)\|(\d+)\|(\d+)\|([^|]*?)(?:;|$)")


@dataclass(frozen=True)
class Row:
    """A message of the truth; `names` are those that an oracle has read, without one none is compared."""

    key: tuple[object, ...]
    frame: int
    names: tuple[str, ...]
    types: tuple[int, ...]
    readable: bool
    row: dict[str, str]


def present(labels: tuple[bytes, ...]) -> str:
    """Presentation as the model has it, written down once more."""
    return ".".join("".join(map(present_byte, label.lower())) for label in labels if label) or "."


def present_byte(byte: int) -> str:
    return chr(byte) if 0x20 < byte < 0x7F and byte not in b".\\" else f"\\{byte:03d}"


def labels_of(wire: str) -> tuple[bytes, ...]:
    data = bytes.fromhex(wire)
    labels = []
    while data and 0 < data[0] < 64:
        labels.append(data[1 : 1 + data[0]])
        data = data[1 + data[0] :]
    return tuple(labels)


def is_visible(row: dict[str, str]) -> bool:
    stack = row["stack"].split(":")
    before = stack[: min(index for index, layer in enumerate(stack) if layer in SERVICES)]
    return row["in_icmp"] != "1" and not OPAQUE & set(before)


def tshark_name(row: dict[str, str]) -> str:
    if row["qname_wire_hex"]:
        return present(labels_of(row["qname_wire_hex"]))
    return row["qname"] if row["qdcount"] == "1" else row["qname"].split(",")[0]


def truth_of(capture: corpus.Capture) -> list[Row]:
    second = {(row["frame"], row["id"]): row for row in capture.truth("dns.alt")}
    rows = []
    for row in capture.truth("dns"):
        if not is_visible(row):
            continue
        names, types, readable = [], [], row["malformed"] == "0"
        # tshark keeps the zone of an update apart from questions; then it has no count of these.
        if row["qdcount"]:
            names.append(tshark_name(row))
            types.append(int(row["qtype"].split(",")[0] or 0))
        other = second.get((row["frame"], row["id"]))
        if other is not None:
            readable = other["parse"] in ("ok", "tsig")
            if other["qname"]:
                first = other["qname"] if other["qtype"].isdigit() else other["qname"].split(",")[0]
                names.append(present(dns.name.from_text(first).labels))
                types.append(int(other["qtype"].split(",")[0]))
        direction = row["is_response"] == "1"
        rcode = int(row["rcode"]) if direction else 0
        key = (
            SERVICES[row["proto"]], row["l4"] == "tcp", direction, int(row["id"], 16), rcode,
            row["src"], row["dst"], row["sport"], row["dport"], int(row["frame"]),
        )  # fmt: skip
        rows.append(Row(key, int(row["frame"]), tuple(names), tuple(types), readable, row))
    return rows


def messages_of(capture: corpus.Capture) -> list[DnsMessage]:
    errors = ErrorCounts()
    decoder = Decoder(Limits(), errors, False)
    out: list[Observation] = []
    try:
        for batch in CaptureFile(capture.path, errors).batches():
            for frame in batch:
                decoder.decode(frame, out)
    except CaptureFileError:
        assert capture.truth("dns") == []
    assert ("decoder", "internal") not in errors.counts
    return [seen for seen in out if isinstance(seen, DnsMessage)]


def key_of(message: DnsMessage) -> tuple[object, ...]:
    packet = message.packet
    source, destination = (str(ipaddress.ip_address(address)) for address in (packet.source, packet.destination))
    rcode = message.rcode & 15 if message.is_response else 0
    return (
        message.service, message.tcp, message.is_response, message.id, rcode,
        source, destination, str(packet.source_port), str(packet.destination_port), packet.number,
    )  # fmt: skip


def is_right(message: DnsMessage, row: Row) -> bool:
    if key_of(message) != row.key:
        return False
    if not row.names:
        return True
    return message.name.decode() in row.names and message.type in row.types


def unmatched(capture: corpus.Capture) -> tuple[list[Row], list[DnsMessage]]:
    """The rows that did not come out, and the messages that have no row."""
    left = messages_of(capture)
    missing = []
    for row in truth_of(capture):
        found = next((message for message in left if is_right(message, row)), None)
        if found is not None:
            left.remove(found)
        else:
            missing.append(row)
    return missing, left


def test_every_message_and_no_other() -> None:
    rows = 0
    explained: set[tuple[str, int]] = set()
    wrong = []
    for capture in corpus.captures():
        missing, extra = unmatched(capture)
        rows += len(truth_of(capture))
        for row in missing:
            if (capture.name, row.frame) in EXPLAINED:
                explained.add((capture.name, row.frame))
            elif row.readable:
                wrong.append(f"missing {capture.name} {row.key} {row.names}")
        wrong += [f"extra {capture.name} {key_of(message)} {message.name!r}" for message in extra]
    assert wrong == []
    assert explained == set(EXPLAINED)
    assert rows > 12_000


def plain(owner: str) -> str:
    """An owner's name where text holds it without loss, else nothing."""
    spaced = owner.replace("\\032", " ")
    return "" if "\\" in spaced or not spaced.isascii() else spaced or "."


def answer_of(message: DnsMessage, record: DnsRecord) -> tuple[str, int, int, str]:
    """Owner, type, TTL and what the truth has of the rdata: addresses and CNAME targets."""
    text = ""
    if record.type in (1, 28):
        text = rdata_text(message, record)
    elif record.type == 5:
        text = record_name(message, record).decode()
    return plain(record.name.decode()), record.type, record.ttl, text


def truth_answers(row: dict[str, str]) -> list[tuple[str, int, int, str]]:
    answers = []
    for owner, type, ttl, rdata in ANSWER.findall(row["answers"]):
        answers.append((plain(owner), int(type), int(ttl), rdata.lower() if type in ("1", "5", "28") else ""))
    return answers


def is_comparable(row: Row) -> bool:
    """Not what tshark files elsewhere (zones, services of SRV records), nor what it could not read to the end."""
    return row.readable and row.row["qdcount"] != "" and len(truth_answers(row.row)) == int(row.row["ancount"] or 0)


def test_every_answer() -> None:
    compared = 0
    wrong = []
    for capture in corpus.captures():
        messages = {key_of(message): message for message in messages_of(capture)}
        for row in truth_of(capture):
            message = messages.get(row.key)
            if message is None or not is_comparable(row):
                continue
            ours = [answer_of(message, record) for record in message.answers]
            compared += len(ours)
            if ours != truth_answers(row.row):
                wrong.append((capture.name, row.frame, ours, truth_answers(row.row)))
    assert wrong == []
    assert compared > 5_000
