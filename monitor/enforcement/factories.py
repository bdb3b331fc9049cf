"""Factories of the objects that enforcement creates: the kernel table, the self-test's link, lookups, the sinkhole.

They are a constructor argument, so that races between these objects can be tested without privileges.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from monitor.enforcement.resolver import Found, NameResolver
from monitor.enforcement.unbanned_queries import try_ordinary
from monitor.kernel.netns.namespace_link import NamespaceLink
from monitor.kernel.netns.probe import ProbeLink
from monitor.kernel.nft.enforcer import Enforcer
from monitor.selftest.check import Check
from monitor.selftest.selftest import try_diversion, try_enforcement
from monitor.sinkhole.counts import Counts
from monitor.sinkhole.decision import Blocked, Decide
from monitor.sinkhole.settings import SinkholeSettings
from monitor.sinkhole.sinkhole import Sinkhole

MakeEnforcer: TypeAlias = Callable[[], Enforcer]
MakeProbeLink: TypeAlias = Callable[[], ProbeLink]
MakeLookups: TypeAlias = Callable[[Found], NameResolver]
MakeSinkhole: TypeAlias = Callable[[SinkholeSettings, Decide, Blocked, Counts | None], Sinkhole]
TryDiversion: TypeAlias = Callable[[ProbeLink, Sinkhole], Awaitable[list[Check]]]
TryOrdinary: TypeAlias = Callable[[Mapping[str, NamespaceLink]], Awaitable[list[Check]]]
TryEnforcement: TypeAlias = Callable[[Enforcer, ProbeLink, Sinkhole | None], Awaitable[list[Check]]]


@dataclass(frozen=True)
class Factories:
    """Creates the parts of enforcement. `enforcer` and `probe_link` raise MachineError if the kernel refuses."""

    enforcer: MakeEnforcer = Enforcer
    probe_link: MakeProbeLink = ProbeLink
    lookups: MakeLookups = NameResolver
    sinkhole: MakeSinkhole = Sinkhole
    try_diversion: TryDiversion = try_diversion
    try_ordinary: TryOrdinary = try_ordinary
    try_enforcement: TryEnforcement = try_enforcement
