"""What the table does besides the bans by address: killed flows, learned and allowed addresses, the diversion."""

from dataclasses import replace

import pytest
from fake_kernel import DIVERT, DROP, PASS, REJECT, TCP, UDP, FakeKernel, Packet
from nft_words import ACK, SYN
from worlds import INTERFACES, NOW, listed, local_time, packed

from monitor.catalog.entry import Owner, Vendor
from monitor.policy.ban import Ban, Exemption, Subject
from monitor.policy.groups import Group, Groups
from monitor.policy.policy import Policy
from monitor.policy.table.desired import CounterLabel, Desired
from monitor.policy.table.exemption_rules import allow_set
from monitor.policy.table.members import Members
from monitor.policy.table.planner import chain_for, plan_table
from monitor.policy.table.rules import DiversionRules, kill_set, learned_set

LISTED = listed([("20.0.0.0/8", Owner("bytedance")), ("20.1.0.0/16", Owner("doh", category=True))])
VENDORS = [Vendor("bytedance", "ByteDance", "vendor", (("tiktok", "TikTok"),)), Vendor("doh", "DoH", "category")]
MAC = bytes.fromhex("020000000001")
LAPTOP, PHONE, GUEST = packed("10.0.0.1"), packed("10.0.0.2"), packed("10.0.0.3")
VENDOR, CDN = packed("20.0.0.1"), packed("99.0.0.1")
GROUPS = (Group("staff", ("10.0.0.1", MAC.hex(":"))), Group("students", ("10.0.0.2",)))
BAN = Ban("ban-1", (Subject("bytedance"),), ("staff",), "enforce", allow=(b"press.tiktok.com",))


def plan(
    *bans: Ban, exemptions: tuple[Exemption, ...] = (), armed: bool = True, page: str = "", page_alone: bool = True
) -> Desired:
    exempt = (packed("10.0.0.53"), packed("fd00::53"))
    diversion = DiversionRules(armed=armed, exempt=exempt, page=packed(page) if page else b"", page_alone=page_alone)
    policy = Policy(bans, exemptions, (), local_time)
    members = Members(Groups(GROUPS, INTERFACES))
    return plan_table(policy, members, LISTED.territory, VENDORS, INTERFACES, diversion, NOW)


def kernel(desired: Desired, alive: bool = True) -> FakeKernel:
    made = FakeKernel(desired)
    for interface in INTERFACES if alive else ():
        made.put("alive", interface.encode())
    return made


def question(source: bytes, **fields: object) -> Packet:
    return Packet(source, packed("9.9.9.9") if len(source) == 4 else packed("2620:fe::fe"), protocol=UDP,
                  destination_port=53, **fields)  # fmt: skip


def answer_to(packet: Packet) -> Packet:
    return Packet(
        packet.destination, packet.source, b"", packet.protocol, packet.destination_port, packet.source_port,
        packet.flags, packet.goes_out, packet.came_in,
    )  # fmt: skip


@pytest.mark.parametrize("protocol", [TCP, UDP])
@pytest.mark.parametrize("on_failure", ["open", "closed"])
@pytest.mark.parametrize(("client", "server"), [("10.0.0.3", "99.0.0.1"), ("fd00::3", "2a00::1")])
def test_a_killed_flow_is_dead_both_ways(protocol: int, on_failure: str, client: str, server: str) -> None:
    of = kernel(plan(BAN))
    there = Packet(packed(client), packed(server), protocol=protocol)
    back = answer_to(there)
    assert [of.forward(there), of.forward(back)] == [PASS, PASS]
    name = kill_set("tcp" if protocol == TCP else "udp", 4 if len(there.source) == 4 else 6, on_failure)
    of.put(name, there.flow())
    of.put(name, back.flow())
    assert of.forward(there) == REJECT
    assert of.forward(back) == DROP
    assert of.forward(replace(there, source_port=40001)) == PASS
    of.elements["alive"].clear()
    assert of.forward(back) == (PASS if on_failure == "open" else DROP)


def test_a_client_may_use_the_ports_of_a_killed_flow_again() -> None:
    of = kernel(plan(BAN))
    there = Packet(GUEST, CDN)
    back = answer_to(there)
    for packet in (there, back):
        of.put("kill_tcp4_open", packet.flow())
    assert of.forward(replace(back, flags=SYN)) == PASS, "a server's SYN passes, and changes nothing"
    assert of.forward(replace(back, flags=SYN | ACK)) == PASS
    assert of.forward(there) == REJECT
    assert of.forward(replace(there, flags=SYN)) == PASS
    assert [of.forward(there), of.forward(back)] == [PASS, PASS]


def test_learned_addresses_are_banned_like_the_vendors_own() -> None:
    desired = plan(BAN, replace(BAN, id="ban-2", groups=("students",), mode="shadow"))
    of = kernel(desired)
    assert of.forward(Packet(LAPTOP, CDN)) == PASS
    of.put("learned4", CDN)
    of.put(learned_set(chain_for(desired, ("bytedance/tiktok",)), 4), CDN)
    assert of.forward(Packet(LAPTOP, CDN)) == REJECT
    assert of.forward(Packet(GUEST, CDN, mac=MAC)) == REJECT
    assert of.forward(Packet(PHONE, CDN)) == PASS
    assert of.forward(Packet(GUEST, CDN)) == PASS
    counted = {desired.counters[name]: count for name, count in of.counters.items() if count}
    assert counted == {
        CounterLabel("bytedance", "", "staff", "ip", "enforce"): 2,
        CounterLabel("bytedance", "", "students", "ip", "shadow"): 1,
    }


