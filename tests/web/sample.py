"""A status page with something of everything on it, and what would be markup if nobody escaped it."""

from monitor.model import Samples
from monitor.web.status import BanLine, Facts, ListLine
from monitor.web.status_page import status_page

NOW = 1_795_360_804.0
HOSTILE = "<img src=x onerror=alert(1)>'\"&"
GIB = 1_073_741_824.0


def numbers() -> Samples:
    traffic: dict[tuple[str, ...], float] = {}
    for at, (vendor, service, group) in enumerate(
        [
            ("bytedance", "tiktok", "students"), ("bytedance", "capcut", "students"), ("google", "youtube", "none"),
            ("google", "search", "staff"), ("meta", "instagram", "none"), ("meta", "whatsapp", "government-issued"),
            ("unknown", "unknown", "none"), ("a-vendor-with-quite-a-long-name-of-its-own", "unknown", "staff"),
        ]
    ):  # fmt: skip
        traffic[vendor, service, group, "up", "sni"] = GIB * (9 - at) / 40
        traffic[vendor, service, group, "down", "sni"] = GIB * (9 - at) ** 2 / 7
    return {
        "capture_packets_total": {("br-lan",): 1_234_567.0, ("br-guest",): 76_543.0},
        "capture_bytes_total": {("br-lan",): 8e9, ("br-guest",): 4e8},
        "capture_dropped_packets_total": {("br-lan",): 0.0, ("br-guest",): 3.0},
        "flow_bytes_total": traffic,
        "flows_active": {(): 321.0},
        "devices": {("bytedance", "students"): 12.0, ("google", "none"): 31.0, ("google", "staff"): 8.0},
        "group_devices": {("students",): 14.0, ("none",): 33.0, ("staff",): 9.0, ("government-issued",): 4.0},
        "blind_bytes_total": {("none", "ech"): 2.5e8},
        "dns_blocked_queries_total": {("bytedance", "", "students"): 1_502.0},
        "killed_flows_total": {("bytedance", "", "students"): 7.0},
        "shadow_blocked_total": {("meta", "instagram", "staff", "sni"): 41.0},
        "leaked_bytes_total": {("bytedance", "", "students", "up", "sni"): 0.0},
    }


def facts(reason: str = "Policy 2022-17", fault: str = "") -> Facts:
    bans = (
        BanLine(
            ("bytedance",), ("students", "government-issued"), "enforce", ("dns", "sni", "ip"), 0.0, reason,
            "effective", False, since=NOW - 90_000, blocked={"dns": 1_502.0, "sni": 7.0, "ip": 0.0},
            schedule="mon-fri 08:00-18:00", next_change=(NOW + 3_600, "ends"), allow=1,
        ),
        BanLine(
            ("meta/instagram",), ("staff",), "shadow", ("dns", "sni"), NOW + 7_200, "", "off", True,
            "outside its schedule", since=NOW - 60, blocked={"dns": 0.0, "sni": 41.0},
            schedule="sat-sun", next_change=(NOW + 7_200, "ends"),
        ),
        BanLine(
            ("category:encrypted-dns",), ("all",), "observe", ("sni", "ip"), 0.0, "", "off", False,
            'mode = "observe" only counts',
        ),
        BanLine(
            ("no-such-app",), ("all",), "enforce", ("dns", "sni", "ip"), 0.0, "", "ineffective", False,
            "no list knows 'no-such-app'",
        ),
    )  # fmt: skip
    shipped = [ListLine(f"vendor-{at}", 40 + at, 0, NOW - 3_600, "", True) for at in range(40)]
    own = [
        ListLine("hagezi-tiktok", 812, 3, NOW - 90_000, "", False),
        ListLine("broken", 0, 0, 0.0, fault or "cannot be read: No such file or directory", False),
    ]
    return Facts(
        host="gateway.example", version="0.1.0", engine="compiled", started=NOW - 400_000, now=NOW,
        counting="conntrack's counters", health={"capture": "", "lists": fault, "kernel": ""}, paused_until=0.0,
        bans=bans, exceptions=2, lists=(*own, *shipped),
    )  # fmt: skip


def page(reason: str = "Policy 2022-17", fault: str = "") -> bytes:
    return status_page(numbers(), facts(reason, fault))
