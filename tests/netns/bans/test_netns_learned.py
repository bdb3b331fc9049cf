"""Addresses that bans learn from trusted answers: banned without a name, free where others are there too, and never
moved by what a client can forge.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from banned import LONG, REFUSED, RESET, configuration

from monitor.lab.child import Child, python_module
from monitor.lab.client import Client, Transfer
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import Lan, Plan
from monitor.lab.zone import NAMELESS_V4, NAMELESS_V6

pytestmark = pytest.mark.netns

NAT64 = "64:ff9b::/96"
# A question that a slow machine did not answer is asked again after ten seconds.
SECONDS = 30.0

# Somewhere in the internet, in nobody's list: what is at each of these places, and its numbers.
PLACES = {
    "far.tiktok.com": 10,
    "alias.tiktok.com": 11,
    "cut.tiktok.com": 12,
    "told.tiktok.com": 13,
    "both.tiktok.com": 20,
    "shared.example.com": 20,
    "later.tiktok.com": 21,
    "neighbour.example.com": 21,
    "silent.tiktok.com": 22,
    "third.tiktok.com": 23,
    "somebody.example.com": 40,
}
# Where no answer may ever lead: the gateway's, resolvers', nobody's, a content network's, another vendor's.
NOWHERE = {
    "192.168.77.1": "special", "203.0.113.53": "special", "127.0.0.1": "special", "23.192.228.80": "shared",
    "142.250.74.78": "foreign", "62.4.10.77": "local",
}  # fmt: skip


def v4(name: str) -> str:
    return f"62.4.10.{PLACES[name]}"


def v6(name: str) -> str:
    return f"2a01:cb00:10::{PLACES[name]}"


def at(name: str, ipv6: bool) -> str:
    return v6(name) if ipv6 else v4(name)


def records(name: str, ipv4: str, ipv6: str) -> str:
    return f"{name}. IN A {ipv4}\n{name}. IN AAAA {ipv6}\n"


ZONE = "".join(records(name, v4(name), v6(name)) for name in PLACES if name != "alias.tiktok.com")
ZONE += "alias.tiktok.com. IN CNAME edge.hosting.example.\n"
ZONE += records("edge.hosting.example", v4("alias.tiktok.com"), v6("alias.tiktok.com"))
ZONE += "mine.example.net. IN CNAME own.example.net.\n" + records("own.example.net", NAMELESS_V4, NAMELESS_V6)
MANY = {f"62.4.11.{last}" for last in range(40)}
ZONE += "".join(f"many.tiktok.com. IN A {address}\n" for address in sorted(MANY))
ZONE += "".join(f"nowhere.tiktok.com. IN A {address}\n" for address in NOWHERE)

# What a resolver of one's own says.
FORGED = "".join(
    records(name, v4(victim), v6(victim))
    for name, victim in (("told.tiktok.com", "somebody.example.com"), ("forged.example.com", "far.tiktok.com"))
)

families = pytest.mark.parametrize("ipv6", [False, True], ids=["IPv4", "IPv6"])


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    guests = Lan("br-guest", ("192.168.78.0/24", "fd77:6761:7465:2::/64"), ("rogue",))
    with Lab(Plan(lans=(Lan(), guests), zone=ZONE, server_delay_s=0.02)) as running:
        yield running


@pytest.fixture(scope="module")
def rogue(lab: Lab) -> Iterator[Client]:
    """A resolver of one's own, where a client may have one."""
    zone = lab.folder / "forged"
    zone.write_text(FORGED)
    client = lab.client("rogue")
    command = python_module("monitor.lab.programs.resolver", "--zone", str(zone))
    server = Child(client.namespace, command, lab.folder / "rogue.log", piped=True)
    server.wait_ready()
    yield client
    server.stop()


