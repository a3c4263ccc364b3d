# Everything a developer or newcomer needs. Works from a bare clone: each target sets up what it uses.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

# Where this is set, each of the hundreds of processes that tests start would compile the program anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo run publish psql quality sources test integration faults attacks real-model protections chaos check format schema bench clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

LESSONS ?= 4
demo: $(VENV)/local system ## One course from nothing: services, worker, request, result; make demo LESSONS=1
	@$(BIN)/python app.py local demo --lessons $(LESSONS)

run: $(VENV)/local system ## Serve with private local services until Ctrl-C
	@$(BIN)/python app.py local run

publish: $(VENV)/local ## Send a request to `make run`: make publish ARGS='--topic "Cell Biology" --wait'
	@$(BIN)/python app.py local exec -- $(BIN)/python test_publisher.py $(ARGS)

psql: $(VENV)/local ## Open psql on the local database: make psql ARGS="-c 'SELECT …'"
	@$(BIN)/python app.py local psql -- $(ARGS)

quality: $(VENV)/local ## What was measured of local courses, the worst first, or of one: make quality ARGS=COURSE
	@$(BIN)/python app.py local app -- quality $(ARGS)

sources: $(VENV)/local ## The local library of sources: make sources ARGS="add books --prefix biology/"
	@$(BIN)/python app.py local app -- sources $(ARGS)

# All of them in four processes, each with services of its own: they wait more than they work. A part runs in one.
test: $(VENV)/dev system-for-tests ## Run the tests, with PostgreSQL and RabbitMQ of their own
	@$(BIN)/python -m pytest $(or $(ARGS),-n 4 --dist worksteal)

integration: $(VENV)/dev system-for-tests ## Run the integration tests on the system's PostgreSQL, an older one
	@TEST_POSTGRES=system $(BIN)/python -m pytest tests/integration $(or $(ARGS),-n 4 --dist worksteal)

faults: $(VENV)/dev system-for-tests ## Run the tests that take long: load, many kills, chaos, interrupted runs
	@$(BIN)/python -m pytest -m long $(or $(ARGS),-n 2 --dist worksteal)

attacks: $(VENV)/dev system-for-attacks ## Run the attacks: roles, publishers, files and ports that do harm where they can
	@$(BIN)/python -m pytest -m attack $(or $(ARGS),-n 4 --dist worksteal)

real-model: $(VENV)/dev system ## A course of one lesson by a real model on this machine: 1.1 GB, up to an hour
	@$(BIN)/python -m tests.real_model

FAULTS ?=
protections: $(VENV)/dev system-for-attacks ## Switch protections off, one at a time, and see their tests fail: FAULTS="7 20", or all
	@$(BIN)/python -m tests.protections $(FAULTS)

MINUTES ?= 5
chaos: $(VENV)/dev system ## Workers, requests, kills and restarts for a while, then an audit: make chaos MINUTES=20
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES) $(ARGS)

check: $(VENV)/dev ## Format, lint, types, layers; schema.sql and docs/contract are up to date
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python app.py db schema --check
	@$(BIN)/python app.py contract --check

format: $(VENV)/dev ## Format the code, and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

schema: $(VENV)/dev ## Make schema.sql and docs/contract again
	@$(BIN)/python app.py db schema
	@$(BIN)/python app.py contract

bench: $(VENV)/dev system ## Measure one course alone, many at once, intake with a long backlog, the sources, the gates, attacks
	@$(BIN)/python -m benchmarks.worker_speed $(ARGS)
	@$(BIN)/python -m benchmarks.intake_speed
	@$(BIN)/python -m benchmarks.source_search
	@$(BIN)/python -m benchmarks.review_speed
	@$(BIN)/python -m benchmarks.gates
	@$(BIN)/python -m benchmarks.repair_cost
	@$(BIN)/python -m benchmarks.under_attack

clean: ## Remove the virtual environment, local services with their data, and caches; courses stay
	@./scripts/remove-elsewhere
	@rm -rf $(VENV) .services .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What comes from the system: RabbitMQ, where neither it nor Docker is there. Without the rights to install it, the
# program that needs it says what to do.
.PHONY: system
system:
	@./scripts/install-package rabbitmq-server /usr/sbin/rabbitmq-server "$$(command -v rabbitmq-server)"

# What only tests need: a pooler, and another PostgreSQL than the wheel's, which has TLS too.
.PHONY: system-for-tests
system-for-tests: system
	@./scripts/install-package pgbouncer /usr/sbin/pgbouncer
	@./scripts/install-package postgresql /usr/lib/postgresql/*/bin/postgres

.PHONY: system-for-attacks
system-for-attacks: system-for-tests
	@./scripts/install-package openssl "$$(command -v openssl)"

$(VENV)/python:
	@./scripts/make-venv $(PYTHON) $(VENV)
	@touch $@

$(VENV)/local: $(VENV)/python requirements.txt requirements-local.txt
	@echo "Installing the pinned packages into $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-local.txt
	@touch $@

$(VENV)/dev: $(VENV)/local requirements-dev.txt requirements-templates.txt
	@echo "Installing the tools for development into $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-templates.txt
	@touch $@
