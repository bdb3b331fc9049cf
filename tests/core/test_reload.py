"""New groups, lists and limits under a running gateway: no flow and no count is lost."""

from cast import PHONE, PHONE_MAC, SHARED, START, TIKTOK, exchange, gateway, ledger, packet, resolves, small_index

from monitor.core.settings import PSEUDONYM, Settings
from monitor.limits import Limits
from monitor.model import Observation
from monitor.policy.groups import Group

PHONE_NAME = PHONE_MAC.hex(":")


def more(at: float, ports: tuple[int, int] = (40000, 443), address: str = SHARED) -> list[Observation]:
    return [packet(PHONE, address, ports, at=at, length=1000)]


def test_a_live_flow_moves_to_its_new_vendor_and_keeps_what_it_counted() -> None:
    watched = gateway()
    watched.feed(exchange(PHONE, SHARED, "shop.example")[:4], START + 1)
    watched.reload(Settings(), small_index({"shop.example": "shein"}), START + 2)
    watched.feed(more(3.0), START + 3)
    assert watched.table_sizes()["flows"] == 1
    assert ledger(watched) == {
        (PHONE_NAME, "unknown", "none"): (560, 60, 1),
        (PHONE_NAME, "shein", "sni"): (1000, 0, 0),
    }


def test_a_flow_that_an_answer_named_is_still_named_by_it() -> None:
    watched = gateway()
    watched.feed(resolves(PHONE, "shop.example", SHARED) + exchange(PHONE, SHARED, "", 1.0)[:4], START + 9)
    watched.reload(Settings(), small_index({"shop.example": "shein"}), START + 10)
    watched.feed(more(11.0), START + 11)
    assert ledger(watched)[PHONE_NAME, "shein", "dns"] == (1000, 0, 0)


def test_prefixes_of_a_new_list_speak_for_live_flows() -> None:
    watched = gateway(Settings(lookup=lambda address: (64500, "DE")))
    watched.feed(exchange(PHONE, TIKTOK, "")[:4], START + 9)
    watched.reload(Settings(lookup=lambda address: (15169, "US")), small_index(), START + 10)
    watched.feed(more(11.0, address=TIKTOK), START + 11)
    assert ledger(watched)[PHONE_NAME, "google", "asn"] == (1000, 0, 0)


def test_a_device_moves_to_its_new_group() -> None:
    watched = gateway()
    watched.feed(exchange(PHONE, TIKTOK, "www.tiktok.com")[:4], START + 1)
    watched.reload(Settings(groups=(Group("gov", (PHONE,)),)), small_index(), START + 2)
    watched.feed(more(3.0, address=TIKTOK), START + 3)
    assert {row.group: row.bytes_up for row in watched.rows()} == {"none": 560, "gov": 1000}


def test_counters_only_grow_and_waiting_effects_stay() -> None:
    watched = gateway(Settings(events=frozenset({"flow"})))
    watched.feed(exchange(PHONE, TIKTOK, "www.tiktok.com"), START + 1)
    before = watched.snapshot()["flow_bytes_total"]
    watched.reload(Settings(device=PSEUDONYM, pseudonym_key=b"x", limits=Limits(flows=10)), small_index(), START + 2)
    after = watched.snapshot()["flow_bytes_total"]
    assert after == before
    assert PHONE_NAME not in {row.device for row in watched.rows()}


def test_new_event_types_are_made_from_then_on() -> None:
    watched = gateway()
    assert watched.feed(resolves(PHONE, "x.example", TIKTOK), START) == []
    watched.reload(Settings(events=frozenset({"dns"})), small_index(), START + 1)
    assert len(watched.feed(resolves(PHONE, "y.example", TIKTOK, 2.0), START + 2)) == 2


def test_a_smaller_limit_of_addresses_holds_after_the_reload() -> None:
    watched = gateway()
    addresses = [f"203.0.113.{number}" for number in range(200)]
    watched.feed([packet(PHONE, address, (40000, 443)) for address in addresses[:100]], START + 1)
    assert watched.table_sizes()["addresses"] > 100
    watched.reload(Settings(limits=Limits(addresses=20)), small_index(), START + 2)
    watched.feed([packet(PHONE, address, (40000, 443), at=3.0) for address in addresses[100:]], START + 3)
    assert watched.table_sizes()["addresses"] <= 20
