"""The status page in a real browser: on a phone, in the dark, without JavaScript, and renewing itself."""

import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import sample
from browser import Browser
from serving import served

from monitor.web.ban_card import ban
from monitor.web.status import hidden_bytes, unnamed_bytes, vendors
from monitor.web.status_page import status_page

FIGURES = ("bytedance", "435 MiB", "21 GiB", "students", "br-lan", "1,234,567", "hagezi-tiktok", "enforce", "1,502")
EDGES = "[...document.querySelectorAll('.card *')].map((o) => [o.getBoundingClientRect().right, o.outerHTML])"
# The contrast of every text against what lies behind it, as WCAG 2.2 defines it; the lowest one, and whose it is.
CONTRAST = """
(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = (c) => c.slice(0, 3).map((v) => linear(v / 255))
    .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
  const ground = (one) => { const c = rgb(getComputedStyle(one).backgroundColor);
    return c.length === 3 || c[3] === 1 ? c : ground(one.parentElement); };
  let worst = [99, ""];
  for (const one of document.querySelectorAll("body *")) {
    if (![...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    const [a, b] = [light(rgb(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < worst[0]) worst = [ratio, one.outerHTML.slice(0, 80)];
  }
  return worst;
})()
"""


@pytest.mark.programs
def test_it_fits_the_narrowest_phone_whatever_it_has_to_say(browser: Browser) -> None:
    for page in (sample.page(), sample.page(reason="x" * 300, fault="y" * 300)):
        with served(lambda page=page: page) as url:  # type: ignore[misc]
            for width in (320, 360, 1000):
                browser.open(url, width)
                assert browser.ask("document.documentElement.scrollWidth") <= width
                edge, what = max(browser.ask(EDGES))
                assert edge <= width - 16, what


@pytest.mark.programs
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_is_readable_in_the_light_and_in_the_dark(browser: Browser, dark: bool) -> None:
    with served(lambda: sample.page(fault="mine: cannot be read")) as url:
        browser.open(url, dark=dark)
        red, green, blue = eval(browser.ask("getComputedStyle(document.body).backgroundColor").removeprefix("rgb"))
        assert (red + green + blue < 150) is dark
        ratio, text = browser.ask(CONTRAST)
        assert ratio >= 4.5, text


@pytest.mark.programs
def test_the_figures_are_there_without_javascript(browser: Browser) -> None:
    with served(sample.page) as url:
        browser.open(url, script=False)
        text = browser.ask("document.querySelector('main').innerText")
        for figure in FIGURES:
            assert figure in text, figure
        assert browser.ask("document.getElementById('fresh').innerText") == ""


@pytest.mark.programs
def test_it_renews_itself_and_says_when_it_cannot(browser: Browser) -> None:
    flows = [321.0]

    def page() -> bytes:
        flows[0] += 1
        return status_page({**sample.numbers(), "flows_active": {(): flows[0]}}, sample.facts())

    with served(page) as url:
        browser.open(url)
        assert "322" in browser.ask("document.querySelector('.figures').innerText")
        browser.ask("document.getElementById('shipped').open = true")
        browser.wait_for("document.querySelector('.figures').innerText.includes('323')")
        assert browser.ask("document.getElementById('shipped').open") is True
        assert browser.ask("document.getElementById('fresh').innerText").startswith("as of ")
        assert set(browser.requests) == {url}
        assert browser.errors == []
    browser.ask("renew()")
    assert browser.ask("document.documentElement.classList.contains('stale')")
    assert browser.ask("document.getElementById('fresh').innerText").startswith("no answer since ")


@pytest.mark.programs
def test_what_comes_from_outside_stays_text(browser: Browser) -> None:
    hostile = sample.HOSTILE
    facts = sample.facts(hostile, hostile)
    facts = replace(facts, host=hostile, lists=tuple(replace(one, name=hostile) for one in facts.lists))
    numbers = sample.numbers()
    numbers["flow_bytes_total"][hostile, hostile, hostile, "up", "sni"] = 1e9
    numbers["capture_packets_total"][hostile,] = 1.0
    with served(lambda: status_page(numbers, facts)) as url:
        browser.open(url)
        assert browser.ask("document.querySelectorAll('img').length") == 0
        assert browser.ask("document.body.innerText").count(hostile) > 6
        assert browser.errors == []


def test_its_markup_is_well_formed() -> None:
    """Every element that is opened is closed, in order."""
    open_elements: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in ("meta", "br"):
                open_elements.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_elements.pop() == tag

    Reader().feed(sample.page(fault="x").decode())
    assert open_elements == []


def test_a_ban_has_what_it_stopped_since_when_and_when_that_changes() -> None:
    enforced, shadowed, observed, ineffective = [ban(one, sample.NOW) for one in sample.facts().bans]
    text = enforced.striptags().replace("\N{NO-BREAK SPACE}", " ")
    assert "blocked 1,502 DNS queries, 7 connections, 0 packets · 0 B leaked · since 20" in text
    assert "schedule mon-fri 08:00-18:00 · ends " in text
    assert "1 name allowed" in text
    assert "would have blocked" in shadowed.striptags()
    assert "blocked" not in observed.striptags()
    assert "no list knows" in ineffective.striptags()


def test_red_is_for_what_is_wrong_and_a_ban_that_works_is_not() -> None:
    enforced, shadowed, observed, ineffective = sample.facts().bans
    for works in (enforced, shadowed, observed):
        assert not re.search(r"\bbad\b", ban(works, sample.NOW))
    assert 'class="badge bad">ineffective' in ban(ineffective, sample.NOW)
    assert 'class="bad">5' in ban(replace(enforced, leaked=5.0), sample.NOW)


def test_all_is_never_well_with_an_ineffective_ban() -> None:
    text = sample.page().decode()
    assert "<strong>Degraded</strong>" in text
    assert "Healthy" not in text
    facts = sample.facts()
    well = status_page(sample.numbers(), replace(facts, bans=facts.bans[:-1])).decode()
    assert "<strong>Healthy</strong>" in well


def test_unidentified_bytes_are_one_figure() -> None:
    numbers = sample.numbers()
    (row,) = [usage for usage in vendors(numbers) if usage.name == "unknown"]
    assert unnamed_bytes(numbers) == row.bytes
    assert hidden_bytes(numbers) == {"ech": 2.5e8}
    text = sample.page().decode()
    assert "<dt>unidentified</dt>" in text
    assert "<b>unidentified</b>" in text
    assert "hidden: ECH 238 MiB" in text


def test_times_have_their_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert re.search(r"ends \d\d:\d\d CET", sample.page().decode())
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_page_of_many_vendors_stays_small() -> None:
    numbers = sample.numbers()
    for at in range(3_000):
        numbers["flow_bytes_total"][f"vendor-{at}", "unknown", f"group-{at}", "down", "sni"] = 1e6
    page = status_page(numbers, sample.facts())
    assert len(page) < 60_000
    assert b"more with" in page
