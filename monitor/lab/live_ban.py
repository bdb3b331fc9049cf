"""Demonstrates a ban in the running lab: the administrator's commands, and the effect on each client."""

from typing import Final

from monitor.lab.client import Client, Transfer
from monitor.lab.traffic import Act, answered, transferred
from monitor.lab.zone import NAMELESS_V4

ANOTHER_RESOLVER: Final = "8.8.8.8"
BAN: Final = ("ban", "bytedance", "--group", "phones", "--for", "10m", "--reason", "to show it")
UNBAN: Final = ("unban", "bytedance", "--group", "phones")


def refused(transfer: Transfer) -> str:
    if transfer.good:
        return f"NOT STOPPED: {transferred(transfer)}"
    return f"stopped: {transfer.text.strip() or transfer.status}"


def goes_to_capcut(phone: Client) -> Transfer:
    """Connects to the address that CapCut had before the ban, like an app that caches addresses."""
    return phone.curl("https://www.capcut.com/", address="203.0.113.30", seconds=5)


UNDER_THE_BAN: Final = (
    Act("phone", "asks for www.tiktok.com", lambda phone: answered(phone.dig("www.tiktok.com"))),
    Act(
        "phone",
        "asks another resolver for it",
        lambda phone: answered(phone.dig("www.tiktok.com", server=ANOTHER_RESOLVER)),
    ),
    Act("phone", "opens CapCut at an address that it kept", lambda phone: refused(goes_to_capcut(phone))),
    Act(
        "phone",
        "opens an address of ByteDance's without any name",
        lambda phone: refused(phone.curl(f"https://{NAMELESS_V4}/", seconds=5)),
    ),
    Act("phone", "writes to Telegram as before", lambda phone: transferred(phone.curl("https://web.telegram.org/"))),
    Act("laptop", "opens TikTok as before", lambda laptop: transferred(laptop.curl("https://www.tiktok.com/"))),
)
AFTER_IT: Final = (
    Act("phone", "opens TikTok again", lambda phone: transferred(phone.curl("https://www.tiktok.com/"))),
)
