"""Rules for questions that the sinkhole passes on as their clients': in by the interface, and the answers back.

A question leaves the door's namespace with its client's address and comes in by the client's interface
(`netlink/injection.py`), where its source, port and destination go into a set, and takes the way of the client's own
packet: NAT, filters and resolvers of the gateway see the client, and conntrack gives the answer the address that was
asked. The answer would
leave to the client; at the egress of the interface the set tells it from others, and it goes into the door's namespace
instead. Of an answer in fragments the first has the port and the others only its number, which a second set holds. A
third one holds the MAC address that each client's questions came from, so that rules about MAC addresses match what is
asked for it.
"""

from collections.abc import Sequence
from typing import Final

from monitor.kernel.netns.namespace_link import NamespaceLink
from monitor.policy.table.rules import ASKED_MARK, ASKED_MAX, ASKED_SECONDS, MARK

ANSWER_FROM: Final = "meta l4proto { tcp, udp } th sport 53"
# Ports below are those of the sinkhole's own answers, which leave by the same link.
QUESTION: Final = "meta l4proto { tcp, udp } th dport 53 th sport 1024-65535"
TIMES: Final = f"flags dynamic,timeout; timeout {ASKED_SECONDS:.0f}s; size {ASKED_MAX};"
FAMILIES: Final = (("ip", 4), ("ip6", 6))
NUMBER: Final = {4: "ip id", 6: "frag id"}
BEGINS: Final = {4: "ip frag-off & 0x3fff == 0x2000", 6: "frag frag-off 0 frag more-fragments 1"}
GOES_ON: Final = {4: "ip frag-off & 0x1fff != 0", 6: "frag frag-off != 0"}


def sets(number: int, door: NamespaceLink) -> list[str]:
    """Those of the door of that number: who asks from which port, parts of answers, MAC addresses of clients."""
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
    """For the ingress of the interface, before anything is diverted: such questions take their clients' way."""
    return [
        *[
            f"\t\tmeta mark {ASKED_MARK:#x} meta l4proto {{ tcp, udp }} "
            f"update @asking{family}_{number} {{ {words} saddr . th sport . {words} daddr }}"
            for words, family in FAMILIES
        ],
        f"\t\tmeta mark {ASKED_MARK:#x} meta mark set 0 meta pkttype set host accept",
    ]


def going_in(number: int, door: NamespaceLink) -> list[str]:
    """For what comes out of the door's namespace: questions go to where the mark leads them."""
    marked = f"{QUESTION} meta mark set {ASKED_MARK:#x} meta pkttype set host"
    macs = [
        f"\t\t{QUESTION} ether saddr set {words} saddr map @macs{family}_{number}"
        for words, family in FAMILIES
        if door.ethernet
    ]
    return [*macs, f'\t\t{marked} fwd to "{door.near}"']


def note_client(number: int, door: NamespaceLink, words: str, family: int) -> str:
    """For what is diverted: the MAC address that the client's question came from."""
    return f"update @macs{family}_{number} {{ {words} saddr : ether saddr }}" if door.ethernet else ""


def coming_back(number: int, door: NamespaceLink, devices: Sequence[str]) -> list[str]:
    """Chains at the egress of each device by which the gateway's packets reach the clients."""
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
    # Not before it has the address that was asked: on its way through a bridge NAT may still be at work on it.
    asker = f"{words} daddr . th dport . {words} saddr @asking{family}_{number}"
    part = f"{words} saddr . {words} daddr . {NUMBER[family]}"
    return [
        f"{BEGINS[family]} {ANSWER_FROM} {asker} update @parts{family}_{number} {{ {part} }}",
        f"{GOES_ON[family]} {part} @parts{family}_{number} {back}",
        f"{ANSWER_FROM} {asker} {back}",
    ]
