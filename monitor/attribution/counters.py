"""Defines counters as small cells to which the hot path keeps references, so that counting needs no look-up."""

from typing import Final, final

from monitor.attribution.devices import Device

UNKNOWN: Final = "unknown"
OTHER: Final = "other"


@final
class Cell:
    """One number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


@final
class Traffic:
    """Bytes from (`up`) and to (`down`) the device, and flows: one series of `flow_bytes_total` and `flows_total`."""

    __slots__ = ("down", "flows", "up")

    def __init__(self) -> None:
        self.up = 0
        self.down = 0
        self.flows = 0


@final
class Destination:
    """Bytes by the network and country of the remote address.

    Once `shown` it has a series of its own; bytes reported before as `other` (`hidden_*`) stay there.
    """

    __slots__ = ("asn", "country", "down", "hidden_down", "hidden_up", "shown", "up")

    def __init__(self, asn: str, country: str) -> None:
        self.asn = asn
        self.country = country
        self.up = 0
        self.down = 0
        self.shown = False
        self.hidden_up = 0
        self.hidden_down = 0


@final
class Attribution:
    """The vendor of a flow: the evidence, and the entry that matched. Many flows share one object.

    The vendor, the service, the list and the entry label the flow. `owners` are all vendors of the flow on the same
    evidence, as bans compare them; `user` is true if only user lists name it.
    """

    __slots__ = ("entry", "evidence", "list", "owners", "service", "user", "vendor")

    def __init__(
        self, vendor: str, service: str, evidence: str, list: str, entry: str, owners: tuple[str, ...] = (),
        user: bool = False,
    ) -> None:  # fmt: skip
        self.vendor = vendor
        self.service = service
        self.evidence = evidence
        self.list = list
        self.entry = entry
        self.owners = owners
        self.user = user


@final
class Note:
    """Counts of one device, group and vendor that the journal does not have yet. Once `taken`, a new note is started.

    `names` are the distinct names of the vendor that were seen.
    """

    __slots__ = (
        "blocked", "device", "down", "evidence", "first", "flows", "group", "last", "leaked", "names", "origin",
        "service", "taken", "up", "vendor",
    )  # fmt: skip

    def __init__(
        self, device: Device, origin: bytes, group: str, vendor: str, service: str, evidence: str, now: float
    ) -> None:
        self.device = device
        self.origin = origin
        self.group = group
        self.vendor = vendor
        self.service = service
        self.evidence = evidence
        self.first = now
        self.last = now
        self.up = 0
        self.down = 0
        self.flows = 0
        self.blocked = 0
        self.leaked = 0
        self.names: list[bytes] = []
        self.taken = False


@final
class Tally:
    """The traffic of one device with one vendor's service on one kind of evidence.

    `origin` is the IPv4 address that the device had (`b""` for IPv6): if its MAC turns out to be a router's, the tally
    belongs to that address. `gone` marks a tally that the table has dropped while flows still refer to it. `note` holds
    the same counts for the journal.
    """

    __slots__ = (
        "attribution", "device", "down", "first", "flows", "gone", "group", "key", "last", "note", "origin", "series",
        "up",
    )  # fmt: skip

    def __init__(
        self,
        key: tuple[int, bytes, str, str, str, str],
        device: Device,
        origin: bytes,
        group: str,
        attribution: Attribution,
        series: Traffic,
        now: float,
    ) -> None:
        self.key = key
        self.device = device
        self.origin = origin
        self.group = group
        self.attribution = attribution
        self.series = series
        self.first = now
        self.last = now
        self.up = 0
        self.down = 0
        self.flows = 0
        self.gone = False
        self.note: Note | None = None


@final
class Watch:
    """A ban's counters for one flow, and the flow's counters as of the last count.

    `leak` counts the bytes that pass, `blocked` those of a flow that was `killed`; None if none are counted.
    """

    __slots__ = ("attribution", "blocked", "killed", "late", "leak", "packets_returned", "returned", "sent", "version")

    def __init__(self, attribution: Attribution, version: int) -> None:
        self.attribution = attribution
        self.version = version
        self.leak: Traffic | None = None
        self.blocked: Cell | None = None
        self.killed = False
        self.late = False
        self.sent = 0
        self.returned = 0
        self.packets_returned = 0
