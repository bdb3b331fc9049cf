"""The rules that do not depend on any ban: where packets enter, how killed flows are dropped, how packets are rejected.

A forwarded packet is checked against the killed flows first, then against the banned addresses. An incoming DNS query
is checked for diversion. Every effect of an `open` ban requires the interface to be in `alive`, whose elements expire
unless the daemon renews them; `lan` permanently contains the same interfaces.

The rule base, with `->` for jump and `=>` for goto; the chains of owners and `questions` come from the planner:

    ingress of each LAN interface -> ingress
        mark ASKED_MARK                    add source address and port to asked4/asked6, accept
        port 53, iif @alive                -> questions => divert: set MARK, accept
        page, TCP port 80, iif @alive      -> questions
    forward
        TCP                                -> killed_tcp
            SYN                            => reused: a client's SYN removes its old flow from the kill sets
            kill set of closed bans        => reset_killed: reset to a LAN client, else drop
            iif or oif @alive              => killed_tcp_open
                kill set of open bans      => reset_killed
        UDP                                -> killed_udp: likewise without SYN, => refuse_killed
        port 53, source in asked4/asked6   accept
        page, iif @alive                   => refuse, if `page_alone`
        any                                -> addresses
            daddr in learned4/learned6     -> learned -> chain of each owner
            daddr in net4/net6             => chain of the owners: exceptions return, enforced bans => refuse
    output
        mark RESET_MARK                    notrack
"""

from dataclasses import dataclass
from typing import Final

from monitor.attribution.networks import address_text
from monitor.policy.table.desired import INTERFACE_KEY, IPV4_KEY, IPV6_KEY, MAC_KEY, Chain, CounterLabel, SetSpec
from monitor.policy.table.names import kernel_name
from monitor.policy.table.probe import PROBE_CHAIN, probe_chain

ALIVE: Final = "alive"
LAN: Final = "lan"
ALIVE_SECONDS: Final = 5.0
# A killed flow stays killed until it is silent for this time: each of its packets restarts the timeout.
KILL_SECONDS: Final = 120.0
KILLS_MAX: Final = 131_072
LEARNED_MAX: Final = 262_144
SPARED_MAX: Final = 65_536

REFUSE: Final = "refuse"
DIVERT: Final = "divert"
QUESTIONS: Final = "questions"
# The jump target of the ingress chain of each interface. Those chains, and the table that sends marked packets to the
# sinkhole, are created for each interface elsewhere.
INGRESS: Final = "ingress"
MARK: Final = 0x6757
# Marks queries that the sinkhole forwards: they arrive by their client's interface and must not be diverted again.
ASKED_MARK: Final = 0x6759
# Marks queries that go from a bridge port to the bridge, past rules that would change them in between.
CARRIED_MARK: Final = 0x675A
ASKED: Final = "asked"
ASKED_SECONDS: Final = 30.0
ASKED_MAX: Final = 65_536
# Marks resets sent with a server's address, so that no other rule treats them as part of an unknown connection.
RESET_MARK: Final = 0x6758
# The chain that sends learned addresses to their owners' chains. It uses plain sets and not a map: adding an element
# with a verdict makes the kernel check every such element of the table again, 45 ms with 200,000 elements.
LEARNED: Final = "learned"
KILLED_TCP: Final = "killed_tcp"
KILLED_UDP: Final = "killed_udp"

FLOW_V4: Final = f"{IPV4_KEY} . {IPV4_KEY} . inet_service . inet_service"
FLOW_V6: Final = f"{IPV6_KEY} . {IPV6_KEY} . inet_service . inet_service"


@dataclass(frozen=True)
class DiversionRules:
    """The inputs, besides the bans, of the rules that divert DNS queries to the sinkhole.

    `armed`: the sinkhole has answered its probe; the probe's own queries are diverted before that. `exempt` are packed
    addresses of resolvers whose own packets are never diverted. `page` is the packed address whose port 80 shows the
    blocked page to these clients, `b""`: none; `page_alone`: no host has this address, so all other packets to it are
    rejected at once, and clients need not wait for a timeout. `ports` are pairs of a bridge port and its bridge, for
    ports where queries are diverted before the bridge receives them.
    """

    armed: bool = False
    exempt: tuple[bytes, ...] = ()
    page: bytes = b""
    page_alone: bool = False
    ports: tuple[tuple[str, str], ...] = ()


