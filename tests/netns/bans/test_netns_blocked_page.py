"""The page at the sinkhole's address: who is banned reads by which rule, nobody else is led there, no byte leaks.

The daemon has two capabilities, none of which is for a port below 1024.
"""

import subprocess

import pytest
from banned import REFUSED, configuration
from test_netns_privileges import as_service

from monitor.lab.client import Client
from monitor.lab.gateway import LabDaemon
from monitor.lab.lab import Lab

pytestmark = pytest.mark.netns

NOWHERE_V4, NOWHERE_V6, OWN_V4 = "192.0.2.80", "2001:db8:80::80", "192.168.77.1"


def fetch(client: Client, url: str, *options: str) -> tuple[int, str, str]:
    """curl's exit code, the status line with the headers, and the page."""
    command = ["curl", "--silent", "--include", "--max-time", "5", *options, url]
    done: subprocess.CompletedProcess[str] = client.namespace.run(command)
    head, _, body = done.stdout.partition("\n\n")
    return done.returncode, head, body


def sinkhole(answer: str) -> str:
    return f'\n[sinkhole]\nanswer = "{answer}"\nttl = 3\ncontact = "the <help> desk & co"\n'


def answer_with(lab: Lab, daemon: LabDaemon, answer: str) -> None:
    """The daemon answers banned names with this address from now on, and its page is there."""
    daemon.configure(configuration(lab, more=sinkhole(answer)))
    daemon.reload()
    kind, option = ("AAAA", "-6") if ":" in answer else ("A", "-4")
    phone = lab.client("phone")

    def is_there() -> bool:
        told = any(answer in record for record in phone.dig("www.tiktok.com", kind).records)
        return told and "403" in fetch(phone, "http://www.tiktok.com/", option)[1]

    daemon.wait_for(f"shown its page at {answer}", is_there)


def test_who_is_banned_reads_why(lab: Lab) -> None:
    phone, laptop = lab.client("phone"), lab.client("laptop")
    daemon = as_service(lab, "daemon-page", more=sinkhole(NOWHERE_V4))
    code, head, page = fetch(phone, "http://www.tiktok.com/some/path?of=it")
    assert (code, head.splitlines()[0]) == (0, "HTTP/1.1 403 Forbidden")
    assert "Cache-Control: no-store" in head
    assert "Content-Security-Policy: default-src 'none'; style-src 'sha256-" in head
    told = ("www.tiktok.com is blocked here", "bytedance, for phones", "Policy 7", "the &lt;help&gt; desk &amp; co")
    for words in told:
        assert words in page, words
    assert fetch(phone, "https://www.tiktok.com/")[0] == REFUSED
    code, head, page = fetch(phone, "http://www.example.org/", "--connect-to", f"::{NOWHERE_V4}:")
    assert head.splitlines()[0] == "HTTP/1.1 503 Service Unavailable"
    assert "for up to 3 seconds" in page
    assert "404" in fetch(phone, f"http://{NOWHERE_V4}/")[1]
    assert "200" in fetch(laptop, "http://www.tiktok.com/bytes/10")[1]
    assert fetch(laptop, f"http://{NOWHERE_V4}/")[0] == REFUSED

    answer_with(lab, daemon, NOWHERE_V6)
    assert "for phones" in fetch(phone, "http://www.tiktok.com/", "-6")[2]
    assert fetch(phone, "https://www.tiktok.com/", "-6")[0] == REFUSED

    answer_with(lab, daemon, OWN_V4)
    assert "for phones" in fetch(phone, "http://www.tiktok.com/")[2]
    assert fetch(laptop, f"http://{OWN_V4}/")[0] == REFUSED

    assert daemon.metric("blocked_page_requests_total", action="banned") >= 4
    assert daemon.metric("blocked_page_requests_total", action="free") == 1
    assert daemon.metric("blocked_total", layer="sni") == 0
    assert daemon.metric("leaked_bytes_total") == 0
    daemon.configure(configuration(lab, more='\n[sinkhole]\nanswer = "192.168.77.1"\npage = false\n'))
    daemon.reload()
    daemon.wait_for("taken its page away", lambda: fetch(phone, "http://www.tiktok.com/")[0] == REFUSED)
