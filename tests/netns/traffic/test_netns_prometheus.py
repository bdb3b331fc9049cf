"""A real Prometheus scrapes the real daemon while clients act and a ban begins: every expression gives data."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from banned import LONG, RESET
from documents import CHECKOUT, commands, make_place
from expressions import DASHBOARDS, OTHERS, asked_by_panels, asked_by_rules, rules
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from scraped import Prometheus
from typed import typed

from monitor.attribution.matches import EVIDENCE
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.metrics.families import BY_NAME, PREFIX

pytestmark = [pytest.mark.netns, pytest.mark.slow]

HERE = "tests/netns/traffic/test_netns_prometheus.py"
STEPS = f"{HERE}::test_the_steps_put_the_files_in_place"
ELSEWHERE = "203.0.113.80"
NAMELESS = "71.18.2.20"
GATEWAY = "192.168.77.1"


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The one daemon of this module lives as long as its tests."""


def type_on_a_machine(lab: Lab, folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Runs commands in the checkout, with folders of their own for /etc and /var/lib."""
    places = [folder / "etc", folder / "var-lib"]
    for place in places:
        place.mkdir()
    binds = f"mount --bind {places[0]} /etc && mount --bind {places[1]} /var/lib"
    command = lab.gateway.command(["sh", "-c", f"{binds} && exec sh -eu"])
    return subprocess.run(command, input=text, cwd=CHECKOUT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def steps(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The machine where the steps of `docs/guides/prometheus.md` were typed."""
    folder = tmp_path_factory.mktemp("machine")
    done = type_on_a_machine(lab, folder, commands(STEPS))
    assert done.returncode == 0, done.stderr + done.stdout
    assert "SUCCESS: 3 rule files found" in done.stdout
    return folder


@pytest.fixture(scope="module")
def daemon(lab: Lab) -> Iterator[LabDaemon]:
    phone, laptop = lab.client("phone").mac, lab.client("laptop").mac
    (lab.folder / "own.txt").write_text("own.example\n")
    running = lab.daemon(
        f"""
[capture]
interfaces = ["br-lan"]
[geo]
asn = "{places(lab, "asn", {"asn": 396986})}"
country = "{places(lab, "country", {"country_code": "SG"})}"
[[group]]
name = "phones"
members = ["{phone}"]
[[group]]
name = "laptops"
members = ["{laptop}"]
[[list]]
name = "own"
url = "file://{lab.folder}/own.txt"
[sinkhole]
answer = "{GATEWAY}"
[selftest]
every = "1s"
[[ban]]
vendors = ["google"]
groups = ["laptops"]
mode = "shadow"
"""
    )
    yield running
    running.stop()


@pytest.fixture(scope="module")
def prometheus(lab: Lab, daemon: LabDaemon, steps: Path) -> Iterator[Prometheus]:
    """It has watched a ban begin: what was in use before, what was stopped, what goes on."""
    running = Prometheus(lab, steps / "etc" / "prometheus" / "prometheus.yml", steps / "prometheus")
    try:
        running.wait_for("scrape", lambda: running.value('up{job="gatewatch"}') == 1)
        before_the_ban(lab)
        seen = 'gatewatch_flow_bytes_total{vendor="bytedance"}'
        running.wait_for("see traffic", lambda: running.value(seen) > 200_000)
        banned = daemon.run("ban", "bytedance", "--group", "phones", "--reason", "Policy 7")
        assert banned.returncode == 0, banned.stderr
        running.wait_for("see the ban", lambda: running.value('gatewatch_ban_info{mode="enforce"}') == 1)
        under_the_ban(lab)
        for layer in ("dns", "sni", "ip"):
            stopped = f'increase(gatewatch_blocked_total{{layer="{layer}"}}[1m]) > 0'
            running.wait_for(f"see layer {layer} bite", lambda asked=stopped: running.value(asked) > 0)
        running.wait_for("see a self-test", lambda: running.value("min(gatewatch_selftest_success)") == 1)
        yield running
    finally:
        running.stop()


def places(lab: Lab, kind: str, record: dict[str, object]) -> Path:
    """A file that tells where the vendor's addresses are."""
    writer = MMDBWriter(ip_version=6, database_type=kind, ipv4_compatible=True)
    writer.insert_network(IPSet(["71.18.0.0/16"]), record)
    writer.to_db_file(str(lab.folder / f"{kind}.mmdb"))
    return lab.folder / f"{kind}.mmdb"


def before_the_ban(lab: Lab) -> None:
    phone, laptop = lab.client("phone"), lab.client("laptop")
    assert phone.curl("https://www.tiktok.com/bytes/200000").good
    assert laptop.curl("https://www.youtube.com/", upload=50_000).good
    assert laptop.curl("http://www.example.org/bytes/9000").good
    # A resolver over HTTPS by an address that lists know; whether the lab's server can answer for it does not matter.
    laptop.curl("https://8.8.8.8/dns-query", seconds=2)
    laptop.flood("quic", 20, ELSEWHERE)


def under_the_ban(lab: Lab) -> None:
    phone = lab.client("phone")
    assert phone.dig("www.tiktok.com").records[-1].endswith(f" {GATEWAY}")
    assert phone.dig("www.example.org").good
    assert phone.curl(f"https://www.tiktok.com{LONG}", address=ELSEWHERE).code in RESET
    assert not phone.curl(f"https://{NAMELESS}/", seconds=2).good


def substituted(expression: str) -> str:
    """As Grafana would ask it, with everything chosen."""
    expression = re.sub(r"\$(instance|vendor|group)\b", ".*", expression)
    expression = expression.replace("$__rate_interval", "10s").replace("$__range", "2m")
    assert "$" not in expression, expression
    return expression


def test_every_expression_of_every_panel_gives_data(prometheus: Prometheus) -> None:
    asked = asked_by_panels()
    answers = prometheus.answers_with_data([(substituted(one.expression), one.instant) for one in asked])
    for one in asked:
        answer = answers[substituted(one.expression), one.instant]
        grouped = re.match(r"(?:topk\(\d+, )?sum by \(([^)]*)\)", one.expression)
        labels = set(grouped[1].split(", ")) if grouped else set()
        labels.discard("service")  # empty for a ban of a whole vendor, and Prometheus keeps no empty label
        assert all(labels <= series["metric"].keys() for series in answer), f"{one.where}: {one.expression}"


def test_every_expression_of_every_rule_runs(prometheus: Prometheus) -> None:
    """What is recorded has data, and no alert says that something is wrong."""
    prometheus.answers([(one.expression, True) for one in asked_by_rules()])
    for rule in rules():
        if "record" in rule:
            counted = f"count({rule['record']})"
            prometheus.wait_for(f"record {rule['record']}", lambda asked=counted: prometheus.value(asked) > 0)
    groups = prometheus.get("/api/v1/rules")["groups"]
    found = {rule["name"]: rule for group in groups for rule in group["rules"]}
    assert found.keys() == {one.where for one in asked_by_rules()}
    assert {name: rule["lastError"] for name, rule in found.items() if rule["health"] == "err"} == {}
    assert {name for name, rule in found.items() if rule.get("state") == "firing"} == set()


def test_every_choice_has_something_to_choose(prometheus: Prometheus) -> None:
    for path in DASHBOARDS:
        for variable in json.loads(path.read_text())["templating"]["list"]:
            if variable["type"] == "query":
                query = substituted(variable["query"]["query"])
                metric, label = query.removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
                values = f"/api/v1/label/{label}/values"
                prometheus.wait_for(
                    f"have a choice for {path.stem}: {query}",
                    lambda path=values, metric=metric: bool(prometheus.get(path, **{"match[]": metric})),
                )


def test_no_metric_is_undocumented(prometheus: Prometheus, daemon: LabDaemon) -> None:
    """What the daemon tells is in the table of families, with its type and its help, and named as is usual."""
    lint = subprocess.run(
        ["promtool", "check", "metrics"], input=daemon.page("/metrics"), capture_output=True, text=True, check=False
    )
    assert (lint.returncode, lint.stdout + lint.stderr) == (0, "")
    told = prometheus.get("/api/v1/targets/metadata", match_target='{job="gatewatch"}')
    ours = {one["metric"]: one for one in told if one["metric"].startswith(PREFIX)}
    assert ours
    for name, one in ours.items():
        family = BY_NAME[name.removeprefix(PREFIX)]
        assert (one["type"], one["help"]) == (family.type, family.help)
    others = {one["metric"] for one in told} - ours.keys()
    assert {name for name in OTHERS if name.startswith("process_")} <= others
    assert all(name.startswith(("process_", "python_")) for name in others)


def test_the_figures_are_those_of_the_traffic(prometheus: Prometheus) -> None:
    """What the tables of the dashboards would show: whole totals, though each series was new."""
    ((total,),) = prometheus.answers([(substituted(vendor_total("down", "bytedance")), True)])
    true = prometheus.value('sum(gatewatch_flow_bytes_total{vendor="bytedance",direction="down"})')
    assert 200_000 < true < 260_000
    # `increase` goes on to the ends of its range, the further the fewer scrapes there were; nothing counts twice.
    assert 200_000 < float(total["value"][1]) < 1.6 * true
    assert prometheus.value('gatewatch_ban_devices{vendor="bytedance",group="phones"}') == 1
    assert prometheus.value('gatewatch_destination_bytes_total{asn="AS396986",country="SG"}') > 200_000
    assert prometheus.value("gatewatch_leaked_bytes_total") == 0
    leaks = prometheus.value('count(gatewatch_leaked_bytes_total{vendor="bytedance",group="phones"})')
    assert leaks == 2 * len(EVIDENCE)


def vendor_total(direction: str, vendor: str) -> str:
    """The download column of the overview's first table, of one vendor."""
    (column,) = [one for one in asked_by_panels() if one.where == "overview: Vendors B"]
    assert f'direction="{direction}"' in column.expression
    return column.expression.replace('vendor=~"$vendor"', f'vendor="{vendor}"')


def test_the_steps_put_the_files_in_place(steps: Path) -> None:
    text = commands("tests/netns/traffic/test_netns_prometheus.py::test_the_steps_put_the_files_in_place")
    assert "promtool check config" in text
    provisioning = steps / "etc" / "grafana" / "provisioning"
    assert (provisioning / "datasources" / "gatewatch.yml").is_file()
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "gatewatch.yml").read_text())["providers"]
    where = steps / "var-lib" / Path(provider["options"]["path"]).relative_to("/var/lib")
    assert {path.name for path in where.glob("*.json")} == {path.name for path in DASHBOARDS}


