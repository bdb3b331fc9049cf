"""Reads a list line by line in the format that it is in, or that it seems to be in."""

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Final

from monitor.catalog.formats import adblock, asn, cidr, dnsmasq, domains, hosts, rpz, unbound, v2fly
from monitor.catalog.sheet import Sheet
from monitor.catalog.suffixes import PublicSuffixes

# In the order in which `auto` prefers them where two understand a list equally well.
FORMATS: Final[dict[str, Callable[[str, Sheet], None]]] = {
    "domains": domains.read_line,
    "hosts": hosts.read_line,
    "adblock": adblock.read_line,
    "dnsmasq": dnsmasq.read_line,
    "unbound": unbound.read_line,
    "rpz": rpz.read_line,
    "v2fly": v2fly.read_line,
    "cidr": cidr.read_line,
    "asn": asn.read_line,
}
AUTO: Final = "auto"
ADBLOCK_HEAD: Final = "[Adblock"
SAMPLE_LINES: Final = 500
LONGEST_LINE: Final = 4_096


def read_list(lines: Iterator[str], format: str, sheet: Sheet, suffixes: PublicSuffixes, max_entries: int) -> str:
    """Puts every line into `sheet`, at most `max_entries` entries; gives the format that it was read in.

    `format` is a key of FORMATS or `auto`. A BOM, CR LF and blanks at the end of lines are of no matter.
    """
    if format == AUTO:
        sample = list(islice(lines, SAMPLE_LINES))
        format = detect_format(sample, suffixes)
        lines = chain(sample, lines)
        if not format:
            sheet.warn("no format fits: read as domains", "")
            format = "domains"
    read_line = FORMATS[format]
    for line in lines:
        sheet.line += 1
        if sheet.entries >= max_entries:
            sheet.ignore(f"more than max_entries ({max_entries}): the rest is not read", "")
            break
        if len(line) > LONGEST_LINE:
            sheet.ignore(f"a line of more than {LONGEST_LINE} characters", line[:80])
        else:
            read_line(line.lstrip("\ufeff").rstrip() if sheet.line == 1 else line.rstrip(), sheet)
    return format


def detect_format(sample: list[str], suffixes: PublicSuffixes) -> str:
    """The format that makes the most of these lines, less what it cannot read; `""` where none makes any.

    A list may also say it in its first line. Where no format makes sense of half of the lines (a filter list may be
    mostly about parts of pages), it is the one that makes the most entries.
    """
    if next((line for line in sample if line.strip("\ufeff \r\n")), "").lstrip("\ufeff ").startswith(ADBLOCK_HEAD):
        return "adblock"
    best, best_score = "", (0, 0)
    for format, read_line in FORMATS.items():
        trial = Sheet(suffixes, None)
        for line in sample:
            if len(line) <= LONGEST_LINE:
                read_line(line.lstrip("\ufeff").rstrip(), trial)
        score = (max(trial.entries - trial.ignored, 0), trial.entries)
        if score > best_score:
            best, best_score = format, score
    return best
