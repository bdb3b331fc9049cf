"""The journal of a gateway with a ban: it says what the counters say, and no more than it may."""

import pytest
from banned import configuration

from monitor.lab.lab import Lab

pytestmark = pytest.mark.netns


def test_it_says_who_was_refused_what_and_who_loaded_it(lab: Lab) -> None:
    daemon = lab.daemon(configuration(lab))
    phone, laptop = lab.client("phone"), lab.client("laptop")
    assert phone.dig("www.tiktok.com").status == "NXDOMAIN"
    assert phone.curl("https://www.tiktok.com/", address="71.18.1.10", seconds=5).code == 7
    phone.curl("https://www.tiktok.com/", address="203.0.113.80", seconds=5)
    assert laptop.curl("https://www.tiktok.com/bytes/200000").good
    assert laptop.curl("https://www.example.org/bytes/20000").good

    def loaded() -> float:
        return daemon.metric("flow_bytes_total", vendor="bytedance", evidence="sni", direction="down")

    daemon.wait_for("counted the transfer", lambda: loaded() > 200_000)
    daemon.wait_for("seen the refusals", lambda: daemon.metric("blocked_total", layer="ip") > 0)
    page = daemon.page("/")
    assert all(word in page for word in ("Healthy", "bytedance", "tiktok", "phones", "br-lan", "Policy 7"))
    secrets = (phone.mac, laptop.mac, phone.v4, laptop.v4, laptop.v6, "tiktok.com", "example.org", "71.18.")
    assert [secret for secret in secrets if secret in page] == []
    leaked = daemon.metric("leaked_bytes_total")
    daemon.stop()
    rows = [row for row in daemon.report() if row["vendor"] == "bytedance"]
    by_laptop = [row for row in rows if (row["device"], row["evidence"]) == (laptop.mac, "sni")]
    assert sum(row["flows"] for row in by_laptop) == 1
    assert 200_000 < sum(row["bytes_down"] for row in by_laptop) < 250_000
    assert {name for row in by_laptop for name in row["names"]} == {"www.tiktok.com"}
    assert {address for row in by_laptop for address in row["addresses"]} >= {laptop.v4}
    refused = {(row["device"], row["evidence"]): row["blocked"] for row in rows if row["group"] == "phones"}
    assert (refused[phone.mac, "dns"], refused[phone.mac, "sni"]) == (1, 1)
    assert refused["", "prefix"] >= 1
    assert sum(row["leaked"] for row in rows) == leaked
    kept = b"".join(path.read_bytes() for path in (daemon.folder / "state").glob("journal.db*"))
    assert b"www.tiktok.com" in kept
    assert b"example.org" not in kept
