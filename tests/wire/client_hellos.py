"""ClientHello messages, built field by field, and the packets that carry them."""

from collections.abc import Sequence

from monitor.model import PROTOCOL_TCP, PROTOCOL_UDP, ClientHello, Observation, Packet, flow_key

CLIENT = bytes((192, 0, 2, 1))
SERVER = bytes((198, 51, 100, 7))
CLIENT_PORT = 50_000

TLS_13_TO_10 = (0x0304, 0x0303, 0x0302, 0x0301)


def vector(octets: int, content: bytes) -> bytes:
    """A variable-length vector (RFC 8446 section 3.4)."""
    return len(content).to_bytes(octets, "big") + content


def numbers(values: Sequence[int]) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def server_name(name: bytes) -> tuple[int, bytes]:
    return 0, vector(2, b"\0" + vector(2, name))


def alpn(*protocols: bytes) -> tuple[int, bytes]:
    return 16, vector(2, b"".join(vector(1, protocol) for protocol in protocols))


def supported_versions(*versions: int) -> tuple[int, bytes]:
    return 43, vector(1, numbers(versions))


def signature_algorithms(*schemes: int) -> tuple[int, bytes]:
    return 13, vector(2, numbers(schemes))


def padding(octets: int) -> tuple[int, bytes]:
    return 21, bytes(octets)


def client_hello(
    *extensions: tuple[int, bytes], ciphers: Sequence[int] = (0x1301, 0x1302), legacy: int = 0x0303, random: int = 7
) -> bytes:
    """The handshake message; without extensions the block itself is absent."""
    block = b"".join(kind.to_bytes(2, "big") + vector(2, content) for kind, content in extensions)
    body = legacy.to_bytes(2, "big") + bytes((random,)) * 32 + vector(1, b"") + vector(2, numbers(ciphers)) + b"\1\0"
    return b"\1" + vector(3, body + (vector(2, block) if extensions else b""))


def hello_for(name: bytes, pad: int = 0) -> bytes:
    """An ordinary TLS 1.3 hello for `name`."""
    extensions = [server_name(name), alpn(b"h2", b"http/1.1"), supported_versions(*TLS_13_TO_10)]
    return client_hello(*extensions, *([padding(pad)] if pad else []))


def records(message: bytes, size: int = 16_384) -> bytes:
    """The message in records of at most `size` bytes of content (RFC 8446 section 5.1)."""
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(b"\x16\3\1" + vector(2, part) for part in parts)


def packet(
    time: float = 0.0, flags: int = 0, port: int = 443, source_port: int = CLIENT_PORT, protocol: int = PROTOCOL_TCP,
    answer: bool = False, number: int = 1,
) -> Packet:  # fmt: skip
    """A packet of the connection; with `answer` from the server to the client."""
    key = flow_key(CLIENT, SERVER, source_port, port, protocol)
    if answer:
        key = flow_key(SERVER, CLIENT, port, source_port, protocol)
    head = Packet(time, number, 0, b"", key, 1500, 0)
    head.flags = flags
    return head


def datagram(time: float = 0.0, source_port: int = CLIENT_PORT, answer: bool = False, port: int = 443) -> Packet:
    return packet(time, 0, port, source_port, PROTOCOL_UDP, answer)


def hellos(observations: list[Observation]) -> list[ClientHello]:
    return [seen for seen in observations if isinstance(seen, ClientHello)]


def names(observations: list[Observation]) -> list[bytes]:
    return [seen.sni for seen in hellos(observations)]
