"""The rules that do not depend on any ban: where packets come in, how killed flows are dropped, how a ban refuses.

A packet to forward meets first the killed flows, then the banned addresses; one that comes in with a question meets the
diversion. Whatever an `open` ban does happens behind a look at `alive`, whose elements lapse when nobody renews
them; `lan` holds the same interfaces for good.
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
# A killed flow stays killed until it has been silent for so long: each packet of it begins the time anew.
KILL_SECONDS: Final = 120.0
KILLS_MAX: Final = 131_072
LEARNED_MAX: Final = 262_144
SPARED_MAX: Final = 65_536

REFUSE: Final = "refuse"
DIVERT: Final = "divert"
QUESTIONS: Final = "questions"
# What the chains at the ingress of each interface jump to; those chains go where the interfaces are, and so does the
# table that sends what is marked to the sinkhole.
INGRESS: Final = "ingress"
MARK: Final = 0x6757
# On questions that the sinkhole passes on: they come in by their client's interface, and are not diverted again.
ASKED_MARK: Final = 0x6759
# On questions that go from the port of a bridge to the bridge, past what would change them between the two.
CARRIED_MARK: Final = 0x675A
ASKED: Final = "asked"
ASKED_SECONDS: Final = 30.0
ASKED_MAX: Final = 65_536
# On resets that are sent in a server's name: nobody's rules shall take them for a strange connection's.
RESET_MARK: Final = 0x6758
# Where learned addresses go to their owners' chains. They are plain sets and not a map: whoever adds an element with a
# verdict makes the kernel look at every such element of the table again, 45 ms where there are 200,000.
LEARNED: Final = "learned"
KILLED_TCP: Final = "killed_tcp"
KILLED_UDP: Final = "killed_udp"

FLOW_V4: Final = f"{IPV4_KEY} . {IPV4_KEY} . inet_service . inet_service"
FLOW_V6: Final = f"{IPV6_KEY} . {IPV6_KEY} . inet_service . inet_service"


@dataclass(frozen=True)
class DiversionRules:
    """What decides whose questions go to the sinkhole, beside the bans.

    `armed`: the sinkhole has answered its probe, whose questions go there before that. `exempt` are packed addresses of
    resolvers whose own packets are never diverted. `page` is the packed address at whose port 80 the same clients find
    what is blocked, `b""`: nowhere; `page_alone` says that nobody else is there, so that everything else is refused
    there at once instead of leading nowhere. `ports` are those, each with its bridge, where questions are diverted
    before the bridge itself takes them in.
    """

    armed: bool = False
    exempt: tuple[bytes, ...] = ()
    page: bytes = b""
    page_alone: bool = False
    ports: tuple[tuple[str, str], ...] = ()


def kill_set(protocol: str, family: int, on_failure: str) -> str:
    """The set of killed flows, one direction an element; `protocol` is `tcp` or `udp`, `family` 4 or 6."""
    return f"kill_{protocol}{family}_{on_failure}"


def learned_set(chain: str, family: int) -> str:
    """The set of learned addresses that go to a chain; all of them are in `learned4` or `learned6` too."""
    return kernel_name(f"{chain}/learned{family}")


def fixed_sets() -> dict[str, SetSpec]:
    """The sets that are always there, beside those of the groups."""
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
    """What killed flows go on sending, and the questions that were diverted."""
    return {
        KILLED_TCP: CounterLabel("", "", "", "sni", "enforce"),
        KILLED_UDP: CounterLabel("", "", "", "sni", "enforce"),
        "diverted": CounterLabel("", "", "", "dns", "enforce"),
    }


def fixed_chains() -> dict[str, Chain]:
    chains = {
        REFUSE: Chain(("meta l4proto tcp reject with tcp reset", "reject with icmpx type port-unreachable")),
        # A client that was told once is told often enough: what comes from outside just ends here.
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
        # A SYN may be a new flow between used ports: it meets no set (RFC 9293 section 3.6.1).
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
    """The doors of the table. They come last and go first."""
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
    """What the sinkhole passes on is no client's question, and is known from now on by its source and port."""
    return (
        *[
            f"meta mark {ASKED_MARK:#x} meta l4proto {{ tcp, udp }} "
            f"update @{ASKED}{family} {{ {words} saddr . th sport }}"
            for family, words in ((4, "ip"), (6, "ip6"))
        ],
        f"meta mark {ASKED_MARK:#x} accept",
    )


def passing_rules() -> tuple[str, ...]:
    """No ban by address takes the resolver away that a client chose: banned names are refused already."""
    return tuple(
        f"meta l4proto {{ tcp, udp }} th dport 53 {words} saddr . th sport @{ASKED}{family} accept"
        for family, words in ((4, "ip"), (6, "ip6"))
    )


def page_rules(diversion: DiversionRules) -> tuple[str, ...]:
    """The way to the page is that of the questions: for the same clients, and through the same door."""
    return (f"{towards_page(diversion)} tcp dport 80 jump {QUESTIONS}",) if diversion.page else ()


def refuse_rules(diversion: DiversionRules) -> tuple[str, ...]:
    """Whatever else is sent to an address that nobody has is refused at once, so that TLS and QUIC need not wait."""
    return (f"{towards_page(diversion)} goto {REFUSE}",) if diversion.page and diversion.page_alone else ()


def towards_page(diversion: DiversionRules) -> str:
    words = "ip" if len(diversion.page) == 4 else "ip6"
    return f"iifname @{ALIVE} {words} daddr {address_text(diversion.page)}"


def kill_rules(protocol: str, on_failure: str) -> tuple[str, ...]:
    """Both directions of a killed flow are elements; each packet renews the one that it meets."""
    verdict = "goto reset_killed" if protocol == "tcp" else "goto refuse_killed"
    rules = []
    for family, words in ((4, "ip"), (6, "ip6")):
        name = kill_set(protocol, family, on_failure)
        flow = f"{words} saddr . {words} daddr . {protocol} sport . {protocol} dport"
        rules.append(f"{flow} @{name} update @{name} {{ {flow} }} counter name killed_{protocol} {verdict}")
    return tuple(rules)


def reuse_rules() -> tuple[str, ...]:
    """A client that begins anew between used ports takes the old flow out of the sets, so that its data passes too."""
    rules = ["tcp flags & ack == ack return", f"iifname != @{ALIVE} return"]
    for family, words in ((4, "ip"), (6, "ip6")):
        there = f"{words} saddr . {words} daddr . tcp sport . tcp dport"
        back = f"{words} daddr . {words} saddr . tcp dport . tcp sport"
        for on_failure in ("open", "closed"):
            name = kill_set("tcp", family, on_failure)
            rules.append(f"{there} @{name} delete @{name} {{ {there} }} delete @{name} {{ {back} }}")
    return tuple(rules)
