"""`clear`: removes what a crashed daemon left in the kernel; the service runs it after every stop."""

from argparse import Namespace

from monitor.errors import EXIT_OK
from monitor.kernel.nft.clearing import clear


def run(arguments: Namespace) -> int:
    print(clear())
    return EXIT_OK
