"""A web server for lists, and a configuration that subscribes to it."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from list_server import ListServer, serving
from subscribed import Subscribed


@dataclass(frozen=True)
class Authority:
    """Who the client trusts, and a certificate of theirs for this host."""

    certificates: Path
    tls: ssl.SSLContext


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("authority")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    return Authority(folder / "ca.pem", tls)


@pytest.fixture(scope="module")
def list_server(authority: Authority) -> Iterator[ListServer]:
    with serving(authority.tls) as server:
        yield server


@pytest.fixture
def subscribed(
    tmp_path: Path, list_server: ListServer, authority: Authority, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Subscribed:  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificates))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "no daemon"))
    monkeypatch.setenv("NO_PROXY", "*")
    list_server.pages.clear()
    list_server.asked.clear()
    return Subscribed(tmp_path, list_server, capsys)
