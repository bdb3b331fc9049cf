# `make run` and `make test` need git, make and python3 before them, and nothing else. `make help` shows every target.

VENV    := .venv
# Debian's own interpreter where there is one: a package that is built with another one runs on no other machine.
PYTHON  ?= $(firstword $(wildcard /usr/bin/python3) python3)
# The environment that a package is made of: this one, unless its Python is not Debian's.
DEB_VENV := $(if $(filter-out /usr/bin/%,$(realpath $(VENV)/bin/python3)),build/deb-venv,$(VENV))
PIP     := $(VENV)/bin/pip install --quiet --disable-pip-version-check
# Each file of requirements/ pins every version with the hashes of its files; `make lock` renews them.
LOCKED  := --require-hashes --requirement requirements
# gatewatch itself: what it is built with and what it needs are installed before it, from the locks.
OWN     := --no-build-isolation --no-deps .
SOURCES := pyproject.toml setup.py $(shell find monitor blocklists -name '*.py' -o -name '*.toml')
PYTEST  := .ci/pytest

# Tests of rooms without a kernel below them. They need no other program and no root, and a minute or less.
FAST    := not (netns or root or programs or slow or machine)
VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)
HOURS   := 8
SECONDS := 3600

# Folders with snapshots of the catalogue's sources, as blocklists/pipeline/sources.toml names them.
SNAPSHOTS ?= build/snapshots
PIPELINE  := PYTHONPATH=blocklists $(VENV)/bin/python -P -m pipeline

export PYTHON

.PHONY: help run lab fast test test-installed test-interpreted test-debian13 fuzz endure bench check dashboards deb \
	catalogue-report catalogue-merge docs references changelog lock pictures format clean

run: $(VENV)/run.stamp ## set everything up and watch this machine's network
	$(VENV)/bin/gatewatch run $(ARGS)

help: ## show this
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r name text; do printf '%-17s %s\n' "$$name" "$$text"; done

lab: $(VENV)/run.stamp ## make a network in namespaces with real traffic, and show what is seen
	.ci/packages lab
	$(VENV)/bin/gatewatch lab $(ARGS)

fast: $(VENV)/fast.stamp ## run the unit tests, interpreted: no root, no other program, under a minute
	$(PYTEST) interpreted --numprocesses=2 -m "$(FAST)" $(ARGS)

# Every test on both engines at once, because tests mostly wait: the compiled core as installed, and the same files
# interpreted. The output of each is shown as a whole when it is done.
test: $(VENV)/test.stamp ## run every test on both engines, as root, in a quarter of an hour
	$(MAKE) --jobs=2 --output-sync=target --no-print-directory test-installed test-interpreted

test-installed test-interpreted: test-%: $(VENV)/test.stamp
	$(PYTEST) $* --numprocesses=2 --dist=loadfile $(LEFT_OUT) $(ARGS)

# An emulated machine costs minutes, and shows the machine's side, not the engine's.
test-interpreted: LEFT_OUT := --ignore=tests/vm

# The compiled engine alone and no emulated machine, to save time: `.ci/debian13 make test` runs all.
test-debian13: ## run the tests and build the package in a root of Debian 13, as root
	.ci/debian13 make test-installed deb LEFT_OUT=--ignore=tests/vm ARGS='$(ARGS)'

fuzz: $(VENV)/test.stamp ## search for inputs that break a rule, for SECONDS=3600
	PYTHONPATH=tests:tests/policy $(VENV)/bin/python -P -m fuzz --seconds $(SECONDS) $(ARGS)

endure: $(VENV)/test.stamp ## run under load for HOURS=8, as root; results go to bench/RESULTS.md
	$(VENV)/bin/python bench/endure.py --hours $(HOURS)

bench: $(VENV)/test.stamp ## measure every figure of docs/figures.md, as root
	.ci/packages bench
	$(VENV)/bin/python bench/run.py $(ARGS)

