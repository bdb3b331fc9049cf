"""`clear`: what a daemon that died left in the kernel, removed; the service runs it after every stop."""

from argparse import Namespace

from monitor.errors import EXIT_OK
from monitor.kernel.nft.clearing import clear


def run(arguments: Namespace) -> int:
    print(clear())
    return EXIT_OK
