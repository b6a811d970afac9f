# make run    start the assistant          make test   run every test
# make check  linter and type checker      make clean  remove the environment and what tools left behind
#
# Needs Python 3.11 or newer with venv, make, and pip's package index. PYTHON=/path/to/python chooses another one.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help run test check tools clean

help: ## this list
	@echo "usage: make TARGET"
	@grep -hE '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  %-8s %s\n", $$1, $$2}'

run: $(VENV)/run.stamp ## start the assistant on the seed article (FILES="a.txt b.pdf" for others, PORT=8000, HOST=...)
	@$(BIN)/python app.py $(if $(HOST),--host "$(HOST)") $(if $(PORT),--port "$(PORT)") $(FILES)

test: $(VENV)/test.stamp tools ## every test, in a real browser too (ARGS="-k name" for some)
	@$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/test.stamp ## ruff and mypy
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy

# The environment. A stamp is written last, so an interrupted installation starts over instead of half working.
$(VENV)/made.stamp:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Spanwise needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" --version 2>/dev/null || echo not there). Try: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@rm -rf $(VENV)
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make environments; on Debian install python3-venv." >&2; exit 1; }
	@touch $@

$(VENV)/run.stamp: pyproject.toml $(VENV)/made.stamp
	@echo "Installing into $(VENV), once: about 2 GB on disk, a few minutes ..." >&2
	@$(PIP) install --editable .
	@touch $@

$(VENV)/test.stamp: pyproject.toml $(VENV)/made.stamp
	@echo "Installing with what the tests need into $(VENV), once: about 2 GB on disk, a few minutes ..." >&2
	@$(PIP) install --editable '.[test]'
	@touch $(VENV)/run.stamp $@

# What the tests drive and pip cannot bring. A package that starts a server is not put on a machine whose systemd would
# start it, except in CI.
tools:
	@wanted=""; missing=""; \
	if ! command -v chromium chromium-browser google-chrome >/dev/null; then \
	  wanted="chromium fonts-liberation"; missing="Chromium: BROWSER TESTS WILL NOT RUN"; fi; \
	if ! PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || ! command -v openssl >/dev/null; then \
	  if [ -n "$${CI:-}" ] || [ ! -d /run/systemd/system ]; then wanted="$$wanted nginx-light openssl"; fi; \
	  missing="$${missing:+$$missing; }nginx or openssl: NOTHING IS TESTED BEHIND A PROXY"; fi; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	as_root=""; if [ "$$(id -u)" -ne 0 ]; then as_root="sudo -n"; fi; \
	if [ -n "$$wanted" ] && command -v apt-get >/dev/null && { [ -z "$$as_root" ] || $$as_root true 2>/dev/null; }; then \
	  echo "Installing what the tests drive (Debian's $$wanted) ..." >&2; \
	  $$as_root apt-get update -qq && $$as_root apt-get install -y -qq --no-install-recommends $$wanted >&2 || true; \
	  if command -v chromium chromium-browser google-chrome >/dev/null && PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null \
	    && command -v openssl >/dev/null; then exit 0; fi; \
	fi; \
	echo "****************************************************************************" >&2; \
	echo "* Not here, and not installed: $$missing" >&2; \
	echo "****************************************************************************" >&2; \
	if [ -n "$${CI:-}" ]; then exit 1; fi

clean: ## remove the environment and what the tools left behind
	rm -rf $(VENV) build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache test-output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