@pytest.fixture(scope="module")
def daemon(lab: Lab) -> Iterator[LabDaemon]:
    text = configuration(lab, more='[sinkhole]\nexempt = ["62.4.10.77"]').replace(
        "[capture]\n", f'[capture]\nnat64 = ["{NAT64}"]\n'
    )
    running = lab.daemon(text)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The one daemon of this module lives as long as its tests."""


def learned(daemon: LabDaemon) -> dict[str, str]:
    """The learned addresses in the kernel, each with its comment."""
    found: dict[str, str] = {}
    for name in ("learned4", "learned6"):
        listed = daemon.gateway.run(["nft", "-j", "list", "set", "inet", "gatewatch", name])
        for item in json.loads(listed.stdout or '{"nftables": []}')["nftables"]:
            for element in item.get("set", {}).get("elem", []):
                found[element["elem"]["val"]] = element["elem"]["comment"]
    return found


def wait_learned(daemon: LabDaemon, name: str, wants: Callable[[], bool]) -> None:
    """A device wants the name, again and again, until its addresses are learned."""
    both = {v4(name), v6(name)}
    daemon.wait_for(f"learned the addresses of {name}", lambda: wants() and learned(daemon).keys() >= both, SECONDS)


def wait_free(daemon: LabDaemon, name: str, wants: Callable[[], bool] = lambda: True) -> None:
    both = {v4(name), v6(name)}
    daemon.wait_for(f"freed the addresses of {name}", lambda: wants() and not both & learned(daemon).keys(), SECONDS)


def nameless(client: Client, address: str) -> Transfer:
    """A connection that says no name."""
    ipv6 = ":" in address
    return client.curl(f"https://{f'[{address}]' if ipv6 else address}/", ipv6=ipv6, seconds=5)


def is_refused(client: Client, address: str) -> bool:
    return nameless(client, address).code == REFUSED


def ban_names(lab: Lab, daemon: LabDaemon, *names: str) -> None:
    """The phone asks for names and is told that there are none; the daemon asks for itself."""
    for name in names:
        wait_learned(daemon, name, lambda name=name: lab.client("phone").dig(name).status == "NXDOMAIN")


def test_a_banned_name_elsewhere_takes_its_address_along(daemon: LabDaemon, lab: Lab) -> None:
    phone, laptop, name = lab.client("phone"), lab.client("laptop"), "far.tiktok.com"
    assert nameless(phone, v4(name)).good
    ban_names(lab, daemon, name)
    for ipv6 in (False, True):
        refused = nameless(phone, at(name, ipv6))
        assert refused.code == REFUSED
        assert nameless(laptop, at(name, ipv6)).good
    assert learned(daemon)[v4(name)] == name
    listing = daemon.gateway.run(["nft", "list", "table", "inet", "gatewatch"]).stdout
    assert f'comment "{name}"' in listing
    daemon.wait_for("counted two", lambda: daemon.metric("blocked_total", vendor="bytedance", layer="ip") >= 2)
    assert daemon.metric("table_entries", table="learned") >= 2
    assert daemon.metric("learned_addresses_total", result="learned") >= 2
    assert f"learned for {name}" in daemon.run("why", v4(name)).stdout


def test_what_a_translator_makes_of_it_is_banned_too(daemon: LabDaemon, lab: Lab) -> None:
    name = "far.tiktok.com"
    ban_names(lab, daemon, name)
    translated = f"64:ff9b::3e04:a{PLACES[name]:02x}"
    assert translated in learned(daemon)
    assert is_refused(lab.client("phone"), translated)
    assert nameless(lab.client("laptop"), translated).good


def test_an_answer_that_is_too_long_for_a_datagram_is_learned_whole(daemon: LabDaemon, lab: Lab) -> None:
    def is_learned() -> bool:
        assert lab.client("phone").dig("many.tiktok.com").status == "NXDOMAIN"
        return learned(daemon).keys() >= MANY

    daemon.wait_for("learned all", is_learned, SECONDS)


def test_an_address_behind_an_alias_is_learned_for_the_name(daemon: LabDaemon, lab: Lab) -> None:
    ban_names(lab, daemon, "alias.tiktok.com")
    assert learned(daemon)[v4("alias.tiktok.com")] == "alias.tiktok.com"
    assert is_refused(lab.client("phone"), v4("alias.tiktok.com"))


def test_a_name_that_was_only_said_in_a_hello_is_asked_for(daemon: LabDaemon, lab: Lab) -> None:
    """And the address that it was said to is nobody's but its owner's."""
    phone, name, victim = lab.client("phone"), "cut.tiktok.com", "somebody.example.com"
    for ipv6 in (False, True):
        hello = partial(phone.curl, f"https://{name}{LONG}", address=at(victim, ipv6), ipv6=ipv6)
        wait_learned(daemon, name, lambda hello=hello: hello().code in RESET)
    for ipv6 in (False, True):
        assert is_refused(phone, at(name, ipv6))
        assert phone.curl(f"https://{victim}/", ipv6=ipv6).good
        assert nameless(phone, at(victim, ipv6)).good
    assert not {v4(victim), v6(victim)} & learned(daemon).keys()


def test_a_resolver_of_ones_own_gets_nobody_banned(daemon: LabDaemon, lab: Lab, rogue: Client) -> None:
    phone, laptop, name, victim = lab.client("phone"), lab.client("laptop"), "told.tiktok.com", "somebody.example.com"
    for server, kind, told in ((rogue.v4, "A", v4(victim)), (rogue.v6, "AAAA", v6(victim))):
        assert told in "".join(laptop.dig(name, kind, server=server).records)
    wait_learned(daemon, name, lambda: phone.dig(name, server=rogue.v4).status == "NXDOMAIN")
    for ipv6 in (False, True):
        assert f"answered for {name}" in daemon.run("why", at(victim, ipv6), "--device", laptop.mac).stdout
        assert is_refused(phone, at(name, ipv6))
        assert nameless(phone, at(victim, ipv6)).good
    assert not {v4(victim), v6(victim)} & learned(daemon).keys()


def test_a_resolver_of_ones_own_gets_nothing_freed(daemon: LabDaemon, lab: Lab, rogue: Client) -> None:
    """It binds a name outside the ban to an address that was learned: the system's resolver knows nothing of it."""
    phone, laptop, name = lab.client("phone"), lab.client("laptop"), "far.tiktok.com"
    ban_names(lab, daemon, name)
    before = daemon.metric("lookups_total", result="empty")

    def is_asked_for() -> bool:
        for server, kind in ((rogue.v4, "A"), (rogue.v6, "AAAA")):
            assert laptop.dig("forged.example.com", kind, server=server).good
            assert phone.dig("forged.example.com", kind, server=server).good
        return daemon.metric("lookups_total", result="empty") > before

    daemon.wait_for("asked for it", is_asked_for, SECONDS)
    for ipv6 in (False, True):
        assert is_refused(phone, at(name, ipv6))


