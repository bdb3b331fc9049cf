"""`replay`: processes capture files through the same pipeline as live frames, and prints a table."""

import json
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from monitor.cli.gc_tuning import ease_collector
from monitor.cli.playback import Playback, Rules
from monitor.cli.replay_outcome import ReplayOutcome
from monitor.cli.stderr import complain
from monitor.config.list_faults import list_faults, missing_subscriptions
from monitor.config.parse import load
from monitor.config.sections import Config
from monitor.config.settings import open_lookup, user_lists
from monitor.errors import EXIT_FINDING, EXIT_OK, ListError, UsageError
from monitor.events.writer import STANDARD_OUTPUT, EventWriter
from monitor.lists.cache import load_cached
from monitor.units import bytes_text, count_text

PROGRESS_SECONDS: Final = 0.2
ERASE: Final = "\r\x1b[K"


def run(arguments: Namespace) -> int:
    """Returns 1 if a file was damaged, events were lost or the user interrupted; shows what was read in any case."""
    if arguments.json and arguments.eve == STANDARD_OUTPUT:
        raise UsageError("--json and --eve - both write to standard output: give --eve a file")
    outcome = ReplayOutcome()
    with rules_of(arguments) as rules:
        ease_collector()
        try:
            for paths in [[path] for path in arguments.files] if arguments.separate else [arguments.files]:
                play(paths, rules, outcome)
        except KeyboardInterrupt:
            outcome.complain("interrupted: the result covers what was read until then")
    if rules.writer is not None:
        outcome.events = sum(rules.writer.written.values())
        outcome.lost = rules.writer.dropped
    show(outcome, arguments)
    return EXIT_FINDING if outcome.complaints or outcome.lost else EXIT_OK


@contextmanager
def rules_of(arguments: Namespace) -> Iterator[Rules]:
    """Opens configuration, lists and event file before the first frame is read."""
    config = load(arguments.config) if arguments.config is not None else Config()
    writer = EventWriter(arguments.eve, complain, append=False) if arguments.eve is not None else None
    lookup = open_lookup(config.geo)
    loaded = load_cached(user_lists(config))
    faults = list_faults(loaded.statuses)
    if faults:
        raise ListError("\n".join(faults))
    for line in missing_subscriptions(loaded.statuses):
        complain(line)
    yield Rules(config, loaded.index, lookup, writer)
    if writer is not None:
        writer.close()


def play(paths: list[str], rules: Rules, outcome: ReplayOutcome) -> None:
    """Adds files as one timeline to the outcome, as far as they can be read."""
    playback = Playback(paths, rules, outcome.errors)
    progress = Progress(sys.stderr)
    try:
        for frames in playback.batches():
            progress.show(playback, frames)
    finally:
        progress.clear()
        rows, samples = playback.finish()
        for part in playback.capture.parts:
            outcome.add_file(part.file.path, part.frames, part.file.bytes_read, part.file.complaint, part.refusal)
        outcome.add(rows, samples)


class Progress:
    """A progress line on a terminal, which each update overwrites."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal if terminal.isatty() else None
        self._next = time.monotonic() + PROGRESS_SECONDS
        self._shown = False

    def show(self, playback: Playback, frames: int) -> None:
        now = time.monotonic()
        if self._terminal is None or now < self._next:
            return
        self._next = now + PROGRESS_SECONDS
        self._shown = True
        capture = playback.capture
        share = f"{capture.bytes_read * 100 // capture.bytes_total} %" if capture.bytes_total else ""
        done = f"{bytes_text(capture.bytes_read)}, {count_text(frames, 'packet')}"
        self._terminal.write(f"{ERASE}{capture.path} {share} {done}")
        self._terminal.flush()

    def clear(self) -> None:
        if self._terminal is not None and self._shown:
            self._terminal.write(ERASE)
            self._terminal.flush()


def show(outcome: ReplayOutcome, arguments: Namespace) -> None:
    """Prints the table on standard output, or on standard error if standard output has the events."""
    for line in outcome.complaints:
        complain(line)
    if arguments.json:
        print(json.dumps(outcome.result()))
        return
    stream = sys.stderr if arguments.eve == STANDARD_OUTPUT else sys.stdout
    stream.write(outcome.text())
