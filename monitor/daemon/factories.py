"""What enforcement makes for itself, as factories: the kernel's table, the self-test's link, lookups, the sinkhole.

A constructor argument, so that the races between them can be tested without privileges.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from monitor.daemon.lookups import Found, Lookups
from monitor.daemon.ordinary import try_ordinary
from monitor.daemon.selftest import try_diversion, try_enforcement
from monitor.daemon.selftest_check import Check
from monitor.kernel.door import Door
from monitor.kernel.enforcer import Enforcer
from monitor.kernel.probe import ProbeLink
from monitor.sinkhole.counts import Counts
from monitor.sinkhole.decision import Blocked, Decide
from monitor.sinkhole.settings import SinkholeSettings
from monitor.sinkhole.sinkhole import Sinkhole

MakeEnforcer: TypeAlias = Callable[[], Enforcer]
MakeProbeLink: TypeAlias = Callable[[], ProbeLink]
MakeLookups: TypeAlias = Callable[[Found], Lookups]
MakeSinkhole: TypeAlias = Callable[[SinkholeSettings, Decide, Blocked, Counts | None], Sinkhole]
TryDiversion: TypeAlias = Callable[[ProbeLink, Sinkhole], Awaitable[list[Check]]]
TryOrdinary: TypeAlias = Callable[[Mapping[str, Door]], Awaitable[list[Check]]]
TryEnforcement: TypeAlias = Callable[[Enforcer, ProbeLink, Sinkhole | None], Awaitable[list[Check]]]


@dataclass(frozen=True)
class Factories:
    """`enforcer` and `probe_link` raise MachineError where the kernel refuses."""

    enforcer: MakeEnforcer = Enforcer
    probe_link: MakeProbeLink = ProbeLink
    lookups: MakeLookups = Lookups
    sinkhole: MakeSinkhole = Sinkhole
    try_diversion: TryDiversion = try_diversion
    try_ordinary: TryOrdinary = try_ordinary
    try_enforcement: TryEnforcement = try_enforcement
