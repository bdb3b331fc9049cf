"""The series of a policy of many groups and vendors stay within the budget, zeros included."""

from monitor.attribution.counters import OTHER
from monitor.attribution.matches import DNS, EVIDENCE
from monitor.core.books.ban_counters import BanCounters
from monitor.core.books.ban_series import RESERVED
from monitor.core.books.ledger import Ledger
from monitor.metrics.collector import Collector
from monitor.model import Samples
from monitor.policy.ban import ENFORCE, IP, SHADOW, SNI, Ban, Subject

LIMIT = 10_000
GROUPS = tuple(f"class-{number:03}" for number in range(300))
SUBJECTS = tuple(Subject(f"vendor-{number:02}") for number in range(20))
BANS = [Ban("b", SUBJECTS, GROUPS, mode) for mode in (ENFORCE, SHADOW)]


def put(proof: BanCounters) -> Samples:
    samples: Samples = {}
    proof.put(samples, 1.0)
    return samples


def test_zeros_take_half_of_the_budget_of_each_family_in_the_order_of_the_bans() -> None:
    proof = BanCounters(100, LIMIT)
    proof.expect(BANS)
    proof.expect(BANS)
    samples = put(proof)
    assert {name: len(values) for name, values in samples.items() if len(values) * 2 > LIMIT} == {}
    assert len(samples["leaked_bytes_total"]) * 2 > LIMIT - 4 * len(EVIDENCE)
    assert ("vendor-00", "", "class-299", "up", DNS) in samples["leaked_bytes_total"]
    assert ("vendor-19", "", "class-299", "up", DNS) not in samples["leaked_bytes_total"]
    assert proof.folded == 0


def test_what_counts_gets_a_series_of_its_own_until_the_budget_is_spent_and_nothing_is_lost() -> None:
    proof = BanCounters(100, LIMIT)
    proof.expect(BANS)
    for number, subject in enumerate(SUBJECTS[::-1]):
        for group in GROUPS:
            for layer in (SNI, IP):
                proof.block((subject.vendor, ""), group, layer, number, 1.0)
    samples = put(proof)
    blocked = samples["blocked_total"]
    assert len(blocked) <= LIMIT
    assert sum(blocked.values()) == len(SUBJECTS) * len(GROUPS) * 2
    assert blocked["vendor-19", "class-000", SNI] == 1.0
    assert blocked[OTHER, OTHER, SNI] > 0
    assert proof.folded == blocked[OTHER, OTHER, SNI] + blocked[OTHER, OTHER, IP]
    for subject in SUBJECTS:
        for group in GROUPS:
            for evidence in EVIDENCE:
                proof.leak_of((subject.vendor, ""), group, evidence).up += 1
    leaked = put(proof)["leaked_bytes_total"]
    assert len(leaked) <= LIMIT
    assert sum(leaked.values()) == len(SUBJECTS) * len(GROUPS) * len(EVIDENCE)


def test_a_larger_budget_makes_room_and_a_series_stays_where_it_is() -> None:
    proof = BanCounters(100, RESERVED + 1)
    proof.block(("acme", ""), "a", SNI, 1, 1.0)
    proof.block(("acme", ""), "b", SNI, 2, 1.0)
    assert put(proof)["blocked_total"] == {("acme", "a", SNI): 1.0, (OTHER, OTHER, SNI): 1.0}
    proof.resize(100, LIMIT)
    proof.block(("acme", ""), "b", SNI, 2, 1.0)
    assert put(proof)["blocked_total"] == {
        ("acme", "a", SNI): 1.0, (OTHER, OTHER, SNI): 1.0, ("acme", "b", SNI): 1.0
    }  # fmt: skip


def test_small_counters_of_very_many_groups_are_folded_too() -> None:
    ledger = Ledger(100, 200)
    ledger.expect([f"g{number}" for number in range(1_000)])
    for number in range(1_000):
        ledger.bypass(f"g{number}", "doh")
    assert len(ledger.bypasses) + len(ledger.blind) <= 200 + 1
    assert sum(cell.value for cell in ledger.bypasses.values()) == 1_000
    assert ledger.small.folded > 0


def test_no_family_of_the_page_has_more_series_than_the_limit() -> None:
    info = {(f"v{number}", "", "g", "enforce"): 1.0 for number in range(500)}
    collector = Collector([lambda: {"ban_info": info}], [], process=False, limit=lambda: 100)
    shown = collector.numbers()["ban_info"]
    assert len(shown) == 100
    assert sum(shown.values()) == 500
    assert collector.text().count("gatewatch_ban_info{") == 100
