"""Detects the format of a list: every format reads a sample of the lines, and the one that reads most is chosen.

If no format fits well, or two formats read the sample in different ways, a complaint of the list states the doubt.
"""

import re
from collections.abc import Iterator
from typing import Final, final

from monitor.catalog.formats import adblock, columns, singbox
from monitor.catalog.formats.comments import is_comment
from monitor.catalog.formats.known import FORMATS, LONGEST_LINE
from monitor.catalog.sheet import Sheet
from monitor.catalog.suffixes import PublicSuffixes

# Characters before the first word of a list: a BOM and blanks.
BLANKS: Final = "\ufeff \t\r\n"
ADBLOCK_HEAD: Final = "[Adblock"
# Lines that are no comment; a list may begin with many comments.
SAMPLE_LINES: Final = 500
SAMPLE_MOST: Final = 20_000
# The share of the sample's lines that a format must read to be certain.
SURE_PERCENT: Final = 90
# A format is close if it reads this share of the lines that the best one reads.
CLOSE_PERCENT: Final = 50
CLOSE_SHOWN: Final = 3
ADBLOCK: Final = "adblock"
COLUMNS: Final = "csv"
RANKED: Final = (
    'lines of a number and a name, as in a ranking: nothing is read. format = "csv" takes the names, '
    'format = "asn" the numbers as AS numbers'
)
COLUMNS_DOUBT: Final = (
    "several columns: the first name or address of each line is read, a name with its sub-names, and the rest is not; "
    'set format = "csv"'
)
DOTS_DOUBT: Final = (
    "names with and without a leading dot: all are read with their sub-names, as domains; "
    'format = "surge" reads those without a dot as exact'
)
MIXED_DOUBT: Final = (
    "lines of a hosts file and bare names: each name is read alone, without those below it, as adblock reads them; "
    'format = "hosts" leaves bare names out'
)
JSON_ARRAY: Final = re.compile(r"""\[\s*(?:["'{\[\]]|$)""")
ARRAY: Final = "a JSON array: nothing is read; write one name a line, or a rule set of sing-box"
# Error messages that web servers send instead of a list, other than HTML; no list is this short.
ERROR_LINES_MOST: Final = 5
SERVER_ERROR: Final = re.compile(
    r"(?:\W*error\W*)?[45]\d\d\b.*\b(?:bad|denied|error|forbidden|gateway|gone|many|not found|time-?out|unauthorized|"
    r"unavailable)",
    re.IGNORECASE,
)
ERROR_PAGE: Final = "an error message of a web server in its place: check the URL, and fetch the list again"


@final
class Detection:
    """The detected `format` (`""`: none), `doubt` why it may be another one, `refusal` why the list is not read."""

    __slots__ = ("doubt", "format", "refusal")

    def __init__(self, format: str, doubt: str = "", refusal: str = "") -> None:
        self.format = format
        self.doubt = doubt
        self.refusal = refusal


@final
class Trial:
    """The result of reading the sample in one format. `read` has for each line 1 if it gave entries, else 0.

    `foreign` lines do not belong to the format; `known` lines belong to it and give no entry.
    """

    __slots__ = ("foreign", "format", "known", "lines_read", "read")

    def __init__(self, format: str) -> None:
        self.format = format
        self.read = bytearray()
        self.lines_read = 0
        self.known = 0
        self.foreign = 0

    def score(self) -> int:
        """Returns how well the format fits. A line that gives an entry counts 2, one that only belongs to it counts 1.

        The format `columns` counts least, because it reads something from nearly every line.
        """
        each = 1 if self.format == COLUMNS else 2
        return each * self.lines_read + self.known - 2 * self.foreign


def take_sample(lines: Iterator[str]) -> list[str]:
    """Returns the first lines, comments included, until SAMPLE_LINES of them are not comments."""
    sample: list[str] = []
    meant = 0
    for line in lines:
        sample.append(line)
        if not is_comment(line.strip(BLANKS)):
            meant += 1
        if meant >= SAMPLE_LINES or len(sample) >= SAMPLE_MOST:
            break
    return sample


