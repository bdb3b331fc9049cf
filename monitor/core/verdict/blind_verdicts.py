"""Verdicts over flows without a known name to addresses of a banned vendor."""

from monitor.attribution.client_side import DNS_PORT
from monitor.attribution.counters import Attribution
from monitor.attribution.description import flow_name
from monitor.attribution.devices import Device
from monitor.attribution.flows import NO_HELLO, Flow
from monitor.attribution.matches import PREFIX
from monitor.core.verdict.verdicts import device_key, is_stronger
from monitor.policy.ban import OBSERVE, REJECT, SNI
from monitor.policy.policy import Policy, Verdict
from monitor.policy.shared_prefixes import left_open


def judge_nameless(policy: Policy, flow: Flow, device: Device, now: float) -> Verdict | None:
    """Judges a hello without a name to an address of a banned vendor, under bans with `blind = "reject"`."""
    remote = flow.remote
    if remote is None or (flow.host and not flow.ech):
        return None
    owners = remote.own.owners if remote.own is not None else ()
    if remote.network is not None and (remote.own is None or remote.own.user):
        owners += remote.network.owners
    if not owners:
        return None
    return policy.judge(device.groups, device_key(device, flow.key), owners, b"", now, SNI, REJECT)


def judge_shared(
    policy: Policy, flow: Flow, device: Device, attribution: Attribution, now: float, layer: str = "", blind: str = ""
) -> Verdict | None:
    """Returns the verdict of a service ban that leaves the address open, if no name attributes the flow to another.

    Returns None if no ban leaves the address open, and for plain DNS, whose queries have names.
    """
    if attribution.evidence != PREFIX or flow.port == DNS_PORT or not policy.active:
        return None
    services = left_open(policy.active, attribution.owners)
    if not services:
        return None
    key = device_key(device, flow.key)
    verdict = policy.judge(device.groups, key, services, flow_name(flow), now, layer, blind)
    return verdict if verdict is not None and verdict.action != OBSERVE else None


def judge_shared_hello(
    policy: Policy, flow: Flow, device: Device, attribution: Attribution, now: float
) -> Verdict | None:
    """As `judge_shared` for a flow that has sent its hello, under bans with `blind = "reject"`."""
    if flow.hello == NO_HELLO:
        return None
    return judge_shared(policy, flow, device, attribution, now, SNI, REJECT)


def is_left_open(policy: Policy, flow: Flow, device: Device, attribution: Attribution, now: float) -> bool:
    """Whether a service ban leaves the flow's address open and no name identifies the service of the flow."""
    shared = judge_shared(policy, flow, device, attribution, now)
    if shared is None:
        return False
    key = device_key(device, flow.key)
    return is_stronger(shared, policy.judge(device.groups, key, attribution.owners, flow_name(flow), now))
