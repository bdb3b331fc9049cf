"""The dns layer of the real daemon: every question for a banned name is answered as the ban says, whoever is asked.

The gateway has two prefixes a family, hides its clients, answers questions itself, and has a firewall of its
administrator's that takes nothing from the phone: a banned name is not answered by way of the input hook. What is not
banned goes that way, so there the firewall decides as it does without gatewatch.
"""

from collections.abc import Iterator

import pytest
from banned import configuration

from monitor.lab.client import Answer
from monitor.lab.dig import Question
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab
from monitor.lab.plan import RESOLVER_V4, RESOLVER_V6, Lan, Plan

pytestmark = pytest.mark.netns

PREFIXES = ("192.168.77.0/24", "10.77.0.0/24", "fd77::/64", "fd78::/64")
OWN = ("192.168.77.1", "10.77.0.1", "fd77::1", "fd78::1", "fe80::1%eth0")
FOREIGN = (RESOLVER_V4, RESOLVER_V6, "8.8.8.8", "2001:4860:4860::8888")
FIREWALL = """table inet admin {{
 chain input {{
 type filter hook input priority filter; policy drop;
 iifname "lo" accept
 ct state established,related accept
 meta l4proto 58 accept
 ether saddr {laptop} accept
 }}
}}
"""
PERMISSION = "ether saddr {phone} th dport 53 accept"
BANNED, BESIDE = "www.tiktok.com", "nottiktok.com"
TYPES = ("A", "AAAA", "HTTPS", "TXT", "ANY", "TYPE65280")
# Every type that was ever assigned but the transfers, and some that were not (RFC 6895 section 3.1).
EVERY_TYPE = tuple(f"TYPE{number}" for number in (*range(1, 70), *range(99, 111), *range(253, 263), 32768, 65535))
FIXED = 33_333
MOST_ASKED_AGAIN = 3  # of 360
FORMS = ("nxdomain", "nodata", "null", "refused", "192.0.2.7")

transports = pytest.mark.parametrize("tcp", [False, True], ids=["UDP", "TCP"])


def expected(form: str, kind: str) -> tuple[str, frozenset[str]]:
    """The status of an answer of that form, and what its records hold."""
    if form in ("nxdomain", "refused"):
        return form.upper(), frozenset()
    addresses = {"nodata": (), "null": ("0.0.0.0", "::")}.get(form, (form,))
    given = {address for address in addresses if kind in ("ANY", "AAAA" if ":" in address else "A")}
    return "NOERROR", frozenset(given)


def said(answer: Answer) -> tuple[str, frozenset[str]]:
    return answer.status, frozenset(record.split()[-1] for record in answer.records)


def questions(name: str, types: tuple[str, ...], servers: tuple[str, ...] = (*OWN, *FOREIGN)) -> list[Question]:
    return [(server, name, kind) for server in servers for kind in types]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(Plan(lans=(Lan(prefixes=PREFIXES),), masquerade=True, resolver="gateway")) as running:
        firewall = FIREWALL.format(laptop=running.client("laptop").mac)
        running.gateway.run(["nft", "-f", "-"], input=firewall).check_returncode()
        # A port is free again as soon as its connection is closed.
        running.client("phone").namespace.sysctl({"ipv4/tcp_max_tw_buckets": 0})
        yield running


@pytest.fixture
def permitted(lab: Lab) -> Iterator[None]:
    """The firewall takes the phone's questions, which it knows by their MAC address."""
    rule = PERMISSION.format(phone=lab.client("phone").mac).split()
    lab.gateway.run(["nft", "add", "rule", "inet", "admin", "input", *rule]).check_returncode()
    yield
    firewall = FIREWALL.format(laptop=lab.client("laptop").mac)
    lab.gateway.run(["nft", "-f", "-"], input=f"delete table inet admin\n{firewall}").check_returncode()


@pytest.fixture(scope="module")
def before(lab: Lab) -> dict[Question, tuple[str, frozenset[str]]]:
    """What the laptop is told while nobody is banned."""
    asked = questions(BANNED, TYPES) + questions(BESIDE, TYPES)
    return {question: said(answer) for question, answer in lab.client("laptop").dig_all(asked).items()}


@pytest.fixture(scope="module")
def banning(lab: Lab, before: dict[Question, tuple[str, frozenset[str]]]) -> Iterator[LabDaemon]:
    phone = lab.client("phone")
    # What this port is used for now must not decide where its questions go later.
    for tcp in (False, True):
        assert phone.dig(BANNED, server="8.8.8.8", port=FIXED, tcp=tcp).good
    daemon = lab.daemon(configuration(lab))
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module")
def asked_again() -> list[Question]:
    """The queries that were sent a second time."""
    return []


@pytest.fixture(autouse=True)
def stop_daemons() -> None:
    """The one daemon of this module lives as long as its tests."""


