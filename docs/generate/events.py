"""The page of all event types: fields in the order in which they are written, and an example of each."""

import json
from collections.abc import Iterator
from typing import Any, Final

from generate.event_fields import COMMON, FIELDS, LABELS
from generate.event_samples import samples
from generate.markdown import code, page, table
from monitor.config.sections import EVENT_TYPES

HEAD: Final = """\
`[events].path` in the configuration names the file, `[events].types` the types that are written, and
`gatewatch replay --eve` writes the events of a capture file. Each line is one JSON object in the shape of Suricata's
EVE format. Bytes that are not printable ASCII are written as `\\DDD`, in decimal digits."""


def events_page() -> str:
    lines = [*HEAD.splitlines(), ""]
    lines += ["## Fields of every event", "", "Events of type `policy` have no addresses and ports.", ""]
    lines += field_table(COMMON)
    lines += ["## Labels", "", "Events of all types but `policy` have them.", "", *field_table(LABELS)]
    made = samples()
    assert list(made) == list(EVENT_TYPES), "event_samples.py has to make events of every type, in their order"
    for kind, written in made.items():
        events = [json.loads(line) for line in written]
        check_fields(kind, events)
        lines += [f"## `{kind}`", "", *field_table(FIELDS[kind])]
        lines += ["```json", *json.dumps(events[0], indent=2, ensure_ascii=False).splitlines(), "```", ""]
    return page("Events", "monitor/events/ and docs/generate/event_fields.py", lines)


def field_table(fields: dict[str, str]) -> list[str]:
    return table(("field", "meaning"), ((code(name), text) for name, text in fields.items()))


def check_fields(kind: str, events: list[dict[str, Any]]) -> None:
    """That the table has each field that events of the type have, and no other."""
    found = {path for event in events for path in paths(event)} - COMMON.keys() - LABELS.keys() - {"gatewatch", kind}
    if found != FIELDS[kind].keys():
        raise ValueError(f"event_fields.py and events of type {kind} differ in {sorted(found ^ FIELDS[kind].keys())}")


def paths(value: dict[str, Any], above: str = "") -> Iterator[str]:
    """`flow.start` for a key of an object within an object; a list of objects adds no step."""
    for key, below in value.items():
        yield above + key
        if isinstance(below, dict):
            yield from paths(below, f"{above}{key}.")
        elif isinstance(below, list):
            for entry in below:
                if isinstance(entry, dict):
                    yield from paths(entry, f"{above}{key}.")
