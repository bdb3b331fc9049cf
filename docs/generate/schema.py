"""The JSON schema of the configuration, for editors: kinds from the readers, texts and defaults from the example."""

import json
from typing import Any, Final

from generate.example import Key, has_default, sections, values
from generate.recorder import Recorded, record

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
# What `[[exception]]` demands: one of the three keys that select devices, one of the two that name a target.
EXCEPTION: Final = {
    "allOf": [
        {"oneOf": [{"required": [key]} for key in ("device", "group", "prefix")]},
        {"oneOf": [{"required": [key]} for key in ("name", "vendor")]},
    ]
}


def schema_text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """Draft 7, which the TOML extensions of editors read."""
    recorded = record()
    examples, written = values(), {section.name: section for section in sections()}
    properties: dict[str, Any] = {}
    for name, below in {**recorded.sections, **recorded.arrays}.items():
        is_array = name in recorded.arrays
        example = examples[name][0] if is_array else examples[name]
        defaults = {key: example[key] for key in example if has_default(written[name], key, below.required)}
        shape = _object(below, {key.name: key for key in written[name].keys}, defaults)
        if name == "exception":
            shape.update(EXCEPTION)
        described = {"description": written[name].text} if written[name].text else {}
        properties[name] = {**described, "type": "array", "items": shape} if is_array else {**described, **shape}
    return {"$schema": DRAFT, "title": "gatewatch.toml", **_closed(properties)}


def _object(recorded: Recorded, keys: dict[str, Key], defaults: dict[str, Any]) -> dict[str, Any]:
    properties = {}
    for name, kind in recorded.keys.items():
        default = {"default": defaults[name]} if name in defaults else {}
        properties[name] = {"description": keys[name].text, **kind, **default}
    required = {"required": list(dict.fromkeys(recorded.required))} if recorded.required else {}
    return {**_closed(properties), **required}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    """An object with these properties and no other."""
    return {"type": "object", "properties": properties, "additionalProperties": False}
