"""A client that keeps opening connections to a name; a child process that prints one JSON object.

    python -m monitor.lab.programs.hammer NAME ADDRESS --connections N [--seconds S | --attempts M] [--quic]
        [--give-up S]

`attempts` counts started attempts, `handshakes` completed ones, `received` the bytes received. An attempt without an
answer ends after `--give-up` seconds.
"""

import argparse
import asyncio
import json
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from aioquic.asyncio.client import connect
from aioquic.h3.connection import H3_ALPN
from aioquic.quic.configuration import QuicConfiguration

from monitor.lab.programs.quic_client import Requester

PORT: Final = 443
PIECE: Final = 65_536

Attempt = Callable[[argparse.Namespace, Counter[str]], Awaitable[None]]


async def try_tls(options: argparse.Namespace, done: Counter[str]) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    opening = asyncio.open_connection(options.address, PORT, ssl=context, server_hostname=options.name)
    reader, writer = await opening
    done["handshakes"] += 1
    writer.write(b"GET / HTTP/1.1\r\nHost: " + options.name.encode() + b"\r\n\r\n")
    while data := await reader.read(PIECE):
        done["received"] += len(data)
    writer.close()


async def try_quic(options: argparse.Namespace, done: Counter[str]) -> None:
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name=options.name)
    configuration.verify_mode = ssl.CERT_NONE
    configuration.idle_timeout = options.give_up
    connecting = connect(options.address, PORT, configuration=configuration, create_protocol=Requester)
    async with connecting as requester:
        assert isinstance(requester, Requester)
        done["handshakes"] += 1
        requester.request(options.name, "/", 0)
        await requester.ended.wait()
        done["received"] += requester.received


async def hammer(options: argparse.Namespace, attempt: Attempt) -> Counter[str]:
    """Runs all connections concurrently; each makes one attempt after the other."""
    done: Counter[str] = Counter(attempts=0, handshakes=0, received=0)
    end = time.monotonic() + options.seconds

    async def keep_trying() -> None:
        while time.monotonic() < end and done["attempts"] < options.attempts:
            done["attempts"] += 1
            with suppress(OSError, ssl.SSLError, TimeoutError):
                async with asyncio.timeout(options.give_up):
                    await attempt(options, done)

    await asyncio.gather(*[keep_trying() for _ in range(options.connections)])
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("address")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--attempts", type=int, default=1 << 30)
    parser.add_argument("--quic", action="store_true")
    parser.add_argument("--give-up", type=float, default=1.0)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(hammer(options, try_quic if options.quic else try_tls))))


if __name__ == "__main__":
    main()
