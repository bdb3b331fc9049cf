"""Checks kernel features that bans need, each with an nftables transaction that is never committed."""

import socket
from collections.abc import Iterator
from typing import Final

from monitor.doctor.case import Case
from monitor.doctor.finding import Finding
from monitor.doctor.privileges import NET_ADMIN, has
from monitor.errors import MachineError
from monitor.kernel.netns.namespace_link import NamespaceLink
from monitor.kernel.netns.probe import PROBE_MAC
from monitor.kernel.nft.libnftables import NftLibrary
from monitor.policy.table.probe import PROBE

TOPIC: Final = "kernel"
TRIAL: Final = "gw-doctor0"
TABLE: Final = "table inet gatewatch_doctor {\n"
INGRESS: Final = 'chain c {\n type filter hook ingress device "lo" priority 0\n'

# The feature in nft syntax, and the kernel module that provides it.
FEATURES: Final = (
    ("nftables for IPv4 and IPv6 at once", TABLE + "}\n", "nf_tables"),
    (
        "sets whose timeouts rules renew",
        TABLE + "set s {\n type ipv4_addr\n flags timeout,dynamic\n timeout 5s\n }\n"
        "chain c {\n ip saddr @s update @s { ip saddr }\n }\n}\n",
        "nf_tables",
    ),
    (
        "maps of prefixes to chains",
        TABLE + "chain v {\n }\n map m {\n type ipv4_addr : verdict\n flags interval\n"
        " elements = { 192.0.2.0/24 : goto v }\n }\n}\n",
        "nf_tables",
    ),
    (
        "rejects with a TCP reset or an ICMP error",
        TABLE + "chain c {\n meta l4proto tcp reject with tcp reset\n reject with icmpx type port-unreachable\n }\n}\n",
        "nft_reject_inet",
    ),
    (
        "packets that conntrack does not track",
        TABLE + "chain c {\n type filter hook output priority raw\n notrack\n }\n}\n",
        "nft_ct",
    ),
    ("marks at the ingress of an interface", TABLE + INGRESS + " meta mark set 1 accept\n }\n}\n", "nf_tables"),
    (
        "frames sent from one interface to another",
        "table netdev gatewatch_doctor {\n" + INGRESS + ' fwd to "lo"\n }\n}\n',
        "nft_fwd_netdev",
    ),
    (
        "chains at the egress of an interface",
        "table netdev gatewatch_doctor {\n" + INGRESS.replace("ingress", "egress") + ' fwd to "lo"\n }\n}\n',
        "nf_tables",
    ),
)


def find(case: Case) -> Iterator[Finding]:
    if not has(NET_ADMIN):
        return
    try:
        library = NftLibrary()
    except MachineError as error:
        yield Finding(TOPIC, str(error), "apt-get install libnftables1", missing=True)
        return
    try:
        for name, script, module in FEATURES:
            refusal = library.check(script)
            if refusal:
                what = f"the kernel does not support {name}, which bans need: {refusal}"
                yield Finding(TOPIC, what, f"modprobe {module}   # else another kernel", missing=True)
    finally:
        library.close()
    yield from find_way()


def find_way() -> Iterator[Finding]:
    """Checks the path to the sinkhole: a network namespace, a veth pair, and the path of forwarded queries."""
    if any(name == PROBE for _, name in socket.if_nameindex()):
        return
    try:
        NamespaceLink("lo", TRIAL, PROBE_MAC).close()
    except MachineError as error:
        mend = "sysctl -w user.max_net_namespaces=1024; modprobe -a veth sch_ingress cls_bpf act_mirred"
        yield Finding(TOPIC, f"the dns layer cannot run the sinkhole: {error}", mend, missing=True)
