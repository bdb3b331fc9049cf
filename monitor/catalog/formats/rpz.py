"""Response policy zones (draft-vixie-dnsop-dns-rpz section 4): a zone file whose owner names are the triggers.

`name` is the name alone, `*.name` everything below it, here taken with the name itself, as lists always write both.
`rpz-ip` triggers are prefixes. Passing through is an exception, not an entry. Owner names may be relative or absolute
(RFC 1035 section 5.1): the zone's apex, which the SOA record or the first $ORIGIN names, is not part of a trigger.
"""

from typing import Final

from monitor.catalog.sheet import Sheet

CLASSES: Final = frozenset(("in", "ch", "hs"))
ZONE_TYPES: Final = frozenset(("ns", "dnskey", "ds", "rrsig", "nsec", "nsec3", "nsec3param", "zonemd"))
TYPES: Final = frozenset(
    (
        "a", "aaaa", "caa", "cname", "dname", "hinfo", "https", "loc", "mx", "naptr", "ptr", "rp", "soa", "spf", "srv",
        "sshfp", "svcb", "tlsa", "txt", "uri",
    )
) | ZONE_TYPES  # fmt: skip
PASSTHRU: Final = ("rpz-passthru", "rpz-passthru.")
TCP_ONLY: Final = ("rpz-tcp-only", "rpz-tcp-only.")
IP_TRIGGER: Final = ".rpz-ip"
OTHER_TRIGGERS: Final = (".rpz-client-ip", ".rpz-nsdname", ".rpz-nsip")
EXCEPTION: Final = "an exception: use allow or [[exception]] in the configuration"
ROOT: Final = "."


def read_line(line: str, sheet: Sheet) -> None:
    text = line.split(";", 1)[0].rstrip()
    if not text or text.lstrip().startswith("#"):
        return
    if sheet.within > 0:
        # Only the zone's own SOA spans lines.
        sheet.within = max(0, sheet.within + text.count("(") - text.count(")"))
        return
    words = text.split()
    if words[0][0] == "$":
        read_directive(words, text, sheet)
        return
    if "(" in text:
        sheet.within = max(0, text.count("(") - text.count(")"))
    at = 1 if not text[0].isspace() else 0
    while at < len(words) and (words[at].lower() in CLASSES or words[at][0].isdigit()):
        at += 1
    kind = words[at].lower() if at < len(words) else ""
    if kind not in TYPES:
        sheet.ignore("no record", text)
    elif text[0].isspace() or kind in ZONE_TYPES:
        # A record of the owner before, or the zone's own.
        return
    elif kind == "soa":
        if words[0] != "@":
            sheet.apex = absolute(words[0].lower(), sheet.origin)
    else:
        read_record(words[0].lower(), words[-1].lower(), text, sheet)


def read_directive(words: list[str], text: str, sheet: Sheet) -> None:
    if words[0].upper() == "$ORIGIN" and len(words) > 1:
        origin = words[1].lower()
        sheet.origin = ROOT if origin == ROOT else absolute(origin, sheet.origin)
        if not sheet.apex and sheet.origin != ROOT:
            sheet.apex = sheet.origin
    elif words[0].upper() in ("$INCLUDE", "$GENERATE"):
        sheet.leave_out("records that stand elsewhere or are made up by the server", text)


def absolute(name: str, origin: str) -> str:
    """The name as seen from the root, without its last dot. `origin` is `""` where the file names none."""
    if name == "@":
        return origin
    if name.endswith("."):
        return name[:-1]
    return name if origin in ("", ROOT) else f"{name}.{origin}"


def read_record(owner: str, target: str, text: str, sheet: Sheet) -> None:
    trigger = trigger_of(owner, text, sheet)
    if not trigger:
        return
    if target in PASSTHRU or target.removesuffix(".") in (trigger, owner.removesuffix(".")):
        # The second is how passing through was written at first (section 4.4.1).
        sheet.leave_out(EXCEPTION, text)
    elif target in TCP_ONLY:
        sheet.leave_out("an answer over TCP, which is no ban", text)
    elif trigger.endswith(IP_TRIGGER):
        sheet.prefix(address_of(trigger.removesuffix(IP_TRIGGER)) or text)
    elif trigger.endswith(OTHER_TRIGGERS):
        sheet.leave_out("a trigger that is neither a name nor an address", text)
    elif trigger.startswith("*."):
        sheet.suffix(trigger[2:])
    else:
        sheet.exact(trigger)


def trigger_of(owner: str, text: str, sheet: Sheet) -> str:
    """The owner relative to the zone, `""` where there is nothing to read: the apex, or a name outside of the zone."""
    if not owner.endswith(".") and sheet.origin in ("", sheet.apex) and owner != "@":
        return owner
    name = absolute(owner, sheet.origin)
    if not sheet.apex:
        if owner.endswith(".") and not sheet.section:
            sheet.section = "warned"
            sheet.warn("an absolute name in a zone without $ORIGIN and SOA: it is taken as it is written", text)
        return name
    if name == sheet.apex or owner == "@":
        return ""
    if name.endswith("." + sheet.apex):
        return name[: -len(sheet.apex) - 1]
    sheet.leave_out(f"a name outside of the zone {sheet.apex}", text)
    return ""


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
