"""Formats a change of policy as an EVE line of `event_type` `policy`, without addresses and ports."""

from json import JSONEncoder
from typing import Final

from monitor.events.times import timestamp

_encode: Final = JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def policy_line(time: float, body: dict[str, object]) -> str:
    """Returns the line. `body`: `action`, its subject, `until`, `reason`, and `uid`, `user` and `pid` of the requester.

    `until` is in seconds since the epoch in `body`, and a timestamp in the format of events in the line.
    """
    row = dict(body)
    until = row.get("until")
    if isinstance(until, float):
        row["until"] = timestamp(until)
    return _encode({"timestamp": timestamp(time), "event_type": "policy", "policy": row}) + "\n"
