"""How lists are asked for over HTTP, and what its errors mean to a person."""

import os
import socket
import ssl
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import certifi
import httpx

from monitor.errors import ListError

# Of one step: to connect, to wait for the next bytes. `[[list]].timeout` limits the whole.
STEP_SECONDS: Final = 20.0
# Whom no proxy is asked for.
DIRECT: Final = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}


def client() -> httpx.AsyncClient:
    """Without redirects of its own; proxies as the environment names them, but none for this host. Raises ListError."""
    headers = {"User-Agent": f"gatewatch/{own_version()}", "Accept-Encoding": "gzip", "Accept": "text/plain, */*;q=0.5"}
    try:
        return httpx.AsyncClient(verify=trust(), headers=headers, timeout=STEP_SECONDS, mounts=DIRECT)
    except (ImportError, ValueError) as error:
        raise ListError(f"the proxy that the environment names cannot be used: {error}") from None


def trust() -> ssl.SSLContext:
    """The system's certificates (or those of SSL_CERT_FILE and SSL_CERT_DIR, alone), and Mozilla's: small systems
    have none of their own, and some networks have one of theirs.
    """
    context = ssl.create_default_context()
    if "SSL_CERT_FILE" not in os.environ and "SSL_CERT_DIR" not in os.environ:
        context.load_verify_locations(certifi.where())
    return context


def own_version() -> str:
    try:
        return version("gatewatch")
    except PackageNotFoundError:
        return "0"


def reason_of(error: Exception) -> str:
    """Why no list came, in a few words."""
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not to be trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"no TLS with the server: {cause.reason or 'the connection ended'}"
        if isinstance(cause, socket.gaierror):
            return f"the server's name does not resolve: {cause.strerror}"
        if isinstance(cause, OSError) and cause.errno:
            return f"the server cannot be reached: {os.strerror(cause.errno)}"
    if isinstance(error, httpx.TimeoutException):
        return f"the server was silent for {STEP_SECONDS:g} s"
    if isinstance(error, httpx.RemoteProtocolError) and "complete message body" in str(error):
        return "the answer was cut off before its end"
    words = " ".join(str(error).split()) or type(error).__name__
    return f"the server does not speak HTTP as it should: {words[:160]}"


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what lies below it, the members of groups too."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            waiting.extend(cause.exceptions)
        waiting += [cause.__context__, cause.__cause__]
