"""The page of all sections and keys: kinds from the readers, texts and defaults from the example."""

from typing import Any

from generate.example import Section, has_default, sections
from generate.markdown import cell, code, escaped, page, table
from generate.recorder import DURATION, SIZE, Recorded, record

HEAD = """\
The configuration is `/etc/gatewatch/gatewatch.toml`, then the files `conf.d/*.toml` beside it in the order of their
names. `gatewatch check` prints each mistake with its file and line. A key that is left out has the default.

Editors that read JSON schemas, such as those with Taplo or Even Better TOML, complete and check the keys with
[gatewatch.schema.json](gatewatch.schema.json), which the Debian package installs in `/usr/share/gatewatch`. The first
line of the configuration names it:

```toml
#:schema /usr/share/gatewatch/gatewatch.schema.json
```
"""


def configuration_page() -> str:
    recorded = record()
    lines = [*HEAD.splitlines(), ""]
    for section in sections():
        below = (recorded.arrays if section.is_array else recorded.sections)[section.name]
        lines += section_lines(section, below)
    return page("Configuration", "systemd/gatewatch.toml and monitor/config/", lines)


def section_lines(section: Section, recorded: Recorded) -> list[str]:
    name = f"[[{section.name}]]" if section.is_array else f"[{section.name}]"
    lines = [f"## `{name}`", ""]
    if section.text:
        lines += [escaped(section.text), ""]
    if section.is_array:
        lines += ["May come several times.", ""]
    rows = []
    for key in section.keys:
        needed = ", required" if key.name in recorded.required else ""
        such_as = "" if has_default(section, key.name, recorded.required) else "such as "
        kind = kind_text(recorded.keys[key.name]) + needed
        rows.append((code(key.name), kind, such_as + code(key.default).replace("|", "\\|"), cell(key.text)))
    return lines + table(("key", "kind", "default", "meaning"), rows)


def kind_text(kind: dict[str, Any]) -> str:
    """A schema in words."""
    if "$comment" in kind:
        return str(kind["$comment"])
    if "enum" in kind:
        return " or ".join(code(f'"{word}"') for word in kind["enum"])
    if "anyOf" in kind:
        return " or ".join(kind_text(one) for one in kind["anyOf"])
    if kind["type"] == "array":
        return f"list of {kind_text(kind['items'])}" if "enum" in kind["items"] else "list of strings"
    if kind.get("pattern") in (DURATION, SIZE):
        return "duration" if kind["pattern"] == DURATION else "size"
    names = {"boolean": "`true` or `false`", "integer": "integer", "number": "number", "string": "string"}
    return names[kind["type"]]
