# Needs only Python 3.11 or newer, make and a package index. `make` lists what there is to do.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST ?= $(BIN)/pytest
ARGS ?=
EXAMPLES ?= 50
ROUNDS ?= 2
# More than cores: many tests wait for processes, leases and schedules.
WORKERS ?= 4

# Each name is broken by brackets, so that the search does not find itself.
REGISTRIES := pyp[i]\.org|pythonhoste[d]\.org|npmj[s]\.(org|com)|yarnpk[g]\.com|mave[n]\.org

RUNTIME := $(VENV)/.installed-runtime
DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help up demo test test-elasticmq fuzz simulate verify compose-smoke check security-report attack reliability bench league migrate package format openapi lock clean

help:  ## list these targets
	@echo "Usage: make TARGET [ARGS=\"...\"] [PYTHON=python3.12]"
	@sed -n "s/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p" $(MAKEFILE_LIST) | awk -F"|" "{printf \"%-18s %s\n\", \$$1, \$$2}"

up: $(RUNTIME)  ## start the whole platform on this machine; Ctrl-C stops it
	@$(BIN)/triggerfish up --end-with-parent $(ARGS)

demo: $(RUNTIME)  ## make and fire triggers on the running platform
	@$(BIN)/triggerfish demo $(ARGS)

test: $(DEV)  ## run the tests with a real Postgres, without Docker (WORKERS=4 at once)
	$(PYTEST) -n $(WORKERS) --dist loadfile -m "not elasticmq" $(ARGS)

test-elasticmq: $(DEV)  ## run the tests that are about the queue with a real ElasticMQ (Java, Maven)
	$(BIN)/python tests/elasticmq/run.py $(ARGS)

fuzz: $(DEV)  ## run schemathesis longer (EXAMPLES=50 for each operation, SEED=1), through both lanes
	TRIGGERFISH_FUZZ_EXAMPLES=$(EXAMPLES) TRIGGERFISH_FUZZ_SEED=$(or $(SEED),1) TRIGGERFISH_FUZZ_LANES="native event" $(PYTEST) tests/integration/fuzz $(ARGS)

compose-smoke: $(DEV)  ## bring docker-compose.yml up, on an engine made for it if need be, and check it
	$(BIN)/python -m tests.compose.run $(ARGS)

check: $(DEV)  ## check format, style, types, imports, the template and that no registry is named
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cfn-lint infra/template.yaml
	@if git grep -nIE "$(REGISTRIES)"; then echo "A tracked file names a package registry."; exit 1; fi

security-report: $(DEV)  ## mount every attack and write the table in docs/security.md
	$(BIN)/python -m pytest -p tests.security_report -m attack -q $(ARGS)

attack: $(DEV)  ## attack a platform while another tenant is timed (ARGS=--write for docs/security.md)
	$(BIN)/python -m tests.attack $(ARGS)

reliability: $(DEV)  ## inject every fault ROUNDS times (2), write the table in docs/reliability.md
	rm -rf .cache/reliability
	for round in $$(seq $(ROUNDS)); do $(PYTEST) -n 2 --dist loadfile -m fault tests/e2e $(ARGS) || exit 1; done
	$(BIN)/python -m tests.e2e.reliability

bench: $(DEV)  ## measure speed, print a table, keep bench-results/
	$(BIN)/python -m tests.bench $(ARGS)

league: $(DEV)  ## measure peers beside us in one run (ARGS=--quick for less), write docs/evidence/league.md
	$(BIN)/python -m tests.league $(ARGS)

simulate: $(DEV)  ## run SEEDS=200 simulated platforms full of faults, or SEED=7 alone
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),200)) $(ARGS)

verify: $(RUNTIME)  ## judge the invariants on the running platform, beside whatever it does
	@$(BIN)/triggerfish verify $(ARGS)

migrate: $(RUNTIME)  ## bring the database in TRIGGERFISH_DATABASE_URL to the current schema
	$(BIN)/triggerfish migrate

package: $(RUNTIME)  ## build the Lambda layer into dist/ for `sam deploy`
	$(BIN)/python infra/package.py $(ARGS)

format: $(DEV)  ## format the code and fix what can be fixed
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

openapi: $(RUNTIME)  ## renew docs/openapi.json from the functions
	@$(BIN)/triggerfish openapi

lock: $(DEV)  ## resolve the dependencies anew into the two lock files
	$(PIP) install --require-hashes -r requirements-uv.lock
	$(call resolve,--group build pyproject.toml,requirements.lock)
	$(call resolve,--group build --group dev pyproject.toml,requirements-dev.lock)
	$(call resolve,--group install,requirements-uv.lock)

clean:  ## remove the environment and caches; the state in .triggerfish stays
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis dist

resolve = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-find-links $(1) -o $(2)

$(BIN)/python:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..."; exit 1; }
	@echo "install: making an environment in $(VENV) with $(PYTHON)" >&2
	@$(PYTHON) -m venv $(VENV)

# The development environment holds the runtime one, so `make up` after `make test` installs nothing.
$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	@infra/install.sh $(VENV) requirements.lock
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml | $(BIN)/python
	@infra/install.sh $(VENV) requirements-dev.lock
	@touch $@ $(RUNTIME)