def detect(sample: list[str], suffixes: PublicSuffixes) -> Detection:
    """Returns the format that reads most of these lines. The first line of a list may name the format too."""
    first = next((line for line in sample if line.strip(BLANKS)), "").lstrip(BLANKS)
    if first.startswith(ADBLOCK_HEAD):
        return Detection(ADBLOCK)
    meant = [line for line in sample if not is_comment(line.strip(BLANKS))]
    if singbox.looks_so(first) or (meant and singbox.looks_so(meant[0])):
        return Detection(singbox.NAME)
    refusal = refusal_of(meant)
    if refusal:
        return Detection("", refusal=refusal)
    is_filter = any(adblock.is_marked(line) for line in sample)
    trials = [try_format(format, sample, suffixes) for format in FORMATS if is_filter or format != ADBLOCK]
    best = trials[0]
    for trial in trials:
        if (trial.score(), trial.lines_read) > (best.score(), best.lines_read):
            best = trial
    if not best.lines_read and best.score() <= 0:
        return Detection("")
    return Detection(best.format, doubt_of(best, trials, sample))


def refusal_of(meant: list[str]) -> str:
    """Returns why a list is refused, `""` if it is not. `meant` are the lines of its sample that are not comments."""
    first = meant[0].strip(BLANKS) if meant else ""
    if JSON_ARRAY.match(first):
        return ARRAY
    if len(meant) <= ERROR_LINES_MOST and SERVER_ERROR.match(first):
        return ERROR_PAGE
    return RANKED if is_ranking(meant) else ""


def is_ranking(meant: list[str]) -> bool:
    short = [line for line in meant if len(line) <= LONGEST_LINE]
    ranked = sum([1 for line in short if columns.is_ranked(line)])
    return (ranked > 0 and ranked * 2 > len(meant)) or columns.is_ranked_behind(short)


def try_format(format: str, sample: list[str], suffixes: PublicSuffixes) -> Trial:
    read_line = FORMATS[format]
    trial = Trial(format)
    sheet = Sheet(suffixes, None)
    for line in sample:
        text = line.lstrip("\ufeff").rstrip() if len(line) <= LONGEST_LINE else ""
        entries, refused = sheet.entries, sheet.refused
        wrong = sheet.ignored - sheet.left_out - sheet.refused
        read_line(text, sheet)
        gave = sheet.entries > entries
        trial.read.append(1 if gave else 0)
        if gave:
            trial.lines_read += 1
        elif sheet.ignored - sheet.left_out - sheet.refused > wrong:
            trial.foreign += 1
        elif sheet.refused == refused and not is_comment(text.strip()):
            trial.known += 1
    return trial


def doubt_of(best: Trial, trials: list[Trial], sample: list[str]) -> str:
    """Returns why the list may be in another format than the detected one, `""` if there is no doubt."""
    if best.format == COLUMNS:
        return COLUMNS_DOUBT
    if best.format == "domains" and not best.foreign and has_both(best, sample):
        return DOTS_DOUBT
    if best.format == ADBLOCK and has_bare(best, sample):
        return MIXED_DOUBT
    known = best.lines_read + best.known
    if known * 100 >= SURE_PERCENT * (known + best.foreign):
        return ""
    close = [f"{other.format} {other.lines_read}" for other in trials if is_close(other, best)][:CLOSE_SHOWN]
    if not close:
        return ""  # No other format reads the lines that this one does not: the complaints of those lines suffice.
    return (
        f"no format fits well: read as {best.format}, which fits {known} of {known + best.foreign} lines that were "
        f"tried; others read {', '.join(close)}: set `format`"
    )


def is_close(other: Trial, best: Trial) -> bool:
    """Whether another format reads nearly as many lines, some of which the best format does not read."""
    if other is best or other.lines_read * 100 < CLOSE_PERCENT * best.lines_read:
        return False
    return any(theirs > ours for theirs, ours in zip(other.read, best.read, strict=True))


def has_bare(best: Trial, sample: list[str]) -> bool:
    """Whether some of the lines read are bare names and none has a form that only filter lists have."""
    if any(adblock.is_filter(line.strip(BLANKS)) for line in sample):
        return False
    return any(read and len(line.split()) == 1 for line, read in zip(sample, best.read, strict=True))


def has_both(best: Trial, sample: list[str]) -> bool:
    """Whether some of the names read begin with a dot and others do not."""
    dotted = sum([1 for line, read in zip(sample, best.read, strict=True) if read and line.lstrip("\ufeff ")[0] == "."])
    return 0 < dotted < best.lines_read
