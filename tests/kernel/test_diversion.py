"""Questions reach the sinkhole past everybody else's rules, and its answers seem to come from whom was asked."""

import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from cable import FAR_MAC, FAR_V4, FAR_V6, NEAR_MAC, NEAR_V4, NEAR_V6, Cable, cable, ip, wait_until
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from tables import table

from monitor.kernel.netns.namespace_link import NamespaceLink
from monitor.kernel.nft.drift import Repair
from monitor.kernel.nft.enforcer import Enforcer
from monitor.policy.table.change import AddElements, DeleteElements
from monitor.sinkhole.sockets import WILDCARDS, answer_from, asked_address, open_datagrams, open_stream

pytestmark = pytest.mark.netns

PATIENCE_SECONDS = 60.0
MEMBER = bytes.fromhex(FAR_MAC.replace(":", ""))
NEAR_V4B, FAR_V4B, NEAR_V6B, FAR_V6B = "10.10.0.1", "10.10.0.2", "fd10::1", "fd10::2"
EVERYTHING = 0x0003  # ETH_P_ALL
ROUTED_V4, ROUTED_V6 = "10.20.0.5", "fd20::5"
FAR_RESOLVERS = ["9.9.9.9", "2620:fe::fe"]
OWN = [NEAR_V4, NEAR_V4B, NEAR_V6, NEAR_V6B]
ADMIN = """table inet admin {
 chain post {
 type nat hook postrouting priority srcnat; policy accept;
 masquerade
 }
 chain inp {
 type filter hook input priority filter; policy drop;
 iifname "lo" accept
 meta l4proto 58 accept
 }
 chain forw {
 type filter hook forward priority filter; policy drop;
 ct state established,related accept
 }
}
"""