def kill_set(protocol: str, family: int, on_failure: str) -> str:
    """Returns the name of a set of killed flows, with one direction per element; `protocol` is `tcp` or `udp`, `family`
    4 or 6.
    """
    return f"kill_{protocol}{family}_{on_failure}"


def learned_set(chain: str, family: int) -> str:
    """Returns the name of a chain's set of learned addresses; `learned4` and `learned6` contain all of them too."""
    return kernel_name(f"{chain}/learned{family}")


def fixed_sets() -> dict[str, SetSpec]:
    """Returns the sets that always exist, beside the sets of the groups."""
    sets = {
        ALIVE: SetSpec(INTERFACE_KEY, runtime=True, timeouts=True, timeout=ALIVE_SECONDS),
        LAN: SetSpec(INTERFACE_KEY),
    }
    kill_v4 = SetSpec(FLOW_V4, runtime=True, timeouts=True, timeout=KILL_SECONDS, dynamic=True, size=KILLS_MAX)
    kill_v6 = SetSpec(FLOW_V6, runtime=True, timeouts=True, timeout=KILL_SECONDS, dynamic=True, size=KILLS_MAX)
    for protocol in ("tcp", "udp"):
        for on_failure in ("open", "closed"):
            sets[kill_set(protocol, 4, on_failure)] = kill_v4
            sets[kill_set(protocol, 6, on_failure)] = kill_v6
    for family, key in (("4", IPV4_KEY), ("6", IPV6_KEY)):
        sets["exempt" + family] = SetSpec(key)
        sets["net" + family] = SetSpec(key, interval=True, verdicts=True)
        sets["learned" + family] = SetSpec(key, runtime=True, timeouts=True, size=LEARNED_MAX)
        spared = SetSpec(key, runtime=True, timeouts=True, size=SPARED_MAX)
        sets["spared" + family] = spared
        sets[ASKED + family] = SetSpec(
            f"{key} . inet_service", runtime=True, timeouts=True, timeout=ASKED_SECONDS, dynamic=True, size=ASKED_MAX
        )
        sets["excused_mac" + family] = SetSpec(f"{MAC_KEY} . {key}", runtime=True, timeouts=True, size=SPARED_MAX)
        sets["excused_ip" + family] = SetSpec(f"{key} . {key}", runtime=True, timeouts=True, size=SPARED_MAX)
    return sets


def fixed_counters() -> dict[str, CounterLabel]:
    """Returns the counters of packets of killed flows and of diverted queries."""
    return {
        KILLED_TCP: CounterLabel("", "", "", "sni", "enforce"),
        KILLED_UDP: CounterLabel("", "", "", "sni", "enforce"),
        "diverted": CounterLabel("", "", "", "dns", "enforce"),
    }


def fixed_chains() -> dict[str, Chain]:
    # The drawing at the head of this file shows how packets reach these chains.
    chains = {
        REFUSE: Chain(("meta l4proto tcp reject with tcp reset", "reject with icmpx type port-unreachable")),
        # Only packets of a LAN client are answered; packets from outside are dropped.
        "reset_killed": Chain((f"iifname @{LAN} reject with tcp reset", "drop")),
        "refuse_killed": Chain((f"iifname @{ALIVE} reject with icmpx type port-unreachable", "drop")),
        "reused": Chain(reuse_rules()),
        "addresses": Chain(
            (
                f"ip daddr @learned4 jump {LEARNED}",
                "ip daddr vmap @net4",
                f"ip6 daddr @learned6 jump {LEARNED}",
                "ip6 daddr vmap @net6",
            )
        ),
        PROBE_CHAIN: probe_chain(ALIVE, REFUSE),
        DIVERT: Chain((f"meta mark set {MARK:#x} counter name diverted accept",)),
    }
    for protocol in ("tcp", "udp"):
        # A SYN may open a new flow that reuses the ports: it is not checked (RFC 9293 section 3.6.1).
        first = ("tcp flags & syn == syn goto reused",) if protocol == "tcp" else ()
        chains[f"killed_{protocol}_open"] = Chain(kill_rules(protocol, "open"))
        chains[f"killed_{protocol}"] = Chain(
            (
                *first,
                *kill_rules(protocol, "closed"),
                f"iifname @{ALIVE} goto killed_{protocol}_open",
                f"oifname @{ALIVE} goto killed_{protocol}_open",
            )
        )
    return chains


