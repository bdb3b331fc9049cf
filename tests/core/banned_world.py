"""Bans of the small catalogue for the stories: who is banned from what, and what became of it."""

from collections.abc import Iterable

from cast import (
    PHONE,
    PHONE_MAC,
    SHARED,
    START,
    answer_to,
    gateway,
    packet,
    syn,
    tls,
)

from monitor.core.effects import Effect, Kill, VerdictEvent
from monitor.core.gateway import Gateway
from monitor.core.settings import Settings
from monitor.model import TCP_ACK, TCP_SYN, Observation
from monitor.policy.ban import ENFORCE, Ban, Exemption, parse_subject
from monitor.policy.groups import Group
from monitor.policy.policy import Policy

PHONES = Group("phones", (PHONE_MAC.hex(":"),))
SYN_ACK = TCP_SYN | TCP_ACK


def monday_noon(now: float) -> tuple[int, int]:
    return 0, 720


def ban(subject: str = "bytedance", mode: str = ENFORCE, **more: object) -> Ban:
    made = {"id": f"{subject}-test", "subjects": (parse_subject(subject),), "groups": ("phones",), "mode": mode}
    return Ban(**{**made, **more})  # type: ignore[arg-type]


def policy(*bans: Ban, exemptions: Iterable[Exemption] = ()) -> Policy:
    return Policy(bans, tuple(exemptions), (), monday_noon)


def governed(*bans: Ban, flows: str = "packets", exemptions: Iterable[Exemption] = ()) -> Gateway:
    settings = Settings(groups=(PHONES,), flows=flows, events=frozenset({"verdict", "flow"}))
    watched = gateway(settings)
    watched.govern(policy(*(bans or (ban(),)), exemptions=exemptions), START)
    return watched


def kills(effects: list[Effect]) -> list[Kill]:
    return [effect for effect in effects if isinstance(effect, Kill)]


def rulings(effects: list[Effect]) -> list[tuple[str, str, str]]:
    return [(effect.action, effect.layer, effect.ban) for effect in effects if isinstance(effect, VerdictEvent)]


def told(watched: Gateway, family: str, at: float = 10.0) -> dict[tuple[str, ...], float]:
    watched.tick(START + at)
    return {labels: value for labels, value in watched.snapshot().get(family, {}).items() if value}


def hello(name: str, source: str = PHONE, to: str = SHARED, mac: bytes = PHONE_MAC, **more: bool) -> list[Observation]:
    """A connection up to its hello: 160 bytes up, 60 down."""
    first = syn(source, to, mac=mac)
    carrier = packet(source, to, (40000, 443), at=0.1, length=100, mac=mac)
    carrier.acknowledgment = 77
    return [first, answer_to(first, 0.05, 60, SYN_ACK), *tls(carrier, name, **more)]