class Echo:
    """Stands in for the sinkhole: answers each question with the address that was asked."""

    def __init__(self, door: NamespaceLink) -> None:
        self.stopped = threading.Event()
        self.datagrams = [open_datagrams(door.make_socket, address, 53) for address in WILDCARDS]
        self.streams = [open_stream(door.make_socket, address, 53) for address in WILDCARDS]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        while not self.stopped.is_set():
            for ready in select.select([*self.datagrams, *self.streams], [], [], 0.05)[0]:
                if ready in self.datagrams:
                    self.answer_datagram(ready)
                else:
                    self.answer_stream(ready)

    def answer_datagram(self, listener: socket.socket) -> None:
        _, controls, _, peer = listener.recvmsg(512, 128)
        asked = asked_address(controls)
        listener.sendmsg([b"sink ", asked], [answer_from(asked, peer)], 0, peer)

    def answer_stream(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(20)
            connection.recv(512)
            asked = connection.getsockname()[0].partition("%")[0]
            connection.sendall(b"sink " + socket.inet_pton(connection.family, asked))

    def close(self) -> None:
        self.stopped.set()
        self.thread.join()
        for own in (*self.datagrams, *self.streams):
            own.close()


def ask(wire: Cable, kind: int, resolver: str, port: int = 0, source: str = "", wait: float = 5.0) -> bytes:
    """What a client gets from a resolver, empty for nothing; the answer must come from whom was asked."""
    family = socket.AF_INET6 if ":" in resolver else socket.AF_INET

    def work() -> bytes:
        with socket.socket(family, kind) as client:
            client.settimeout(wait)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if kind == socket.SOCK_STREAM:  # no TIME_WAIT, so that the port is free again
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            scope = socket.if_nametoindex("v1") if resolver.startswith("fe80") else 0
            try:
                client.bind((source, port) if family == socket.AF_INET else (source or "::", port, 0, scope))
                client.connect((resolver, 53) if family == socket.AF_INET else (resolver, 53, 0, scope))
                client.send(b"question")
                return client.recv(512)
            except (TimeoutError, ConnectionError):
                return b""

    return wire.far.inside(work)


@pytest.fixture(scope="module")
def wire() -> Iterator[Cable]:
    with cable() as ends:
        for end, link, addresses, gateway in (
            (ends.near, "v0", (f"{NEAR_V4B}/24", f"{NEAR_V6B}/64"), (FAR_V4, FAR_V6)),
            (ends.far, "v1", (f"{FAR_V4B}/24", f"{FAR_V6B}/64"), (NEAR_V4, NEAR_V6)),
        ):
            for address in addresses:
                ip(f"-n {end.name} addr add {address} dev {link} nodad" if ":" in address
                   else f"-n {end.name} addr add {address} dev {link}")  # fmt: skip
            for via in gateway:
                ip(f"-n {end.name} route add default via {via} dev {link}")
        ends.near.sysctl({"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1, "ipv4/conf/all/rp_filter": 1})
        for end in (ends.near, ends.far):
            wait_until(lambda end=end: "tentative" not in end.run(["ip", "-6", "addr"]).stdout)
        yield ends


@pytest.fixture(params=[ADMIN, ""], ids=["beside-a-firewall", "alone"])
def diverted(wire: Cable, request: pytest.FixtureRequest) -> Iterator[Enforcer]:
    """An enforcer whose diversion ends in an echo, beside a resolver that holds port 53 of every address."""
    wire.near.run(["nft", "-f", "-"], input=request.param).check_returncode()
    with closing(wire.near.inside(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))) as resolver:
        resolver.bind(("::", 53))
        enforcer = wire.near.inside(Enforcer)
        try:
            wire.near.inside(lambda: enforcer.start(table(members=(MEMBER,)), ["v0"]))
            assert wire.near.inside(lambda: enforcer.divert(["v0", "absent0"]))
            assert enforcer.complaints == []
            echo = wire.near.inside(lambda: Echo(enforcer.diversion.doors["v0"]))
            try:
                yield enforcer
            finally:
                echo.close()
        finally:
            wire.near.inside(enforcer.stop)
            wire.near.run(["nft", "flush", "ruleset"])


def sink(resolver: str) -> bytes:
    return b"sink " + socket.inet_pton(socket.AF_INET6 if ":" in resolver else socket.AF_INET, resolver)


def link_local(wire: Cable) -> str:
    lines = wire.near.run(["ip", "-6", "-o", "addr", "show", "dev", "v0", "scope", "link"]).stdout.split()
    return lines[lines.index("inet6") + 1].partition("/")[0]


def test_whoever_is_asked_the_sinkhole_answers(wire: Cable, diverted: Enforcer) -> None:
    kept = threading.Event()

    def renew() -> None:
        while not kept.wait(1):
            diverted.renew_alive()

    renewing = threading.Thread(target=renew)
    renewing.start()
    try:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            for resolver in (*FAR_RESOLVERS, *OWN, link_local(wire)):
                sources = ["", FAR_V6B if ":" in resolver else FAR_V4B]
                for source in sources[: 1 if resolver.startswith("fe80") else 2]:
                    for port in (0, 40053):
                        assert ask(wire, kind, resolver, port, source) == sink(resolver), (kind, resolver, source)
    finally:
        kept.set()
        renewing.join()


def test_only_who_is_banned_and_not_exempt_is_diverted(wire: Cable, diverted: Enforcer) -> None:
    udp = socket.SOCK_DGRAM
    assert ask(wire, udp, "9.9.9.9") == sink("9.9.9.9")
    diverted.apply([AddElements("exempt4", ((socket.inet_aton(FAR_V4), ""),))])
    assert ask(wire, udp, "9.9.9.9", source=FAR_V4, wait=0.3) == b""
    assert ask(wire, udp, "9.9.9.9", source=FAR_V4B) == sink("9.9.9.9")
    diverted.apply([DeleteElements("g_staff/mac", (MEMBER,))])
    assert ask(wire, udp, "9.9.9.9", source=FAR_V4B, wait=0.3) == b""


def test_what_has_a_tag_is_left_to_its_vlan(wire: Cable, diverted: Enforcer) -> None:
    """An answer would leave without the tag, and nobody would get it. A tag that tells a priority alone is of none."""

    def sniff() -> socket.socket:
        sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
        sniffer.bind((diverted.diversion.doors["v0"].near, 0))
        sniffer.settimeout(20)
        return sniffer

    def frame(number: int, text: bytes) -> bytes:
        question = IP(src=FAR_V4, dst="9.9.9.9") / UDP(sport=4000, dport=53) / text
        return bytes(Ether(src=FAR_MAC, dst=NEAR_MAC) / Dot1Q(vlan=number, prio=5) / question)

    diverted.renew_alive()
    with closing(wire.near.inside(sniff)) as sniffer:
        wire.send_frames([frame(7, b"of a vlan"), frame(4094, b"of a vlan"), frame(0, b"of none")])
        seen = b""
        while b"of none" not in seen:
            seen += sniffer.recv(2048)
        assert b"of a vlan" not in seen


def test_an_interface_may_change_its_mac_and_what_is_for_others_is_theirs(wire: Cable, diverted: Enforcer) -> None:
    udp, fresh = socket.SOCK_DGRAM, "02:00:00:00:00:77"
    try:
        ip(f"-n {wire.near.name} link set v0 address {fresh}")
        for resolver in FAR_RESOLVERS:
            diverted.renew_alive()
            assert ask(wire, udp, resolver, wait=0.2) == b"", "the frame was for the MAC that nobody has any more"
        for gateway in (NEAR_V4, NEAR_V6):
            ip(f"-n {wire.far.name} neigh replace {gateway} lladdr {fresh} dev v1 nud permanent")
        for kind in (udp, socket.SOCK_STREAM):
            for resolver in FAR_RESOLVERS:
                diverted.renew_alive()
                assert ask(wire, kind, resolver) == sink(resolver), (kind, resolver)
    finally:
        ip(f"-n {wire.near.name} link set v0 address {NEAR_MAC}")
        for own, other in ((NEAR_V4, FAR_V4), (NEAR_V6, FAR_V6)):
            ip(f"-n {wire.far.name} neigh replace {own} lladdr {NEAR_MAC} dev v1 nud permanent")
            ip(f"-n {wire.near.name} neigh replace {other} lladdr {FAR_MAC} dev v0 nud permanent")


def test_clients_behind_another_router_are_answered_through_it(wire: Cable, diverted: Enforcer) -> None:
    udp, tcp = socket.SOCK_DGRAM, socket.SOCK_STREAM
    routes = [f"10.20.0.0/16 via {FAR_V4}", f"fd20::/48 via {FAR_V6}"]
    for client in (ROUTED_V4, ROUTED_V6):
        ip(f"-n {wire.far.name} addr add {client} dev lo")
    wire.far.sysctl({"ipv4/conf/all/arp_ignore": 1})  # an address of `lo` is not on the link
    try:
        for route in routes:
            ip(f"-n {wire.near.name} route add {route}")
        assert wire.near.inside(lambda: diverted.reconcile(table(members=(MEMBER,)))) == Repair("", ())
        for kind in (udp, tcp):
            for client, resolvers in ((ROUTED_V4, ("9.9.9.9", NEAR_V4)), (ROUTED_V6, ("2620:fe::fe", NEAR_V6))):
                for resolver in resolvers:
                    diverted.renew_alive()
                    assert ask(wire, kind, resolver, source=client) == sink(resolver), (kind, client, resolver)
        assert ask(wire, udp, "9.9.9.9") == sink("9.9.9.9")
    finally:
        for route in routes:
            ip(f"-n {wire.near.name} route del {route}")
        for client in (ROUTED_V4, ROUTED_V6):
            ip(f"-n {wire.far.name} addr del {client} dev lo")


def test_a_larger_interface_has_a_larger_door(wire: Cable, diverted: Enforcer) -> None:
    ip(f"-n {wire.near.name} link set v0 mtu 1400")
    try:
        assert wire.near.inside(lambda: diverted.divert(["v0"]))
        assert diverted.diversion.doors["v0"].mtu == 1400
        assert not wire.near.inside(lambda: diverted.divert(["v0"]))
    finally:
        ip(f"-n {wire.near.name} link set v0 mtu 1500")


def test_the_switch_opens_for_a_fixed_port_too(wire: Cable, diverted: Enforcer) -> None:
    diverted.renew_alive()
    began = time.monotonic()
    # A machine that is busy may be late with one answer, not with two.
    while ask(wire, socket.SOCK_DGRAM, "9.9.9.9", 40054, wait=0.3) or ask(wire, socket.SOCK_DGRAM, "9.9.9.9", 40054):
        assert time.monotonic() - began < PATIENCE_SECONDS
    assert time.monotonic() - began > 4


def test_the_way_goes_with_its_last_socket(wire: Cable) -> None:
    """As with a daemon that is killed: the kernel closes its sockets."""
    door = wire.near.inside(lambda: NamespaceLink("v0", "gw-test0"))
    own = wire.near.inside(lambda: door.make_socket(socket.AF_INET, socket.SOCK_DGRAM))
    assert "gw-test0" in wire.near.run(["ip", "link"]).stdout
    place = door._place
    assert place is not None
    assert "gw-test0" in wire.near.run(["ip", "link"]).stdout
    place.close()
    own.close()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "gw-test0" in wire.near.run(["ip", "link"]).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.05)
