# `make run` and `make test` need git, make and python3 before them, and nothing else.

VENV    := .venv
# Debian's own interpreter where there is one: a package that is built with another one runs on no other machine.
PYTHON  ?= $(firstword $(wildcard /usr/bin/python3) python3)
# The environment that a package is made of: this one, unless its Python is not Debian's.
DEB_VENV := $(if $(filter-out /usr/bin/%,$(realpath $(VENV)/bin/python3)),build/deb-venv,$(VENV))
PIP     := $(VENV)/bin/pip install --quiet --disable-pip-version-check
SOURCES := pyproject.toml setup.py $(shell find monitor blocklists -name '*.py' -o -name '*.toml')
PYTEST  := .ci/pytest

export PYTHON

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

# What is installed in .venv, core compiled, as a Debian package for machines with the same Debian. Where .venv has a
# Python that is not Debian's, Debian's gets an environment of its own.
deb: $(DEB_VENV)/run.stamp
	$(DEB_VENV)/bin/pip install --quiet --disable-pip-version-check --group package
	$(DEB_VENV)/bin/python systemd/package/deb.py build/deb

ifneq ($(DEB_VENV),$(VENV))
$(DEB_VENV)/run.stamp: $(SOURCES)
	$(MAKE) VENV=$(DEB_VENV) PYTHON=/usr/bin/python3 $@
endif

format: $(VENV)/test.stamp
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/base.stamp:
	.ci/packages run
	$(PYTHON) -m venv $(VENV)
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
