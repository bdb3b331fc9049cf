"""Defines a flow: one connection, or an equivalent exchange of packets."""

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
# A connection with a name is kept as long as in Linux (nf_conntrack_tcp_timeout_established): phones keep connections
# idle for hours, and the name is not sent again.
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
    """One connection, or an equivalent exchange of packets. `key` is in the direction client to server, `back` the
    reverse.

    `sent` are bytes from the client, `returned` from the server; `counted_*` are the bytes already counted. `device` is
    the end for which the flow is counted, `remote` the other; `outbound` is true if the device is the client. `decoy`
    is true if two ClientHellos or requests were read at one position of its stream. `inherited` is the name of the
    connection that the flow continues from another port (`b""`: none). `settled` is true if no better evidence is
    expected before its bytes are attributed. `question` is the id of a DNS query without an answer since `asked` (-1:
    none). `watch` is set if a ban covers the flow.

    TCP: `initial` is the client's SYN number, `next_sent` and `next_returned` are the next sequence numbers, `again` is
    a later SYN number of the client and `again_length` the bytes of that SYN; -1 if not seen. `tag` distinguishes the
    flow from others with the same key, such as a VLAN (`b""`: none), and `back_tag` does so for the reverse direction:
    a mirror may have each direction on a VLAN of its own.
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
        """Returns the seconds of silence after which the flow ends."""
        if self.connection >= 0:
            return CONNTRACK_SECONDS
        if self.protocol == PROTOCOL_TCP:
            if self.state == ESTABLISHED:
                # The start was not captured and only one end was seen, so this may not be a connection.
                both = self.packets_sent and self.packets_returned
                if not both or self.fins:
                    return EXCHANGE_SECONDS
                return NAMED_SECONDS if self.host else ESTABLISHED_SECONDS
            return OPENING_SECONDS if self.state == OPENING else CLOSING_SECONDS
        if self.protocol == PROTOCOL_UDP and self.sent and self.returned:
            return DNS_SECONDS if self.application == "dns" else EXCHANGE_SECONDS
        return DATAGRAM_SECONDS


def may_say_hello(flow: Flow) -> bool:
    """Whether a ClientHello or a Host may still identify the flow better than its addresses."""
    if flow.midstream or not flow.outbound or flow.port == DNS_PORT or flow.port == 0:
        return False
    return flow.protocol == PROTOCOL_TCP or flow.protocol == PROTOCOL_UDP
