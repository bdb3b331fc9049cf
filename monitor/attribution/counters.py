"""Counters as small cells that the hot path holds on to, so that counting is an addition and no look-up."""

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
    """Bytes by the network and country at the other end.

    Once `shown` it has a series of its own; what was told as `other` before (`hidden_*`) stays there.
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
    """Why a flow belongs to a vendor: the evidence, and the entry behind it. Many flows share one.

    The vendor, the service, the list and the entry label the flow. `owners` are all vendors that the flow belongs to on
    the same evidence, as bans compare them; `user` says that only lists of the user's own name it.
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
    """What the journal does not have yet of one device, group and vendor. Once `taken`, a new one goes on.

    `names` are the vendor's that were seen, none twice.
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
    """What one device exchanged with one vendor's service on one kind of evidence.

    `origin` is the IPv4 address that the device had (`b""` for IPv6): should its MAC turn out to be a router's, the
    tally belongs to that address. `gone` tells flows that still hold it that the table has dropped it. `note` takes
    the same for the journal.
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
    """What a ban has of one flow that it is about, and the flow's counters as they were counted here last.

    `leak` takes the bytes that pass, `blocked` those of a flow that was `killed`; None where none are to be counted.
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
