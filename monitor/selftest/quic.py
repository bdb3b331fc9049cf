"""The self-test's ClientHello over QUIC: it is seen, its client is notified, and later packets of its flow are cut.

The kernel rate-limits its refusals of datagrams, so a missing refusal proves nothing. The flow's element shows whether
the rules matched later packets: each packet restarts its timeout.
"""

import asyncio
import secrets
import socket
import time
from collections.abc import Callable
from typing import Final

from monitor.errors import MachineError
from monitor.kernel.netns.probe import PROBE_MAC, ProbeLink
from monitor.kernel.nft.enforcer import Enforcer
from monitor.model import KEY_V4, PROTOCOL_TCP, PROTOCOL_UDP, flow_key, reverse_key
from monitor.policy.table.probe import ProbeAddresses
from monitor.policy.table.rules import kill_set
from monitor.selftest.frames import make_datagram, read_refusal, wait_for
from monitor.sinkhole.responder import PROBE_NAME
from monitor.sinkhole.timeouts import SLICE_SECONDS, in_time
from monitor.wire.build.client_hello import client_initial

HTTPS: Final = 443
WAIT_SECONDS: Final = 1.0
# Minimum age of an element, so that a restart of its timeout is visible at the kernel's clock resolution.
AGE_SECONDS: Final = 0.2
ID_BYTES: Final = 8
RANDOM_BYTES: Final = 32


async def say_initial(enforcer: Enforcer, link: ProbeLink, addresses: ProbeAddresses) -> float:
    """Returns the seconds until the client was notified. Raises MachineError with the step that failed."""
    key = flow_key(addresses.client, addresses.server, 0x8000 + secrets.randbits(14), HTTPS, PROTOCOL_UDP)
    hello = client_initial(PROBE_NAME, secrets.token_bytes(RANDOM_BYTES), secrets.token_bytes(ID_BYTES))
    with link.open_frames() as frames:
        began = time.monotonic()
        try:
            frames.send(make_datagram(key, hello, PROBE_MAC))
            await refused(frames, key)
            told = time.monotonic() - began
            await meets_cut(enforcer, key, lambda: frames.send(make_datagram(key, b"?", PROBE_MAC)))
            return told
        finally:
            forget(enforcer, key)


async def refused(frames: socket.socket, key: bytes) -> None:
    try:
        await in_time(wait_for(frames, read_refusal, lambda seen: seen == key), WAIT_SECONDS)
    except TimeoutError as error:
        fault = f"the client of a QUIC hello with a banned name got no ICMP error within {WAIT_SECONDS:.0f} s"
        raise MachineError(fault) from error


async def meets_cut(enforcer: Enforcer, key: bytes, follow: Callable[[], object]) -> None:
    """Checks that a later packet of the flow restarts the timeout of its element."""
    name = kill_name(key)
    before = enforcer.elements.seconds_left(name, key[:-1])
    looked = time.monotonic()
    if before is None:
        raise MachineError("a QUIC hello with a banned name was not cut")
    await asyncio.sleep(AGE_SECONDS)
    follow()
    for _ in range(round(WAIT_SECONDS / SLICE_SECONDS)):
        now = time.monotonic()
        left = enforcer.elements.seconds_left(name, key[:-1])
        if left is not None and left > before - (now - looked) + AGE_SECONDS / 2:
            return
        await asyncio.sleep(SLICE_SECONDS)
    raise MachineError(f"what followed on a cut QUIC flow did not meet its cut within {WAIT_SECONDS:.0f} s")


def kill_name(key: bytes) -> str:
    """Returns the kill set of a flow of the self-test."""
    protocol = "tcp" if key[-1] == PROTOCOL_TCP else "udp"
    return kill_set(protocol, 4 if len(key) == KEY_V4 else 6, "open")


def forget(enforcer: Enforcer, key: bytes) -> None:
    """Releases the flow, which need not stay killed."""
    enforcer.forget(kill_name(key), [key[:-1], reverse_key(key)[:-1]])
