"""Response policy zones (draft-vixie-dnsop-dns-rpz section 4): a zone file whose owner names are the triggers.

`name` is the name alone, `*.name` everything below it, here taken with the name itself, as lists always write both.
`rpz-ip` triggers are prefixes. Passing through is an exception, not an entry.
"""

from typing import Final

from monitor.catalog.sheet import Sheet

CLASSES: Final = frozenset(("in", "ch", "hs"))
ZONE_TYPES: Final = frozenset(("soa", "ns", "dnskey", "rrsig", "nsec", "nsec3", "nsec3param"))
PASSTHRU: Final = "rpz-passthru."
IP_TRIGGER: Final = ".rpz-ip"
OTHER_TRIGGERS: Final = (".rpz-client-ip", ".rpz-nsdname", ".rpz-nsip")


def read_line(line: str, sheet: Sheet) -> None:
    text = line.split(";", 1)[0].rstrip()
    if not text or text.lstrip().startswith("#"):
        return
    if sheet.within > 0 or "(" in text:
        # Only the zone's own SOA spans lines.
        sheet.within = max(0, sheet.within + text.count("(") - text.count(")"))
        return
    words = text.split()
    if words[0].startswith("$"):
        if words[0].upper() == "$ORIGIN" and len(words) > 1:
            sheet.origin = words[1].lower()
        return
    if text[0].isspace() or words[0] == "@":
        return
    fields = words[1:]
    while fields and (fields[0].lower() in CLASSES or fields[0][0].isdigit()):
        fields = fields[1:]
    if not fields:
        sheet.ignore("no record", text)
    elif fields[0].lower() in ZONE_TYPES:
        return
    elif fields[-1].lower() == PASSTHRU:
        sheet.ignore("an exception: use allow or [[exception]] in the configuration", text)
    else:
        read_trigger(words[0].lower(), text, sheet)


def read_trigger(owner: str, text: str, sheet: Sheet) -> None:
    if owner.endswith("."):
        zone = "." + sheet.origin
        owner = owner.removesuffix(zone) if sheet.origin not in ("", ".") else owner[:-1]
    if owner.endswith(IP_TRIGGER):
        sheet.prefix(address_of(owner.removesuffix(IP_TRIGGER)) or text)
    elif owner.endswith(OTHER_TRIGGERS):
        sheet.ignore("a trigger that is neither a name nor an address", text)
    elif owner.startswith("*."):
        sheet.suffix(owner[2:])
    else:
        sheet.exact(owner)


def address_of(labels: str) -> str:
    """The prefix that `24.0.2.0.192` or `48.zz.db8.2001` stands for (section 4.3), `""` where it is none."""
    parts = labels.split(".")
    words = list(reversed(parts[1:]))
    if len(words) == 4 and "zz" not in words:
        return ".".join(words) + "/" + parts[0]
    if "zz" in words:
        gap = words.index("zz")
        return ":".join(words[:gap]) + "::" + ":".join(words[gap + 1 :]) + "/" + parts[0]
    return ":".join(words) + "/" + parts[0] if len(words) == 8 else ""