def hook_chains(diversion: DiversionRules) -> dict[str, Chain]:
    """Returns the chains where packets enter the table. They are added last and deleted first."""
    questions = f"iifname @{ALIVE} meta l4proto {{ tcp, udp }} th dport 53 jump {QUESTIONS}"
    return {
        INGRESS: Chain((*asked_rules(), questions, *page_rules(diversion))),
        "output": Chain((f"meta mark {RESET_MARK:#x} notrack",), "filter hook output priority raw; policy accept;"),
        "forward": Chain(
            (
                f"meta l4proto tcp jump {KILLED_TCP}",
                f"meta l4proto udp jump {KILLED_UDP}",
                *passing_rules(),
                *refuse_rules(diversion),
                "jump addresses",
            ),
            "filter hook forward priority filter - 5; policy accept;",
        ),
    }


def asked_rules() -> tuple[str, ...]:
    """Returns the rules that accept queries forwarded by the sinkhole, and record their source addresses and ports."""
    return (
        *[
            f"meta mark {ASKED_MARK:#x} meta l4proto {{ tcp, udp }} "
            f"update @{ASKED}{family} {{ {words} saddr . th sport }}"
            for family, words in ((4, "ip"), (6, "ip6"))
        ],
        f"meta mark {ASKED_MARK:#x} accept",
    )


def passing_rules() -> tuple[str, ...]:
    """Returns the rules that exempt these queries from bans by address, so that a client's own resolver stays
    reachable: its banned names are already blocked.
    """
    return tuple(
        f"meta l4proto {{ tcp, udp }} th dport 53 {words} saddr . th sport @{ASKED}{family} accept"
        for family, words in ((4, "ip"), (6, "ip6"))
    )


def page_rules(diversion: DiversionRules) -> tuple[str, ...]:
    """Returns the rule for the blocked page: it diverts the clients whose queries are diverted to the page too."""
    return (f"{towards_page(diversion)} tcp dport 80 jump {QUESTIONS}",) if diversion.page else ()


def refuse_rules(diversion: DiversionRules) -> tuple[str, ...]:
    """Returns the rule that rejects other packets to an unused page address, so that TLS and QUIC do not time out."""
    return (f"{towards_page(diversion)} goto {REFUSE}",) if diversion.page and diversion.page_alone else ()


def towards_page(diversion: DiversionRules) -> str:
    words = "ip" if len(diversion.page) == 4 else "ip6"
    return f"iifname @{ALIVE} {words} daddr {address_text(diversion.page)}"


def kill_rules(protocol: str, on_failure: str) -> tuple[str, ...]:
    """Returns the rules that reject packets of killed flows. Each packet restarts the timeout of its element."""
    verdict = "goto reset_killed" if protocol == "tcp" else "goto refuse_killed"
    rules = []
    for family, words in ((4, "ip"), (6, "ip6")):
        name = kill_set(protocol, family, on_failure)
        flow = f"{words} saddr . {words} daddr . {protocol} sport . {protocol} dport"
        rules.append(f"{flow} @{name} update @{name} {{ {flow} }} counter name killed_{protocol} {verdict}")
    return tuple(rules)


def reuse_rules() -> tuple[str, ...]:
    """Returns the rules by which a client's SYN that reuses the ports of a killed flow removes both directions from the
    sets.
    """
    rules = ["tcp flags & ack == ack return", f"iifname != @{ALIVE} return"]
    for family, words in ((4, "ip"), (6, "ip6")):
        there = f"{words} saddr . {words} daddr . tcp sport . tcp dport"
        back = f"{words} daddr . {words} saddr . tcp dport . tcp sport"
        for on_failure in ("open", "closed"):
            name = kill_set("tcp", family, on_failure)
            rules.append(f"{there} @{name} delete @{name} {{ {there} }} delete @{name} {{ {back} }}")
    return tuple(rules)
