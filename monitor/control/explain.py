"""Explains what would happen to a device that requests a name or an address: the result and the ban of each layer."""

from collections.abc import Sequence
from typing import Any, Final

from monitor.catalog.coverage import NO_COVERAGE
from monitor.catalog.index import Index
from monitor.catalog.owners import Owners
from monitor.policy.ban import DNS, IP, LAYERS, OBSERVE, SHADOW, SNI
from monitor.policy.exempted import DeviceKey
from monitor.policy.groups import Group, GroupMembers
from monitor.policy.owners import OwnerNames
from monitor.policy.policy import BLOCK, Policy
from monitor.policy.shared_prefixes import left_open

PASS: Final = "pass"
NO_BAN: Final = "no ban"
ALLOWED: Final = "allowed by its ban"
# The effect of blocking on each layer, for people.
BLOCKED: Final = {
    DNS: "answered as banned",
    SNI: "cut at its hello",
    IP: "refused at the vendor's own and at learned addresses",
}
# For a ban of a service without prefixes of its own.
LEARNED_ALONE: Final = "refused at learned addresses"


def fate(
    policy: Policy | None,
    groups: Sequence[str],
    device: bytes,
    owners: Owners,
    name: bytes,
    armed: bool,
    now: float,
    index: Index,
    passing: Sequence[bytes] = (),
) -> dict[str, Any]:
    """Returns, by layer, the `action` (pass, observe, shadow, block), the deciding `ban` and the effect (`what`).

    Without a name, the question is about an address, and only the layer `ip` applies. `passing` are names of that
    address that may have exceptions: with one, the kernel lets the device reach the address.
    """
    layers: dict[str, Any] = {}
    for layer in LAYERS if name else (IP,):
        layers[layer] = layer_fate(policy, tuple(groups), device, owners, name, layer, now, index)
    for excepted in () if name else passing:
        other = layer_fate(policy, tuple(groups), device, owners, excepted, IP, now, index)
        if layers[IP]["action"] != PASS and other["action"] == PASS:
            why = ALLOWED if other["what"] == NO_BAN else other["what"]
            layers[IP] = passes(f"{why}, as an address of {excepted.decode('ascii', 'replace')}")
    if name and layers[DNS]["action"] == BLOCK and not armed:
        layers[DNS]["what"] = "passes at present: the sinkhole is not armed"
    return layers


def layer_fate(
    policy: Policy | None,
    groups: tuple[str, ...],
    device: bytes,
    owners: Owners,
    name: bytes,
    layer: str,
    now: float,
    index: Index,
) -> dict[str, Any]:
    if policy is None:
        return passes(NO_BAN)
    names = owners.names if name else owners.own()
    if owners.names and not names:
        return passes("shared by many, never banned by address")
    verdict = policy.judge(groups, key_of(device), names, name, now, layer)
    if verdict is None:
        shared = policy.judge(groups, key_of(device), left_open(policy.active, names), b"", now, layer)
        if not name and shared is not None:
            return passes(f"left open by {shared.ban.id}, a ban of {shared.subject}: other services use the prefix")
        return passes(excuse(policy, groups, device, names, name, now))
    blocked = LEARNED_ALONE if layer == IP and not has_prefixes(index, verdict.subject) else BLOCKED[layer]
    what = {BLOCK: blocked, SHADOW: "counted only", OBSERVE: "counted only"}[verdict.action]
    return {"action": verdict.action, "ban": verdict.ban.id, "mode": verdict.mode, "what": what}


def has_prefixes(index: Index, subject: str) -> bool:
    """Whether a ban of the subject blocks prefixes, besides learned addresses."""
    return index.coverage.get(subject, NO_COVERAGE).prefixes > 0


def excuse(policy: Policy, groups: tuple[str, ...], device: bytes, owners: OwnerNames, name: bytes, now: float) -> str:
    """Returns why no ban blocks the device."""
    if name and policy.is_protected(name):
        return "protected"
    exemption = policy.exemption_of(groups, key_of(device), owners, name, now)
    if exemption is not None:
        return f"exception: {exemption.reason}" if exemption.reason else "exception"
    if now < policy.paused_until and policy.bans:
        return "all bans pause"
    return NO_BAN


def passes(why: str) -> dict[str, Any]:
    return {"action": PASS, "ban": None, "mode": None, "what": why}


def key_of(device: bytes) -> DeviceKey:
    return (device, b"", "") if len(device) == 6 else (b"", device, "")


def groups_by_key(groups: Sequence[Group], device: bytes) -> list[str]:
    """Returns the groups that contain a device's MAC or address, for a device that has not been seen."""
    members = [GroupMembers(group) for group in groups]
    return [group.name for group in members if group.names(device)]
