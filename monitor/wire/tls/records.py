"""Turns ClientHello messages into observations, and reads the TLS records around them (RFC 8446 sections
4.1.2, 5.1).
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from monitor.model import ClientHello, Packet
from monitor.wire.integers import two
from monitor.wire.tcp.protocol_sniffer import EMPTY_RECORDS_MAX
from monitor.wire.tls.client_hello import Hello, is_grease, present_name
from monitor.wire.tls.ja4 import fingerprint

CHANGE_CIPHER_SPEC: Final = 20
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23
CLIENT_HELLO: Final = 1

RECORD_HEADER: Final = 5
RECORD_MAX: Final = 16384
# TLS 1.3 ciphertext may be longer (RFC 8446 section 5.2).
CIPHERTEXT_MAX: Final = RECORD_MAX + 256
HANDSHAKE_HEADER: Final = 4
# The longest ClientHello that OpenSSL accepts (CLIENT_HELLO_MAX_LENGTH); other servers have lower limits.
MESSAGE_MAX: Final = 131_396

TLS_13: Final = 0x0304

MORE: Final = 0
HELLO: Final = 1
OTHER: Final = 2


def observe_hello(packet: Packet, hello: Hello, quic: int) -> ClientHello:
    """Returns the observation of a ClientHello that `packet` completed; `quic` is QUIC's version, 0 over TCP.

    `ja4` stays empty for a partial ClientHello: a fingerprint needs all extensions.
    """
    seen = ClientHello(packet, quic)
    seen.sni = present_name(hello.server_name)
    seen.alpn = hello.alpn
    seen.version = highest_version(hello)
    seen.ech_offered = hello.ech or hello.esni
    # GREASE accompanies the true name (RFC 9849 section 6.2). Whether a name is a front's is not known here.
    seen.ech = hello.esni or (hello.ech and not seen.sni)
    if not hello.partial:
        seen.ja4 = fingerprint(hello, quic != 0)
    return seen


def highest_version(hello: Hello) -> int:
    """Returns the best version offered: TLS 1.3, else a draft of it or an experiment, else by number.

    The numbers of drafts (0x7f00 on) and experiments are larger than those of the versions that they became.
    """
    highest = 0
    for version in hello.versions:
        if version == TLS_13:
            return TLS_13
        if version > highest and not is_grease(version):
            highest = version
    return highest if highest else hello.legacy_version


@mypyc_attr(acyclic=True)
@final
class Records:
    """Finds the ClientHello in a client's records, over any number of records.

    `read` takes the unconsumed bytes of the stream; `consumed` is how many of them are complete records and may be
    dropped. After `HELLO` the message is in `message`; `expect_another` looks for the second ClientHello after a
    HelloRetryRequest (RFC 8446 section 4.1.4), which may follow a change_cipher_spec (appendix D.4) and, if early data
    was offered, application data.
    """

    __slots__ = ("another", "consumed", "early_data", "empty", "message")

    def __init__(self) -> None:
        self.empty = 0
        self.message = b""
        self.consumed = 0
        self.another = False
        self.early_data = False

    def read(self, data: bytes) -> int:
        """Returns `HELLO`, `MORE` if bytes are missing, `OTHER` if no ClientHello will follow."""
        self.consumed = 0
        while True:
            at = self.consumed
            missing = len(data) - at - RECORD_HEADER
            if missing < 0:
                return MORE
            length = two(data, at + 3)
            if data[at + 1] != 3:
                return OTHER
            kind = data[at]
            if kind != HANDSHAKE:
                if not self._may_skip(kind, length):
                    return OTHER
            elif length > RECORD_MAX or (length == 0 and self.empty >= EMPTY_RECORDS_MAX):
                return OTHER
            if missing < length:
                return MORE
            self.consumed = at + RECORD_HEADER + length
            if kind == HANDSHAKE and length == 0:
                self.empty += 1
            elif kind == HANDSHAKE:
                self.message += data[at + RECORD_HEADER : self.consumed]
                state = self._judge_message()
                if state != MORE:
                    return state

    def expect_another(self, early_data: bool) -> None:
        self.message = b""
        self.another = True
        self.early_data = early_data

    def beginning(self, data: bytes) -> bytes:
        """Returns the available part of the message; `data` are the bytes that `read` has not consumed."""
        return self.message + (data[RECORD_HEADER:] if data[:1] == b"\x16" else b"")

    def _may_skip(self, kind: int, length: int) -> bool:
        if not self.another or self.message:
            return False
        if kind == CHANGE_CIPHER_SPEC:
            return length == 1
        return kind == APPLICATION_DATA and self.early_data and length <= CIPHERTEXT_MAX

    def _judge_message(self) -> int:
        message = self.message
        if message[0] != CLIENT_HELLO:
            return OTHER
        if len(message) < HANDSHAKE_HEADER:
            return MORE
        end = HANDSHAKE_HEADER + (message[1] << 16) + two(message, 2)
        if end > MESSAGE_MAX:
            return OTHER
        if len(message) < end:
            return MORE
        self.message = message[:end]
        return HELLO