def test_the_steps_about_alerts(lab: Lab, tmp_path: Path) -> None:
    text = commands("tests/netns/traffic/test_netns_prometheus.py::test_the_steps_about_alerts")
    done = type_on_a_machine(lab, tmp_path, commands(STEPS) + text)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "mail-and-slack" in done.stdout
    configuration = yaml.safe_load((tmp_path / "etc" / "prometheus" / "prometheus.yml").read_text())
    (manager,) = configuration["alerting"]["alertmanagers"]
    assert manager["static_configs"] == [{"targets": ["127.0.0.1:9093"]}]


def test_the_commands_about_countries(daemon: LabDaemon, lab: Lab, tmp_path: Path) -> None:
    text = commands("tests/netns/traffic/test_netns_prometheus.py::test_the_commands_about_countries")
    done = typed(lab, daemon, text, tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert 'asn="AS396986",country="SG"' in done.stdout
    assert "bytedance" in done.stdout


def test_the_runbooks_first_looks(daemon: LabDaemon, lab: Lab, tmp_path: Path) -> None:
    text = commands("tests/netns/traffic/test_netns_prometheus.py::test_the_runbooks_first_looks")
    environment = {**make_place(tmp_path), "RUNTIME_DIRECTORY": str(daemon.folder)}
    command = lab.gateway.command(["sh", "-eu"])
    done = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "enforcement: ok" in done.stdout