@pytest.fixture(scope="module", params=FORMS)
def form(request: pytest.FixtureRequest, banning: LabDaemon, lab: Lab) -> str:
    """One of the forms of an answer, in force since a reload."""
    chosen = str(request.param)
    banning.configure(configuration(lab, more=f'[sinkhole]\nanswer = "{chosen}"'))
    banning.reload()
    phone, kind = lab.client("phone"), "AAAA" if ":" in chosen else "A"
    wanted = expected(chosen, kind)
    banning.wait_for(f"answered with {chosen}", lambda: said(phone.dig(BANNED, kind, server="8.8.8.8")) == wanted)
    return chosen


@transports
def test_a_banned_name_is_answered_in_the_form_whoever_is_asked(form: str, lab: Lab, tcp: bool) -> None:
    answers = lab.client("phone").dig_all(questions(BANNED, TYPES), tcp=tcp)
    wrong = {question: said(got) for question, got in answers.items() if said(got) != expected(form, question[2])}
    assert wrong == {}


@transports
def test_from_one_port_too(form: str, lab: Lab, tcp: bool) -> None:
    """Over TCP a port may be used again towards another server only."""
    servers = (*OWN[:4], *FOREIGN)
    answers = lab.client("phone").dig_all(questions(BANNED, ("A",), servers), tcp=tcp, port=FIXED)
    wrong = {question: said(got) for question, got in answers.items() if said(got) != expected(form, "A")}
    assert wrong == {}


@transports
def test_the_name_beside_it_resolves_for_the_phone_and_everything_for_the_laptop(
    form: str, permitted: None, lab: Lab, before: dict[Question, tuple[str, frozenset[str]]],
    asked_again: list[Question], tcp: bool,
) -> None:  # fmt: skip
    """A query without an answer is sent once more, as each stub resolver does: machines stand still for seconds."""
    assert ("NOERROR", frozenset({"71.18.1.10"})) in before.values()
    wrong = {}
    for client, name in (("phone", BESIDE), ("laptop", BANNED)):
        told = lab.client(client).dig_all(questions(name, TYPES[:2]), tcp=tcp)
        missing = [question for question, got in told.items() if not got.good]
        asked_again.extend(missing)
        if missing:
            told |= lab.client(client).dig_all(missing, tcp=tcp)
        wrong |= {question: said(got) for question, got in told.items() if said(got) != before[question]}
    assert wrong == {}


def test_no_type_is_answered_otherwise(banning: LabDaemon, lab: Lab) -> None:
    banning.configure(configuration(lab))
    banning.reload()
    phone = lab.client("phone")
    banning.wait_for("answered with nxdomain", lambda: phone.dig(BANNED, server="8.8.8.8").status == "NXDOMAIN")
    answers = phone.dig_all(questions(BANNED, EVERY_TYPE, ("8.8.8.8",)))
    assert {question: got.status for question, got in answers.items() if got.status != "NXDOMAIN"} == {}
    for tcp in (False, True):
        assert "Transfer failed" in phone.dig("tiktok.com", "AXFR", server="8.8.8.8", tcp=tcp).text


@transports
def test_one_port_is_free_again_whenever_the_ban_sleeps(banning: LabDaemon, lab: Lab, tcp: bool) -> None:
    phone = lab.client("phone")
    for server in ("8.8.8.8", "2001:4860:4860::8888"):
        for verb, wanted in (("pause", "NOERROR"), ("resume", "NXDOMAIN")):
            assert banning.run(verb).returncode == 0
            assert phone.dig(BANNED, server=server, port=FIXED + 1, tcp=tcp).status == wanted


def test_the_gateway_answered_all_of_it(banning: LabDaemon, asked_again: list[Question]) -> None:
    assert banning.metric("blocked_total", vendor="bytedance", group="phones", layer="dns") > 500
    assert banning.metric("blocked_total") == banning.metric("blocked_total", group="phones")
    errors = [row for row in banning.metrics()["gatewatch_sinkhole_upstream_errors_total"] if row[1]]
    assert sum(count for _, count in errors) <= len(asked_again) <= MOST_ASKED_AGAIN, errors
    assert banning.metric("leaked_bytes_total") == 0
    assert banning.page("/healthz").startswith("ok\n")


def test_a_firewall_that_refuses_the_phones_questions_still_does(banning: LabDaemon, lab: Lab) -> None:
    """Over TCP too, where the sinkhole takes the connection itself.

    The firewall accepts what belongs to a flow that conntrack holds, and dig may choose a port that one of the some
    hundred flows of the tests before had.
    """
    lab.gateway.run(["conntrack", "-F"]).check_returncode()
    answers = [lab.client("phone").dig(BESIDE, server=OWN[0], tcp=tcp).status for tcp in (False, True)]
    assert set(answers) <= {"", "SERVFAIL"}
