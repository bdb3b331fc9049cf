"""A flow: one connection, or what stands for one."""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.attribution.answer_cache import NameBinding
from monitor.attribution.client_side import DNS_PORT
from monitor.attribution.counters import Attribution, Cell, Destination, Tally, Watch
from monitor.attribution.devices import Device
from monitor.attribution.remotes import RemoteAddress
from monitor.model import PROTOCOL_TCP, PROTOCOL_UDP

OPENING_SECONDS: Final = 30.0
ESTABLISHED_SECONDS: Final = 3600.0
# A connection with a name is kept as long as Linux keeps it (nf_conntrack_tcp_timeout_established): phones let theirs
# rest for hours, and the name is not said again.
NAMED_SECONDS: Final = 432_000.0
CLOSING_SECONDS: Final = 10.0
DATAGRAM_SECONDS: Final = 30.0
EXCHANGE_SECONDS: Final = 120.0
DNS_SECONDS: Final = 10.0
CONNTRACK_SECONDS: Final = 900.0

OPENING: Final = 0
ESTABLISHED: Final = 1
CLOSED: Final = 2
RESET: Final = 3

NO_HELLO: Final = 0
TLS_HELLO: Final = 1
QUIC_HELLO: Final = 2
HTTP_HOST: Final = 3


@mypyc_attr(acyclic=True)
@final
class Flow:
    """One connection, or what stands for one. `key` leads from client to server, `back` the other way.

    `sent` are bytes from the client, `returned` from the server; `counted_*` are those that counters already have.
    `device` is the end that the flow is counted for, `remote` the other; `outbound` says that the device is the
    client. `decoy` says that two hellos or requests were read in one place of its stream. `inherited` is the name of
    the connection that the flow continues from another port (`b""`: none). `settled` means that nothing better is
    awaited before its bytes are attributed. `question` is the id of a DNS question that waits since `asked` (-1: none
    does). `watch` is there where a ban is about the flow.

    Of TCP: `initial` is the client's SYN number, `next_sent` and `next_returned` are the sequence numbers that come
    next, `again` a later SYN of the client with another number and its bytes `again_length`; -1 where not seen. `tag`
    is what tells the flow from others with the same key, such as a VLAN (`b""`: nothing), and `back_tag` the same of
    what comes back: a mirror may have each direction on a VLAN of its own.
    """

    __slots__ = (
        "again", "again_length", "application", "asked", "attribution", "back", "back_tag", "blind", "bypass",
        "claim",
        "connection", "counted", "counted_returned", "counted_sent", "decoy", "destination", "device", "dirty", "ech",
        "ended", "epoch", "fins", "hello", "host", "inherited", "initial", "key", "last", "method", "midstream",
        "next_returned", "next_sent", "number", "origin",
        "outbound", "packets_returned", "packets_sent", "port", "protocol", "question", "remote", "returned", "sent",
        "settled", "slot", "start", "state", "tag", "tally", "watch",
    )  # fmt: skip

    def __init__(self, key: bytes, back: bytes, protocol: int, port: int, now: float) -> None:
        self.key = key
        self.back = back
        self.protocol = protocol
        self.port = port
        self.start = now
        self.last = now
        self.number = 0
        self.sent = 0
        self.returned = 0
        self.packets_sent = 0
        self.packets_returned = 0
        self.counted_sent = 0
        self.counted_returned = 0
        self.state = OPENING
        self.fins = 0
        self.initial = -1
        self.again = -1
        self.again_length = 0
        self.next_sent = -1
        self.next_returned = -1
        self.tag = b""
        self.back_tag = b""
        self.slot = -1
        self.ended = False
        self.dirty = False
        self.settled = False
        self.counted = False
        self.midstream = False
        self.outbound = True
        self.hello = NO_HELLO
        self.ech = False
        self.decoy = False
        self.host = b""
        self.inherited = b""
        self.method = ""
        self.bypass = ""
        self.application = "unknown"
        self.connection = -1
        self.question = -1
        self.asked = 0.0
        self.epoch = -1
        self.device: Device | None = None
        self.origin = b""
        self.remote: RemoteAddress | None = None
        self.claim: NameBinding | None = None
        self.attribution: Attribution | None = None
        self.tally: Tally | None = None
        self.blind: Cell | None = None
        self.destination: Destination | None = None
        self.watch: Watch | None = None

    def patience(self) -> float:
        """Seconds of silence after which the flow is over."""
        if self.connection >= 0:
            return CONNTRACK_SECONDS
        if self.protocol == PROTOCOL_TCP:
            if self.state == ESTABLISHED:
                # Met in its middle and heard from one end only, it may be anything that looks like a connection.
                both = self.packets_sent and self.packets_returned
                if not both or self.fins:
                    return EXCHANGE_SECONDS
                return NAMED_SECONDS if self.host else ESTABLISHED_SECONDS
            return OPENING_SECONDS if self.state == OPENING else CLOSING_SECONDS
        if self.protocol == PROTOCOL_UDP and self.sent and self.returned:
            return DNS_SECONDS if self.application == "dns" else EXCHANGE_SECONDS
        return DATAGRAM_SECONDS


def may_say_hello(flow: Flow) -> bool:
    """Whether a ClientHello or a Host may still tell more about the flow than its addresses do."""
    if flow.midstream or not flow.outbound or flow.port == DNS_PORT or flow.port == 0:
        return False
    return flow.protocol == PROTOCOL_TCP or flow.protocol == PROTOCOL_UDP
