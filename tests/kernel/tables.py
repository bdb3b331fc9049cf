"""A table with one banned vendor and one group, as small as the fixed rules allow."""

from monitor.policy.table.desired import IPV4_KEY, MAC_KEY, Chain, CounterLabel, Desired, SetSpec
from monitor.policy.table.rules import (
    DIVERT,
    LEARNED,
    QUESTIONS,
    DiversionRules,
    fixed_chains,
    fixed_counters,
    fixed_sets,
    hook_chains,
    learned_set,
)

LAPTOP = bytes.fromhex("020000000002")
COUNTER = "enforce/v_acme/staff"


def span(text: str) -> bytes:
    """`10.0.0.0-10.0.0.255` as the key of an interval set."""
    return b"".join(bytes(int(part) for part in address.split(".")) for address in text.split("-"))


def table(
    *banned: bytes, members: tuple[bytes, ...] = (LAPTOP,), gate: str = "alive", interfaces: tuple[str, ...] = ("v0",)
) -> Desired:
    """`banned` are intervals of IPv4; `gate` is `lan` for a ban that fails closed."""
    rule = f"iifname @{gate} ether saddr @g_staff/mac counter name {COUNTER} goto refuse"
    chains = {
        **fixed_chains(),
        "v_acme": Chain((rule,)),
        LEARNED: Chain((f"ip daddr @{learned_set('v_acme', 4)} goto v_acme",)),
        QUESTIONS: Chain(("ip saddr @exempt4 return", f"ether saddr @g_staff/mac goto {DIVERT}")),
        **hook_chains(DiversionRules()),
    }
    elements = {
        "net4": dict.fromkeys(banned, "v_acme"),
        "lan": dict.fromkeys([name.encode() for name in interfaces], ""),
        "g_staff/mac": dict.fromkeys(members, ""),
    }
    return Desired(
        {
            **fixed_sets(),
            learned_set("v_acme", 4): SetSpec(IPV4_KEY, runtime=True, timeouts=True),
            "g_staff/mac": SetSpec(MAC_KEY),
        },
        {**fixed_counters(), COUNTER: CounterLabel("acme", "", "staff", "ip", "enforce")},
        chains,
        elements,
    )
