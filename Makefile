# Millrace: `make` lists what can be done.

PYTHON ?= python3
RUN := .venv/bin/python
PIP := $(RUN) -m pip install --quiet --quiet --disable-pip-version-check
# For commands that must not need a database: an address where nobody answers.
OFFLINE := DATABASE_URL=postgres://nobody@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0

.DEFAULT_GOAL := help
.PHONY: help up test fast check bench chaos clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

up: .venv/.run ## Start everything with sample data, until Ctrl-C (MILLRACE_PORT, MILLRACE_DATA)
	@$(RUN) -m launcher up

test: .venv/.dev ## Run all tests against real PostgreSQL, Redis and workers (ARGS="-k loans")
	@$(RUN) -m launcher run --throwaway --data .data/test -- $(RUN) -m pytest -n logical --maxprocesses 4 --dist loadfile $(ARGS)

fast: .venv/.dev ## Run the tests that need no services
	@$(OFFLINE) $(RUN) -m pytest --fast -p no:schemathesis $(ARGS)

check: .venv/.dev ## Lint, format, types, migrations, architecture: what CI asks
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy .
	@$(OFFLINE) $(RUN) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@$(OFFLINE) $(RUN) -m pytest -q tests/architecture

bench: .venv/.dev ## Measure speed (ARGS for the benchmark)
	@$(RUN) -m launcher run --data .data/bench -- $(RUN) -m benchmarks $(ARGS)

chaos: .venv/.dev ## Storm over the job system: 10,000 tasks, servers and processes killed (SEED=1 TASKS=10000)
	@$(RUN) -m tests.chaos --seed $(or $(SEED),1) --tasks $(or $(TASKS),10000)

clean: ## Remove .venv, .data and caches
	@if [ -x $(RUN) ] && [ -d .data ]; then $(RUN) -m launcher remove; fi
	@rm -rf .venv .data .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made:
	@python=; for candidate in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11; do \
	  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Millrace needs Python 3.11 or newer. Install one, or name it: make up PYTHON=/path/to/python3" >&2; exit 1; fi; \
	if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$python cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; fi; \
	echo "Making .venv with $$($$python --version)."; $$python -m venv .venv
	@touch $@

.venv/.run: requirements.txt requirements/base.txt requirements/embedded.txt | .venv/.made
	@echo "Installing packages; the first time takes a minute."
	@$(PIP) -r requirements.txt
	@touch $@

.venv/.dev: requirements/dev.txt requirements/science.txt .venv/.run
	@echo "Installing packages for tests."
	@$(PIP) -r requirements/dev.txt -r requirements/science.txt
	@touch $@
