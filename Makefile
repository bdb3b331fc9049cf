# `make run` and `make test` need git, make and python3 before them, and nothing else.

VENV    := .venv
PIP     := $(VENV)/bin/pip install --quiet --disable-pip-version-check
SOURCES := pyproject.toml setup.py $(shell find monitor blocklists -name '*.py' -o -name '*.toml')
PYTEST  := .ci/pytest

.PHONY: run test test-installed test-interpreted check lab bench dashboards format clean

run: $(VENV)/run.stamp
	$(VENV)/bin/gatewatch run $(ARGS)

lab: $(VENV)/run.stamp
	.ci/packages lab
	$(VENV)/bin/gatewatch lab $(ARGS)

# Every test on both engines at once, because tests mostly wait: the compiled core as installed, and the same files
# interpreted. What each says comes as a whole when it is done.
test: $(VENV)/test.stamp
	$(MAKE) --jobs=2 --output-sync=target --no-print-directory test-installed test-interpreted

test-installed test-interpreted: test-%: $(VENV)/test.stamp
	$(PYTEST) $* --numprocesses=2 --dist=loadfile $(LEFT_OUT) $(ARGS)

# An emulated machine costs minutes, and shows the machine's side, not the engine's.
test-interpreted: LEFT_OUT := --ignore=tests/vm

check: $(VENV)/test.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy monitor
	MYPYPATH=grafana $(VENV)/bin/mypy --explicit-package-bases grafana/boards

bench: $(VENV)/test.stamp
	.ci/packages bench
	$(VENV)/bin/python bench/run.py $(ARGS)

dashboards: $(VENV)/test.stamp
	PYTHONPATH=grafana $(VENV)/bin/python -P -m boards

# What is installed in .venv, core compiled, as a Debian package for machines with the same Debian.
deb: $(VENV)/run.stamp
	$(PIP) --group package
	$(VENV)/bin/python systemd/package/deb.py build/deb

format: $(VENV)/test.stamp
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/base.stamp:
	.ci/packages run
	python3 -m venv $(VENV)
	$(PIP) --upgrade pip
	touch $@

$(VENV)/run.stamp: $(VENV)/base.stamp $(SOURCES)
	$(PIP) '.[lab]'
	@$(VENV)/bin/python -P .ci/engine.py
	touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	.ci/packages test
	$(PIP) --group dev
	touch $@