@families
def test_ones_own_name_frees_no_address_of_the_vendor(daemon: LabDaemon, lab: Lab, ipv6: bool) -> None:
    """Neither by an answer that everybody gets nor by a hello that the server answers."""
    phone, laptop, address = lab.client("phone"), lab.client("laptop"), NAMELESS_V6 if ipv6 else NAMELESS_V4
    assert phone.dig("mine.example.net", "AAAA" if ipv6 else "A").good
    assert laptop.curl("https://mine.example.net/", ipv6=ipv6).good
    assert laptop.curl("https://www.example.org/", address=address, ipv6=ipv6).good
    assert phone.curl("https://mine.example.net/", ipv6=ipv6).code == REFUSED
    assert is_refused(phone, address)


def test_an_address_that_others_have_too_is_never_banned(daemon: LabDaemon, lab: Lab) -> None:
    """The phone knows the other name before the banned one is asked for: not one connection is refused."""
    phone, shared, banned = lab.client("phone"), "shared.example.com", "both.tiktok.com"
    before = {result: daemon.metric("learned_addresses_total", result=result) for result in ("guarded", "learned")}
    for kind in ("A", "AAAA"):
        assert phone.dig(shared, kind).good
    assert phone.dig(banned).status == "NXDOMAIN"
    daemon.wait_for(
        "guarded both",
        lambda: daemon.metric("learned_addresses_total", result="guarded") == before["guarded"] + 2,
        SECONDS,
    )
    assert daemon.metric("learned_addresses_total", result="learned") == before["learned"]
    for ipv6 in (False, True):
        assert phone.curl(f"https://{shared}/", ipv6=ipv6).good
        assert phone.curl(f"https://{banned}{LONG}", address=at(banned, ipv6), ipv6=ipv6).code in RESET
    assert not {v4(banned), v6(banned)} & learned(daemon).keys()
    assert f"{shared} has it too" in daemon.run("why", v4(banned)).stdout


