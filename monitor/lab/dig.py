"""Sends many questions through one dig process."""

from collections.abc import Sequence
from typing import Final

from monitor.lab.namespace import Namespace

# The server, the name and the record type of a query.
Question = tuple[str, str, str]

PORT_IN_USE: Final = "failed: address in use"
BATCH_SECONDS: Final = 120.0


def asked(question: Question) -> str:
    """Returns the question in the form that dig reads and repeats in its output."""
    server, name, kind = question
    return f"@{server} {name} {kind}"


def dig_batch(namespace: Namespace, questions: Sequence[Question], options: Sequence[str]) -> dict[Question, str]:
    """Returns dig's output for each question; questions without output are missing.

    From version 9.20 on, dig starts a question before it has closed the port of the previous one. If all use the same
    port, dig skips questions that find the port in use; these are repeated.
    """
    printed: dict[str, str] = {}
    while missing := [line for line in map(asked, questions) if line not in printed]:
        lines = "".join(f"{line}\n" for line in missing)
        done = namespace.run(["dig", *options, "-f", "-"], input=lines, timeout=BATCH_SECONDS)
        more = {text.split("\n")[0].split("<<>> ")[-1]: text for text in done.stdout.split("\n; <<>> DiG ")}
        printed = {**more, **printed}
        if PORT_IN_USE not in done.stdout or not more.keys() & set(missing):
            break
    return {question: printed[asked(question)] for question in questions if asked(question) in printed}
