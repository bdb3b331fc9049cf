"""The lab's certificate authority, and the one certificate that all of its servers use; created by a child process.

    python -m monitor.lab.programs.certificates FOLDER [--zone FILE]

Only that child imports `trustme`, so that the lab itself starts without it and can report what is missing.
"""

import argparse
import ssl
from pathlib import Path
from typing import Final

from monitor.lab.zone import Zone

AUTHORITY: Final = "authority.pem"
CHAIN: Final = "server.pem"
KEY: Final = "server.key"


def server_context(folder: Path) -> ssl.SSLContext:
    """Returns a context for TLS 1.2 and 1.3 with the certificate of `folder`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / CHAIN, folder / KEY)
    return context


def issue(folder: Path, names: list[str]) -> None:
    """Writes the authority, the chain and its key into `folder`."""
    import trustme  # for the reason at the top of this file

    authority = trustme.CA()
    certificate = authority.issue_cert(*names)
    authority.cert_pem.write_to_path(folder / AUTHORITY)
    certificate.private_key_pem.write_to_path(folder / KEY)
    for number, part in enumerate(certificate.cert_chain_pems):
        part.write_to_path(folder / CHAIN, append=number > 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--zone", type=Path)
    options = parser.parse_args()
    zone = Zone(options.zone.read_text() if options.zone else "")
    issue(options.folder, zone.names())


if __name__ == "__main__":
    main()
