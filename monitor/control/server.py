"""The control socket: one line of JSON per request and per answer, for the daemon's owner and group only."""

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from monitor.errors import GatewatchError, MachineError

REQUEST_BYTES: Final = 65_536
REQUEST_SECONDS: Final = 10.0
CONNECTIONS_MAX: Final = 32
SLICE: Final = 256  # rows written between two yields to the loop
FOLDER_MODE: Final = 0o750
NOT_OTHERS: Final = 0o117  # umask of the socket: owner and group read and write, others nothing

CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid: struct ucred of unix(7)


@dataclass(frozen=True)
class Peer:
    """The process that sent a request, as reported by the kernel."""

    pid: int
    uid: int


Answer: TypeAlias = Callable[[str, dict[str, Any], Peer], Awaitable[dict[str, Any]]]


class Control:
    """Listens at `path`. `answer` returns the result of a verb for a peer or raises GatewatchError."""

    def __init__(self, path: str, answer: Answer) -> None:
        self._path = path
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Starts listening. Raises MachineError if the socket cannot be created, or if another daemon answers there."""
        try:
            os.makedirs(os.path.dirname(self._path), FOLDER_MODE, exist_ok=True)
            self._remove_leftover()
            listener = self._bind()
        except OSError as error:
            raise MachineError(f"cannot make the control socket {self._path}: {error.strerror or error}") from error
        self._server = await asyncio.start_unix_server(self._accept, sock=listener, limit=REQUEST_BYTES)

    def _remove_leftover(self) -> None:
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(self._path)
            raise MachineError(f"another gatewatch runs: it answers at {self._path}")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def _bind(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        mask = os.umask(NOT_OTHERS)
        try:
            listener.bind(self._path)
        except OSError:
            listener.close()
            raise
        finally:
            os.umask(mask)
        return listener

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= CONNECTIONS_MAX:
            writer.transport.abort()
            return
        self._connections.add(task)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                line = await reader.readline()
            async for part in self._reply(line, peer_of(writer)):
                writer.write(part)
                await writer.drain()
        except (OSError, ValueError, TimeoutError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()

    async def _reply(self, line: bytes, peer: Peer) -> AsyncIterator[bytes]:
        try:
            result = await self._answer(*_request(line), peer)
        except GatewatchError as error:
            refusal = {"ok": False, "error": str(error), "code": error.exit_code}
            yield json.dumps(refusal).encode() + b"\n"
            return
        yield b'{"ok": true, "result": {'
        for number, (key, value) in enumerate(result.items()):
            yield (", " if number else "").encode() + json.dumps(key).encode() + b": "
            async for part in _slices(value):
                yield part
        yield b"}}\n"


def peer_of(writer: asyncio.StreamWriter) -> Peer:
    """Returns the connected process by SO_PEERCRED, which the process cannot forge."""
    connection = writer.get_extra_info("socket")
    pid, uid, _ = CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
    return Peer(pid, uid)


def _request(line: bytes) -> tuple[str, dict[str, Any]]:
    try:
        request = json.loads(line)
        verb, arguments = request["verb"], request.get("args", {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise GatewatchError('a request is one line such as {"verb": "status", "args": {}}') from None
    if not isinstance(verb, str) or not isinstance(arguments, dict):
        raise GatewatchError("verb must be a text and args an object")
    return verb, arguments


async def _slices(value: object) -> AsyncIterator[bytes]:
    """Serializes the value as JSON; a long list is yielded in pieces, between which the loop runs."""
    if not isinstance(value, list):
        yield json.dumps(value).encode()
        return
    yield b"["
    for at in range(0, len(value), SLICE):
        piece = json.dumps(value[at : at + SLICE])[1:-1]
        yield (", " if at else "").encode() + piece.encode()
        await asyncio.sleep(0)
    yield b"]"
