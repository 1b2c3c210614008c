# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV ?= .venv
BIN := $(VENV)/bin
# The first of these that runs and is 3.11 to 3.13; name another with: make PYTHON=/path/to/python …
PYTHON ?= $(shell .ci/find-python)
OTHER_PYTHON ?= $(shell .ci/find-python --other "$(PYTHON)")
MOLECULE_GLOB := {molecule,roles/*/molecule}/*/molecule.yml
export MOLECULE_GLOB
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help
help: ## List the targets
	@awk -F':.*## ' '/^[a-z0-9%-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.ready ## Make .venv with the laman command (no root)

$(VENV)/.ready: requirements/*.txt pyproject.toml .ci/venv
	@.ci/venv "$(PYTHON)" "$(VENV)"
	@touch $@

.PHONY: demo
demo: setup ## Run the main job on the embedded example; ends with the workbook's path (no root)
	@python demo/run.py

.PHONY: test
test: setup test-deps lint test-unit test-fleet test-other-python ## Everything: linters, unit, integration with real services, molecule

.PHONY: test-deps
test-deps: ## Install what the tests need (Debian packages; needs root, says so otherwise)
	@tests/install-deps.sh

.PHONY: lint
lint: setup ## ruff, mypy, ansible-lint (production), who may import whom
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	ansible-lint --profile production --offline --strict

.PHONY: test-unit
test-unit: setup ## Fast tests without services
	pytest tests/unit

.PHONY: test-fleet
test-fleet: setup ## Integration tests and molecule, on real hosts over SSH
	@.ci/test-fleet

.PHONY: test-other-python
test-other-python: ## The unit tests and the main job on the other supported Python, where one is installed
	@if [ -n "$(OTHER_PYTHON)" ]; then .ci/other-python "$(OTHER_PYTHON)"; else echo "no other supported Python is installed here"; fi

.PHONY: soak
soak: setup test-deps ## What is heavy: 200 seeded kills, long runs
	pytest -m soak tests

.PHONY: bench
bench: $(patsubst tests/bench/bench_%.py,bench-%,$(wildcard tests/bench/bench_*.py)) ## All benchmarks, each beside its peer

bench-%: setup ## One of them: bench-backup, bench-content, bench-visitor_log, bench-workbook, bench-worktime
	python -m tests.bench.bench_$*

.PHONY: lock
lock: ## Write the locked requirements anew (maintainers)
	requirements/lock.sh $(PYTHON) $(OTHER_PYTHON)

.PHONY: clean
clean: ## Remove what the targets made (not the inventories, not their records)
	rm -rf .venv .venv-* .demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache .ansible