check: $(VENV)/test.stamp ## check style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy monitor
	MYPYPATH=grafana $(VENV)/bin/mypy --explicit-package-bases grafana/boards
	MYPYPATH=blocklists $(VENV)/bin/mypy --explicit-package-bases blocklists/pipeline
	MYPYPATH=docs $(VENV)/bin/mypy --explicit-package-bases docs/generate

catalogue-report: $(VENV)/test.stamp ## compare the catalogue with the sources in SNAPSHOTS="FOLDER …"
	$(PIPELINE) report $(addprefix --inputs ,$(SNAPSHOTS)) $(ARGS)

catalogue-merge: $(VENV)/test.stamp ## merge the sources in SNAPSHOTS into the catalogue, and print the report
	$(PIPELINE) merge $(addprefix --inputs ,$(SNAPSHOTS)) $(ARGS)

dashboards: $(VENV)/test.stamp ## write Grafana's dashboards
	PYTHONPATH=grafana $(VENV)/bin/python -P -m boards

# What is installed in .venv, core compiled, as a Debian package for machines with the same Debian. Where .venv has a
# Python that is not Debian's, Debian's gets an environment of its own.
deb: $(DEB_VENV)/run.stamp ## build the Debian package, into build/deb
	$(DEB_VENV)/bin/pip install --quiet --disable-pip-version-check $(LOCKED)/package.txt
	$(DEB_VENV)/bin/python systemd/package/deb.py build/deb

ifneq ($(DEB_VENV),$(VENV))
$(DEB_VENV)/run.stamp: $(SOURCES)
	$(MAKE) VENV=$(DEB_VENV) PYTHON=/usr/bin/python3 $@
endif

docs: build/docs.stamp ## build the documentation site into build/site, warnings are errors
	NO_MKDOCS_2_WARNING=1 build/docs-venv/bin/mkdocs build --quiet --strict
	$(PYTHON) .ci/offline.py build/site

references: $(VENV)/fast.stamp ## write the generated pages of docs/reference/ and the JSON schema
	PYTHONPATH=.:docs $(VENV)/bin/python -P -m generate

changelog: $(VENV)/test.stamp ## move the fragments of changelog.d into CHANGELOG.md, under the version of pyproject.toml
	$(VENV)/bin/towncrier build --yes --version $(VERSION)

lock: build/lock.stamp ## renew requirements/: the newest versions, with hashes
	.ci/lock build/lock-venv/bin/uv

pictures: $(VENV)/test.stamp ## make the pictures of README and docs/ from the lab, as root
	$(VENV)/bin/python bench/pictures.py

format: $(VENV)/test.stamp ## mend style
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

clean: ## remove what was built, .venv too
	rm -rf $(VENV) build *.egg-info

$(VENV)/base.stamp: requirements/build.txt
	.ci/packages run
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(LOCKED)/build.txt
	touch $@

$(VENV)/run.stamp: $(VENV)/base.stamp requirements/run.txt $(SOURCES)
	$(PIP) $(LOCKED)/run.txt
	$(PIP) $(OWN)
	@$(VENV)/bin/python -P .ci/engine.py
	touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp requirements/test.txt
	.ci/packages test
	$(PIP) $(LOCKED)/test.txt
	touch $@

# An environment of its own for a program that gatewatch does not need: build/docs-venv, build/lock-venv.
build/docs.stamp build/lock.stamp: build/%.stamp: requirements/%.txt
	.ci/packages run
	$(PYTHON) -m venv build/$*-venv
	build/$*-venv/bin/pip install --quiet --disable-pip-version-check $(LOCKED)/$*.txt
	touch $@

# What the compiler takes minutes for is not built here; where it was built before, it stays.
$(VENV)/fast.stamp: $(VENV)/base.stamp requirements/run.txt requirements/test.txt pyproject.toml
	$(PIP) $(LOCKED)/run.txt
	test -e $(VENV)/run.stamp || GATEWATCH_ENGINE=interpreted $(PIP) $(OWN)
	$(PIP) $(LOCKED)/test.txt
	touch $@
