"""Reads all lists in a child process, so that the daemon neither stalls nor keeps the memory.

The child gets the user lists as JSON on standard input and a memory file as a descriptor; it writes the index's dump
into the memory file and the statuses as JSON to standard output. If the child fails or is killed, the caller gets a
ListError and keeps its index.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from monitor.catalog.entry import LineFault
from monitor.catalog.index import Index
from monitor.errors import GatewatchError, ListError
from monitor.lists.loader import ListStatus, Loaded, build_catalogue
from monitor.lists.shipped import PACKAGE
from monitor.lists.user import UserList

TIMEOUT_SECONDS: Final = 300.0
# Lower priority than the daemon's: a gateway with one core must not lose packets while it reads lists.
NICE: Final = 10


def load_in_child(user_lists: Sequence[UserList] = (), timeout_seconds: float = TIMEOUT_SECONDS) -> Loaded:
    """Runs `load_catalogue` in a child process. Raises ListError if the child fails."""
    with MemoryFile() as memory:
        try:
            done = subprocess.run(
                command(memory.descriptor),
                input=job(user_lists),
                capture_output=True,
                env=environment(),
                pass_fds=(memory.descriptor,),
                timeout=timeout_seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise ListError(f"reading the lists took more than {timeout_seconds:g} s") from error
        return loaded(memory, done.returncode, done.stdout, done.stderr)


async def load_in_background(user_lists: Sequence[UserList] = (), timeout_seconds: float = TIMEOUT_SECONDS) -> Loaded:
    """Runs `load_in_child` without blocking the event loop; cancelling it kills the child."""
    with MemoryFile() as memory:
        child = await asyncio.create_subprocess_exec(
            *command(memory.descriptor),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment(),
            pass_fds=(memory.descriptor,),
        )
        try:
            async with asyncio.timeout(timeout_seconds):
                output, errors = await child.communicate(job(user_lists))
        except TimeoutError as error:
            raise ListError(f"reading the lists took more than {timeout_seconds:g} s") from error
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        return loaded(memory, child.returncode or 0, output, errors)


class MemoryFile:
    """An anonymous file in memory that a child can inherit."""

    def __enter__(self) -> "MemoryFile":
        self.descriptor = os.memfd_create("gatewatch-index")
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self.descriptor)

    def read(self) -> bytes:
        """Reads the whole file in one call, because a dump is large and joining pieces would double the memory."""
        size = os.fstat(self.descriptor).st_size
        data = os.pread(self.descriptor, size, 0)
        if len(data) != size:
            raise ListError(f"reading the lists gave {len(data)} of {size} bytes")
        return data


def command(descriptor: int) -> list[str]:
    return [sys.executable, "-P", "-m", "monitor.lists.child", str(descriptor)]


def environment() -> dict[str, str]:
    """Returns the caller's environment with this package first in PYTHONPATH, for any working directory."""
    path = os.pathsep.join([str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    return {**os.environ, "PYTHONPATH": path}


def job(user_lists: Sequence[UserList]) -> bytes:
    return json.dumps([asdict(user) for user in user_lists]).encode()


def loaded(memory: MemoryFile, exit_code: int, output: bytes, errors: bytes) -> Loaded:
    """Returns the child's result. Raises ListError with the child's last line if it failed."""
    if exit_code < 0:
        raise ListError(f"reading the lists was killed by {signal.Signals(-exit_code).name}")
    if exit_code > 0:
        lines = errors.decode("utf-8", "replace").strip().splitlines()
        raise ListError(lines[-1] if lines else f"reading the lists failed with exit code {exit_code}")
    statuses = tuple(status_of(fields) for fields in json.loads(output))
    return Loaded(Index.load(memory.read()), statuses)


def status_of(fields: dict[str, Any]) -> ListStatus:
    complaints = tuple(LineFault(**complaint) for complaint in fields.pop("complaints"))
    return ListStatus(complaints=complaints, **fields)


def main() -> int:
    """Runs the child: reads all lists once and exits."""
    os.nice(NICE)
    user_lists = [UserList(**fields) for fields in json.loads(sys.stdin.buffer.read())]
    try:
        dump, statuses = build_catalogue(user_lists)
    except GatewatchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    with open(int(sys.argv[1]), "wb", closefd=False) as memory:
        memory.write(dump)
    json.dump([asdict(status) for status in statuses], sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