@pytest.mark.parametrize(
    ("owner", "chain"),
    [
        ("bytedance/tiktok", "v_bytedance/tiktok"),
        ("bytedance", "v_bytedance"),
        ("bytedance/brand-new", "v_bytedance"),
        ("category:doh", "c_doh"),
        ("acme", ""),
        ("acme/brand-new", ""),
    ],
)
def test_where_a_learned_address_goes(owner: str, chain: str) -> None:
    desired = plan(BAN, replace(BAN, id="ban-2", subjects=(Subject(category="doh"),)))
    assert chain_for(desired, (owner,)) == chain


def test_what_one_ban_allows_another_may_refuse() -> None:
    desired = plan(BAN, replace(BAN, id="ban-2", groups=("students",), allow=()))
    of = kernel(desired)
    of.put(allow_set(BAN, 4), VENDOR)
    assert of.forward(Packet(LAPTOP, VENDOR)) == PASS
    assert of.forward(Packet(LAPTOP, packed("20.0.0.2"))) == REJECT
    assert of.forward(Packet(PHONE, VENDOR)) == REJECT


def test_protected_and_excused_addresses_pass() -> None:
    of = kernel(plan(BAN, exemptions=(Exemption(MAC, name=b"www.tiktok.com"),)))
    other = packed("20.0.0.2")
    of.put("excused_mac4", MAC + VENDOR)
    of.put("excused_ip4", LAPTOP + other)
    assert of.forward(Packet(GUEST, VENDOR, mac=MAC)) == PASS
    assert of.forward(Packet(LAPTOP, VENDOR)) == REJECT
    assert of.forward(Packet(LAPTOP, other)) == PASS
    of.put("spared4", VENDOR)
    assert of.forward(Packet(LAPTOP, VENDOR)) == PASS


def test_only_questions_of_the_banned_are_diverted() -> None:
    of = kernel(plan(BAN))
    assert of.forward(question(LAPTOP)) == DIVERT
    assert of.forward(question(packed("fd00::1"), mac=MAC)) == DIVERT
    assert of.forward(replace(question(LAPTOP), protocol=TCP)) == DIVERT
    assert of.forward(replace(question(LAPTOP), destination_port=853)) == PASS
    assert of.forward(question(PHONE)) == PASS
    assert of.forward(question(packed("10.0.0.53"), mac=MAC)) == PASS
    assert of.forward(question(packed("fd00::53"), mac=MAC)) == PASS
    assert of.forward(question(GUEST, mac=MAC, came_in="wan0")) == PASS


@pytest.mark.parametrize(("page", "source"), [("192.0.2.80", LAPTOP), ("2001:db8::80", packed("fd00::1"))])
def test_who_is_banned_finds_the_page_and_whatever_else_goes_there_is_refused(page: str, source: bytes) -> None:
    there = Packet(source, packed(page), MAC, protocol=TCP, destination_port=80)
    guest = replace(there, source=GUEST if len(source) == 4 else packed("fd00::3"), mac=b"\x02" * 6)
    of = kernel(plan(BAN, page=page))
    assert [of.forward(there), of.forward(guest)] == [DIVERT, REJECT]
    for other in (replace(there, destination_port=443), replace(there, destination_port=443, protocol=UDP)):
        assert of.forward(other) == REJECT
    own = kernel(plan(BAN, page=page, page_alone=False))
    assert [own.forward(there), own.forward(guest), own.forward(replace(there, destination_port=443))] == [
        DIVERT, PASS, PASS,
    ]  # fmt: skip
    for gone in (kernel(plan(BAN, page=page), alive=False), kernel(plan(BAN))):
        assert gone.forward(there) == PASS
    assert kernel(plan(BAN, page=page, armed=False)).forward(there) == REJECT


def test_before_the_sinkhole_has_answered_only_the_probe_is_diverted() -> None:
    of = kernel(plan(BAN, armed=False))
    of.put("alive", b"gw-probe0")
    assert of.forward(question(LAPTOP)) == PASS
    assert of.forward(question(packed("192.0.2.1"), came_in="gw-probe0")) == DIVERT


def test_a_daemon_that_is_gone_bans_by_address_only_where_the_ban_is_closed() -> None:
    closed = Ban("ban-2", (Subject("bytedance"),), ("students",), "enforce", on_failure="closed")
    of = kernel(plan(BAN, closed), alive=False)
    assert of.forward(question(LAPTOP)) == PASS
    assert of.forward(question(PHONE)) == PASS
    assert of.forward(Packet(LAPTOP, VENDOR)) == PASS
    assert of.forward(Packet(PHONE, VENDOR)) == REJECT


def test_a_sleeping_ban_keeps_its_addresses_and_loses_its_rules() -> None:
    awake, paused = Policy([BAN], [], (), local_time), Policy([BAN], [], (), local_time, NOW + 60)
    members = Members(Groups(GROUPS, INTERFACES))
    plans = [
        plan_table(of, members, LISTED.territory, VENDORS, INTERFACES, DiversionRules(), NOW) for of in (awake, paused)
    ]
    assert plans[0].elements == plans[1].elements
    assert plans[0].chains["v_bytedance"].rules
    assert not plans[1].chains["v_bytedance"].rules


def test_what_a_ban_of_a_category_refuses_is_counted_under_it_also_at_a_vendors_addresses() -> None:
    category = Ban("ban-2", (Subject(category="doh"),), ("staff",), "enforce")

    def counted(*bans: Ban) -> set[str]:
        return {label.vendor for label in plan(*bans).counters.values() if label.layer == "ip" and label.group}

    assert counted(category) == {"doh"}
    assert counted(BAN, category) == {"bytedance", "doh"}
