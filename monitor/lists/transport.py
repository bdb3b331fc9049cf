"""Creates the HTTP client for lists, and describes its errors."""

import os
import socket
import ssl
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import certifi
import httpx

from monitor.errors import ListError

# Time-out of one step: to connect, to wait for the next bytes. `[[list]].timeout` limits the whole fetch.
STEP_SECONDS: Final = 20.0
# Hosts that are reached without a proxy.
DIRECT: Final = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}


def client() -> httpx.AsyncClient:
    """Returns a client that does not follow redirects; the environment sets proxies, except for this host. Raises
    ListError.
    """
    headers = {"User-Agent": f"gatewatch/{own_version()}", "Accept-Encoding": "gzip", "Accept": "text/plain, */*;q=0.5"}
    try:
        return httpx.AsyncClient(verify=trust(), headers=headers, timeout=STEP_SECONDS, mounts=DIRECT)
    except (ImportError, ValueError) as error:
        raise ListError(f"the proxy of the environment cannot be used: {error}") from None


def trust() -> ssl.SSLContext:
    """Returns a context with the system's certificates (or only those of SSL_CERT_FILE and SSL_CERT_DIR) and Mozilla's:
    small systems have no certificates, and some networks have their own.
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
    """Returns a short reason why the list could not be fetched."""
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"the TLS handshake with the server failed: {cause.reason or 'the connection ended'}"
        if isinstance(cause, socket.gaierror):
            return f"the server's name does not resolve: {cause.strerror}"
        if isinstance(cause, OSError) and cause.errno:
            return f"the server cannot be reached: {os.strerror(cause.errno)}"
    if isinstance(error, httpx.TimeoutException):
        return f"the server was silent for {STEP_SECONDS:g} s"
    if isinstance(error, httpx.RemoteProtocolError) and "complete message body" in str(error):
        return "the reply was cut off before its end"
    words = " ".join(str(error).split()) or type(error).__name__
    return f"the server violates HTTP: {words[:160]}"


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yields the error, its causes, and the members of exception groups."""
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