def test_a_claim_that_shows_later_frees_at_once(daemon: LabDaemon, lab: Lab) -> None:
    phone, banned, other = lab.client("phone"), "later.tiktok.com", "neighbour.example.com"
    ban_names(lab, daemon, banned)
    assert is_refused(phone, v4(banned))
    wait_free(daemon, banned, lambda: all(phone.dig(other, kind).good for kind in ("A", "AAAA")))
    for ipv6 in (False, True):
        assert phone.curl(f"https://{other}/", ipv6=ipv6).good
    daemon.wait_for("counted", lambda: daemon.metric("learned_addresses_total", result="freed") >= 2)


def test_an_answered_hello_of_somebody_else_frees_it(daemon: LabDaemon, lab: Lab) -> None:
    """No answer leads there that anybody could see; a device outside the ban's groups says who else is there."""
    phone, laptop, banned = lab.client("phone"), lab.client("laptop"), "silent.tiktok.com"
    ban_names(lab, daemon, banned)
    for ipv6 in (False, True):
        assert is_refused(phone, at(banned, ipv6))
        assert laptop.curl("https://www.example.org/", address=at(banned, ipv6), ipv6=ipv6).good
    wait_free(daemon, banned)
    for ipv6 in (False, True):
        assert phone.curl("https://www.example.org/", address=at(banned, ipv6), ipv6=ipv6).good


def test_what_somebody_takes_out_of_the_table_comes_back(daemon: LabDaemon, lab: Lab) -> None:
    name = "third.tiktok.com"
    ban_names(lab, daemon, name)
    assert daemon.gateway.run(["nft", "delete", "table", "inet", "gatewatch"]).returncode == 0
    daemon.wait_for("put back", lambda: learned(daemon).get(v4(name)) == name, SECONDS)
    assert is_refused(lab.client("phone"), v4(name))


def test_nothing_special_local_shared_or_foreign_is_learned(daemon: LabDaemon, lab: Lab) -> None:
    wanted = {reason: list(NOWHERE.values()).count(reason) for reason in NOWHERE.values()}
    before = {reason: daemon.metric("learned_addresses_total", result=reason) for reason in wanted}

    def is_refused_each() -> bool:
        assert lab.client("phone").dig("nowhere.tiktok.com").status == "NXDOMAIN"
        now = {reason: daemon.metric("learned_addresses_total", result=reason) for reason in wanted}
        return all(now[reason] == before[reason] + count for reason, count in wanted.items())

    daemon.wait_for("refused each", is_refused_each, SECONDS)
    assert not NOWHERE.keys() & learned(daemon).keys()


def test_what_was_learned_goes_with_its_ban(daemon: LabDaemon, lab: Lab) -> None:
    """Another ban goes on, so the table stays."""
    phone, address = lab.client("phone"), v4("third.tiktok.com")
    ban_names(lab, daemon, "third.tiktok.com")
    assert daemon.run("ban", "telegram", "--group", "phones").returncode == 0
    assert is_refused(phone, address)
    assert daemon.run("pause", "--for", "10m").returncode == 0
    assert nameless(phone, address).good
    assert daemon.run("resume").returncode == 0
    assert is_refused(phone, address)
    assert daemon.run("unban", "bytedance").returncode == 0
    assert learned(daemon) == {}
    assert nameless(phone, address).good
    daemon.wait_for("told so", lambda: daemon.metric("table_entries", table="learned") == 0)
