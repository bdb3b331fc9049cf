"""Rules for queries that the sinkhole forwards with their clients' addresses, and for the responses.

A query leaves the link's network namespace with its client's address and enters by the client's interface
(`netlink/injection.py`), where a set records its source, port and destination. It then takes the path of the client's
own packet: NAT, filters and resolvers of the gateway see the client, and conntrack gives the response the address that
the client queried. Without more rules the response would be sent to the client. At the egress of the interface, the
set distinguishes it from other responses, and a rule forwards it into the link's network namespace instead. Only the
first fragment of a fragmented response has the port; the others have only the identification number, which a second set
records. A map records the MAC address that each client's queries came from, so that rules about MAC addresses match the
forwarded queries.
"""

from collections.abc import Sequence
from typing import Final

from monitor.kernel.netns.namespace_link import NamespaceLink
from monitor.policy.table.rules import ASKED_MARK, ASKED_MAX, ASKED_SECONDS, MARK

ANSWER_FROM: Final = "meta l4proto { tcp, udp } th sport 53"
# Lower source ports are those of the sinkhole's own responses, which leave through the same link.
QUESTION: Final = "meta l4proto { tcp, udp } th dport 53 th sport 1024-65535"
TIMES: Final = f"flags dynamic,timeout; timeout {ASKED_SECONDS:.0f}s; size {ASKED_MAX};"
FAMILIES: Final = (("ip", 4), ("ip6", 6))
NUMBER: Final = {4: "ip id", 6: "frag id"}
BEGINS: Final = {4: "ip frag-off & 0x3fff == 0x2000", 6: "frag frag-off 0 frag more-fragments 1"}
GOES_ON: Final = {4: "ip frag-off & 0x1fff != 0", 6: "frag frag-off != 0"}


def sets(number: int, door: NamespaceLink) -> list[str]:
    """Returns the sets of link `number`: pending queries, fragments of responses, MAC addresses of clients."""
    lines = []
    for words, family in FAMILIES:
        pair = f"{words} saddr . {words} daddr . {NUMBER[family]}"
        lines += [
            f"\tset asking{family}_{number} {{ typeof {words} saddr . th sport . {words} daddr; {TIMES} }}",
            f"\tset parts{family}_{number} {{ typeof {pair}; {TIMES} }}",
        ]
        if door.ethernet:
            lines.append(f"\tmap macs{family}_{number} {{ typeof {words} saddr : ether saddr; {TIMES} }}")
    return lines


def coming_in(number: int) -> list[str]:
    """Returns rules for the ingress of the interface: they accept forwarded queries before the diversion matches."""
    return [
        *[
            f"\t\tmeta mark {ASKED_MARK:#x} meta l4proto {{ tcp, udp }} "
            f"update @asking{family}_{number} {{ {words} saddr . th sport . {words} daddr }}"
            for words, family in FAMILIES
        ],
        f"\t\tmeta mark {ASKED_MARK:#x} meta mark set 0 meta pkttype set host accept",
    ]


def going_in(number: int, door: NamespaceLink) -> list[str]:
    """Returns rules for packets that leave the link's network namespace: queries are marked and forwarded."""
    marked = f"{QUESTION} meta mark set {ASKED_MARK:#x} meta pkttype set host"
    macs = [
        f"\t\t{QUESTION} ether saddr set {words} saddr map @macs{family}_{number}"
        for words, family in FAMILIES
        if door.ethernet
    ]
    return [*macs, f'\t\t{marked} fwd to "{door.near}"']


def note_client(number: int, door: NamespaceLink, words: str, family: int) -> str:
    """Returns the statement that records the MAC address of a diverted query's client."""
    return f"update @macs{family}_{number} {{ {words} saddr : ether saddr }}" if door.ethernet else ""


def coming_back(number: int, door: NamespaceLink, devices: Sequence[str]) -> list[str]:
    """Returns chains at the egress of each device through which the gateway's packets reach the clients."""
    lines = []
    for place, device in enumerate(devices):
        lines += [
            f"\tchain to_client_{number}_{place} {{",
            f'\t\ttype filter hook egress device "{device}" priority 0; policy accept;',
            f"\t\tmeta mark {MARK:#x} accept",
            *[f"\t\t{rule}" for words, family in FAMILIES for rule in answer_rules(number, door, words, family)],
            "\t}",
        ]
    return lines


def answer_rules(number: int, door: NamespaceLink, words: str, family: int) -> list[str]:
    back = f'fwd {words} to {words} daddr device "{door.near}"'
    # Matches only once NAT has restored the queried address: on the path through a bridge, NAT may run later.
    asker = f"{words} daddr . th dport . {words} saddr @asking{family}_{number}"
    part = f"{words} saddr . {words} daddr . {NUMBER[family]}"
    return [
        f"{BEGINS[family]} {ANSWER_FROM} {asker} update @parts{family}_{number} {{ {part} }}",
        f"{GOES_ON[family]} {part} @parts{family}_{number} {back}",
        f"{ANSWER_FROM} {asker} {back}",
    ]
