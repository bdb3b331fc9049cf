"""A change of policy as an EVE line: `event_type` `policy`. No packet made it, so it has no addresses and ports."""

from json import JSONEncoder
from typing import Final

from monitor.events.times import timestamp

_encode: Final = JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def policy_line(time: float, body: dict[str, object]) -> str:
    """`body`: `action`, what it is about, `until`, `reason`, and `uid`, `user` and `pid` of who asked.

    `until` is in seconds since the epoch there, as everywhere at run time, and a time as the event's own here.
    """
    row = dict(body)
    until = row.get("until")
    if isinstance(until, float):
        row["until"] = timestamp(until)
    return _encode({"timestamp": timestamp(time), "event_type": "policy", "policy": row}) + "\n"
