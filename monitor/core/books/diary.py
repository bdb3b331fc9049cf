"""The diary: notes for the journal about events since the last time they were taken.

A note is written where the counters are increased, so that both agree, and is taken once. Only names in the catalogue
are noted; other destinations of a device are not kept.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Final, final

from monitor.attribution.counters import UNKNOWN, Attribution, Note, Tally
from monitor.attribution.devices import Device, Devices
from monitor.attribution.host_names import host_text
from monitor.attribution.networks import address_text
from monitor.core.flow.naming import Naming
from monitor.policy.owners import SubjectLabel

NAMES_MAX: Final = 16
ADDRESSES_MAX: Final = 8


@dataclass(frozen=True)
class NoteRow:
    """What a device exchanged with a vendor since the last note, and the device's identity.

    If the privacy setting forbids it, `hostname` and `addresses` are empty, and `device` is empty or a pseudonym.
    `blocked` counts queries, flows and packets that a ban blocked, `leaked` counts bytes that passed a ban.
    """

    device: str
    hostname: str
    addresses: tuple[str, ...]
    group: str
    vendor: str
    service: str
    evidence: str
    bytes_up: int
    bytes_down: int
    flows: int
    blocked: int
    leaked: int
    first: float
    last: float
    names: tuple[str, ...]


@final
class Diary:
    """At most `limit` pending notes. Nothing is noted while `keeps` is False."""

    __slots__ = ("_notes", "evictions", "keeps", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.keeps = False
        self.evictions = 0
        self._notes: dict[tuple[int, bytes, str, str, str, str], Note] = {}

    def __len__(self) -> int:
        return len(self._notes)

    def note_of(self, tally: Tally, now: float) -> Note | None:
        """Returns the note of the tally, or None if the table is full."""
        note = tally.note
        if note is None or note.taken:
            why = tally.attribution
            note = self.of(tally.device, tally.origin, tally.group, why.vendor, why.service, why.evidence, now)
            tally.note = note
        return note

    def of(
        self, device: Device, origin: bytes, group: str, vendor: str, service: str, evidence: str, now: float
    ) -> Note | None:
        key = (device.number, origin, group, vendor, service, evidence)
        note = self._notes.get(key)
        if note is None:
            if len(self._notes) >= self.limit:
                self.evictions += 1
                return None
            note = Note(device, origin, group, vendor, service, evidence, now)
            self._notes[key] = note
        return note

    def block(
        self, device: Device, origin: bytes, group: str, label: SubjectLabel, why: Attribution, name: bytes, now: float
    ) -> None:
        """Notes that a ban blocked the device from the vendor. `name` is a name in the catalogue, or empty.

        The service is that of the ban, else the service of the same vendor in `why`.
        """
        if not self.keeps:
            return
        vendor, service = label
        if not service:
            service = why.service if why.vendor == vendor else UNKNOWN
        note = self.of(device, origin, group, vendor, service, why.evidence, now)
        if note is not None:
            note.blocked += 1
            note.last = max(note.last, now)
            add_name(note, name)

    def take(self, limit: int) -> list[Note]:
        """Takes the oldest notes. Later events go into new notes."""
        keys = list(islice(self._notes, limit))
        taken: list[Note] = []
        for key in keys:
            note = self._notes.pop(key)
            note.taken = True
            taken.append(note)
        return taken

    def take_rows(self, limit: int, devices: Devices, naming: Naming) -> list[NoteRow]:
        """As `take`, with the device that each note's address or MAC belongs to now."""
        return [note_row(note, devices.settle(note.device, note.origin), naming) for note in self.take(limit)]


def add_name(note: Note, name: bytes) -> None:
    if name and len(note.names) < NAMES_MAX and name not in note.names:
        note.names.append(name)


def note_row(note: Note, device: Device, naming: Naming) -> NoteRow:
    """Converts a note to a row. `device` is the device that the note belongs to now."""
    is_open = naming.is_open
    return NoteRow(
        naming.text_of(device),
        host_text(device.hostname) if is_open else "",
        addresses_of(device) if is_open else (),
        note.group,
        note.vendor,
        note.service,
        note.evidence,
        note.up,
        note.down,
        note.flows,
        note.blocked,
        note.leaked,
        note.first,
        note.last,
        tuple([name.decode("ascii", "backslashreplace") for name in note.names]),
    )


def addresses_of(device: Device) -> tuple[str, ...]:
    """Returns the most recently seen addresses."""
    seen = sorted([(-last, address) for address, last in device.addresses.items()])
    return tuple([address_text(address) for _, address in seen[:ADDRESSES_MAX]])
