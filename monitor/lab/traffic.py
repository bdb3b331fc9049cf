"""The actions of the lab's clients, in order, each with a description."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from monitor.lab.client import Answer, Client, Transfer
from monitor.lab.zone import NAMELESS_V4, NAMELESS_V6


@dataclass(frozen=True)
class Act:
    """An action of `client`, described by `title`; `act` performs it and returns a short result."""

    client: str
    title: str
    act: Callable[[Client], str]


def answered(answer: Answer) -> str:
    if not answer.status:
        return "no answer"
    return answer.records[-1].split()[-1] if answer.records else answer.status


def transferred(transfer: Transfer) -> str:
    if transfer.good:
        return f"{transfer.received:,} bytes from {transfer.remote}"
    return f"failed: {transfer.text.strip() or transfer.status}"


def uploaded(client: Client, url: str, size: int) -> str:
    transfer = client.curl(url, upload=size)
    return f"{size:,} bytes to {transfer.remote}" if transfer.good else transferred(transfer)


ACTS: Final = (
    Act("phone", "sends its name by DHCP", lambda phone: phone.dhcp("annas-phone")),
    Act("phone", "asks for www.tiktok.com", lambda phone: answered(phone.dig("www.tiktok.com"))),
    Act("phone", "asks for it over TCP", lambda phone: answered(phone.dig("www.tiktok.com", "AAAA", tcp=True))),
    Act(
        "phone",
        "downloads from TikTok, TLS 1.3, in a prefix of the vendor's",
        lambda phone: transferred(phone.curl("https://www.tiktok.com/bytes/400000", tls="1.3")),
    ),
    Act(
        "phone",
        "does so over IPv6 with TLS 1.2, from its privacy address",
        lambda phone: transferred(
            phone.curl("https://www.tiktok.com/bytes/200000", ipv6=True, tls="1.2", source="privacy")
        ),
    ),
    Act(
        "phone",
        "uploads to CapCut, outside the vendor's prefixes, its hello in several segments",
        lambda phone: uploaded(phone, "https://www.capcut.com/", 300_000),
    ),
    Act(
        "laptop",
        "watches a TikTok video that a CDN delivers behind two CNAMEs",
        lambda laptop: transferred(laptop.curl("https://v16-webapp.tiktok.com/bytes/500000")),
    ),
    Act(
        "laptop",
        "speaks HTTP/3 to YouTube",
        lambda laptop: transferred(laptop.quic("www.youtube.com", "142.250.74.78", path="/bytes/250000")),
    ),
    Act(
        "laptop",
        "speaks HTTP/3 to Instagram over IPv6",
        lambda laptop: transferred(
            laptop.quic("www.instagram.com", "2a03:2880:f200:e5:face:b00c:0:4420", path="/bytes/100000")
        ),
    ),
    Act(
        "laptop",
        "opens an address of ByteDance's without any name",
        lambda laptop: transferred(laptop.curl(f"https://{NAMELESS_V4}/bytes/50000")),
    ),
    Act(
        "laptop",
        "does so over IPv6",
        lambda laptop: transferred(laptop.curl(f"https://[{NAMELESS_V6}]/bytes/50000", ipv6=True)),
    ),
    Act(
        "laptop",
        "reads a page of no known vendor",
        lambda laptop: transferred(laptop.curl("http://www.example.org/bytes/20000")),
    ),
    Act(
        "phone",
        "asks for a name that only looks like TikTok's",
        lambda phone: answered(phone.dig("nottiktok.com")),
    ),
    Act(
        "phone",
        "writes to Telegram",
        lambda phone: uploaded(phone, "https://web.telegram.org/", 30_000),
    ),
)
