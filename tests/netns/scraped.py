"""A real Prometheus on the lab's gateway, with the project's own configuration, and what it answers."""

import json
import re
import shutil
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from monitor.lab.child import Child
from monitor.lab.lab import Lab

ADDRESS: Final = "127.0.0.1:9090"
READY_SECONDS: Final = 60.0
# Nobody waits for a minute here: everything is scraped and worked out once a second.
EVERY: Final = re.compile(r"\b((?:scrape_|evaluation_)?interval): \d+[sm]")

Series = dict[str, Any]


class Prometheus:
    """Runs what lies in `configuration` (prometheus.yml and what it names), once a second instead of as it says."""

    def __init__(self, lab: Lab, configuration: Path, folder: Path) -> None:
        self._gateway = lab.gateway
        folder.mkdir(exist_ok=True)
        for path in (configuration, *(configuration.parent / "alerts").glob("*.yml")):
            path.write_text(EVERY.sub(r"\1: 1s", path.read_text()))
        program = shutil.which("prometheus")
        assert program, "prometheus is in Debian's package of that name"
        command = [program, f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}"]
        self.child = Child(lab.gateway, [*command, f"--web.listen-address={ADDRESS}"], folder / "prometheus.log")
        self.began = time.time()
        self.wait_for("be ready", lambda: self.get("/-/ready") is not None)

    def stop(self) -> None:
        self.child.stop()

    def wait_for(self, what: str | Callable[[], str], true: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert self.child.running(), self.child.last_words()
            words = what if isinstance(what, str) else what()
            assert time.monotonic() < deadline, f"Prometheus did not {words} within {seconds:.0f} s"
            time.sleep(0.2)

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API, None where it does not answer or not well."""
        return self._gateway.inside(lambda: fetch(path, parameters))

    def value(self, expression: str) -> float:
        """The sum of an instant query's values, 0 where there are none."""
        return sum(float(series["value"][1]) for series in self.get("/api/v1/query", query=expression)["result"])

    def answers(self, questions: list[tuple[str, bool]]) -> list[list[Series]]:
        """What each expression gives: at once (instant), or each second since the beginning."""
        now = time.time()
        # A step beyond now, lest the newest samples lie behind the last one.
        course = {"start": f"{self.began:.3f}", "end": f"{now + 1:.3f}", "step": "1"}

        def ask() -> list[list[Series]]:
            answers = []
            for expression, instant in questions:
                path, times = ("query", {"time": f"{now:.3f}"}) if instant else ("query_range", course)
                data = fetch(f"/api/v1/{path}", {"query": expression, **times})
                assert data is not None, expression
                answers.append(data["result"])
            return answers

        return self._gateway.inside(ask)

    def answers_with_data(self, questions: list[tuple[str, bool]]) -> dict[tuple[str, bool], list[Series]]:
        """The answers as soon as each has a number: what began last needs two more scrapes before it has a rate."""
        found: dict[tuple[str, bool], list[Series]] = {}

        def ask() -> bool:
            missing = [question for question in dict.fromkeys(questions) if question not in found]
            answers = zip(missing, self.answers(missing), strict=True)
            found.update({question: answer for question, answer in answers if any(map(figures, answer))})
            return len(found) == len(set(questions))

        def what() -> str:
            return f"give data for {[question[0] for question in questions if question not in found]}"

        self.wait_for(what, ask)
        return found


def fetch(path: str, parameters: dict[str, str]) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    try:
        with opener.open(f"http://{ADDRESS}{path}{query}", timeout=20) as reply:
            text = reply.read().decode()
    except OSError:
        return None
    return json.loads(text)["data"] if text.startswith("{") else text


def figures(series: Series) -> list[float]:
    """All values of a series that are numbers."""
    pairs = series["values"] if "values" in series else [series["value"]]
    values = [float(value) for _, value in pairs]
    return [value for value in values if value == value]
