"""The figures of a ban are its own, not those of the vendor."""

from dataclasses import replace

from monitor.daemon.ban_figures import BanFigures
from monitor.model import Samples
from monitor.policy.ban import Ban, Subject

BAN = Ban("a", (Subject("bytedance"),), ("students",), mode="enforce")
OTHER = Ban("b", (Subject("meta"),), mode="enforce")


def numbers(dns: float, packets: float = 0.0, leaked: float = 0.0) -> Samples:
    return {
        "dns_blocked_queries_total": {
            ("bytedance", "", "students"): dns,
            ("bytedance", "tiktok", "students"): 2_000.0,
            ("bytedance", "", "all"): 1_000.0,
        },
        "killed_flows_total": {("meta", "", "all"): 5.0},
        "refused_packets_total": {("bytedance", "", "students"): packets},
        "shadow_blocked_total": {
            ("bytedance", "", "students", "dns"): 7.0,
            ("bytedance", "tiktok", "students", "dns"): 9.0,
        },
        "leaked_bytes_total": {
            ("bytedance", "", "students", "up", "sni"): leaked,
            ("bytedance", "", "students", "down", "dns"): leaked,
            ("bytedance", "tiktok", "students", "down", "dns"): 3_000.0,
        },
    }


def test_a_ban_counts_from_when_it_began() -> None:
    figures = BanFigures()
    figures.begin([BAN], numbers(143, 7, 50), 100.0)
    assert figures.of(BAN, numbers(143, 7, 50)).blocked == {"dns": 0, "ip": 0, "sni": 0}
    later = figures.of(BAN, numbers(145, 8, 60))
    assert (later.since, later.blocked, later.leaked) == (100.0, {"dns": 2, "ip": 1, "sni": 0}, 20.0)


def test_a_ban_that_stays_goes_on_counting_and_one_that_comes_back_begins_again() -> None:
    figures = BanFigures()
    figures.begin([BAN], numbers(10), 100.0)
    figures.begin([replace(BAN, id="a.2", reason="another", until=900.0), OTHER], numbers(20), 200.0)
    assert (figures.of(BAN, numbers(25)).since, figures.of(BAN, numbers(25)).blocked["dns"]) == (100.0, 15)
    assert figures.of(OTHER, numbers(25)).blocked["sni"] == 0
    figures.begin([OTHER], numbers(30), 300.0)
    figures.begin([OTHER, BAN], numbers(40), 400.0)
    assert (figures.of(BAN, numbers(41)).since, figures.of(BAN, numbers(41)).blocked["dns"]) == (400.0, 1)


def test_another_mode_or_other_layers_begin_again_and_count_their_own() -> None:
    figures = BanFigures()
    figures.begin([BAN], numbers(10), 100.0)
    shadow = replace(BAN, mode="shadow", layers=frozenset({"dns"}))
    assert figures.is_new([shadow])
    figures.begin([shadow], {}, 200.0)
    assert not figures.is_new([shadow])
    assert (figures.of(shadow, numbers(50)).since, figures.of(shadow, numbers(50)).blocked) == (200.0, {"dns": 7.0})


def test_a_ban_of_a_service_has_the_figures_of_its_service() -> None:
    figures = BanFigures()
    tiktok = replace(BAN, subjects=(Subject("bytedance", "tiktok"),))
    figures.begin([tiktok], {}, 100.0)
    assert figures.of(tiktok, numbers(143, 7, 50)).blocked == {"dns": 2_000, "ip": 0, "sni": 0}
    assert figures.of(tiktok, numbers(143, 7, 50)).leaked == 3_000
    shadow = replace(tiktok, mode="shadow")
    figures.begin([shadow], {}, 100.0)
    assert figures.of(shadow, numbers(143, 7, 50)).blocked == {"dns": 9, "ip": 0, "sni": 0}
