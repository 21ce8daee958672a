# `make serve` tries connectapp, `make test` passes every test, `make help` lists the rest.
# Needs make, Python 3.11 or later with venv, and the CA certificates (Debian: make python3-venv ca-certificates).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?= -n 2 --dist worksteal

# A shell that happens to export keys must not turn the sandbox into the real thing.
UNSET := $(shell env | sed -n 's/^\(CONNECTAPP_[A-Za-z0-9_]*\|STRIPE_[A-Za-z0-9_]*\)=.*/-u \1/p')
CLEAN := env $(UNSET)

.DEFAULT_GOAL := serve
.PHONY: serve test security mutants counterparty check profile clean help

serve: $(VENV)/installed-run var/vault.keys ## run the application and the sandbox
	@$(CLEAN) $(BIN)/connectapp migrate development.ini
	@$(CLEAN) $(BIN)/pserve development.ini

test: $(VENV)/installed-test counterparty ## run every test, with the coverage gate
	@$(CLEAN) $(BIN)/python -m pytest --cov --cov-report=term $(PYTEST_ARGS)

security: $(VENV)/installed-test ## the rows of docs/security-rows.md as a table, and every defence taken out once
	@$(CLEAN) $(BIN)/python -m pytest -q -m row --both-databases -p tests.security.table $(PYTEST_ARGS)
	@$(CLEAN) $(BIN)/python -m pytest -q tests/security/test_defences.py $(PYTEST_ARGS)
	@$(CLEAN) $(BIN)/python -m tests.security.defences

mutants: $(VENV)/installed-test ## change each key of each declaration, and see that a test notices
	@$(CLEAN) $(BIN)/python -m tests.providers.mutants

# An OAuth server that nobody here wrote; without npm its tests are skipped, and say so.
counterparty:
	@[ -d tests/counterparty/node_modules ] || ! command -v npm > /dev/null || \
	    npm ci --prefix tests/counterparty --silent --no-audit --no-fund || \
	    echo "make: tests/counterparty is not installed; tests that need it are skipped" >&2

check: $(VENV)/installed-dev ## formatting, lint, types, house rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(CLEAN) $(BIN)/python -m pytest -q tests/test_house_rules.py tests/test_docs.py

profile: $(VENV)/installed-dev ## CPU time of a link flow, beside Flask and Authlib by hand
	@$(CLEAN) $(BIN)/python benchmarks/profile.py

clean: ## remove what make made, but neither the database nor the keys
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .coverage* connectapp.egg-info build dist

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

# What each target needs, and no more: serve installs neither a browser driver nor a test tool.
$(VENV)/installed-run: EXTRAS =
$(VENV)/installed-test: EXTRAS = [test]
$(VENV)/installed-dev: EXTRAS = [dev]
$(VENV)/installed-%: setup.py constraints.txt
	@sh scripts/install.sh "$(PYTHON)" "$(VENV)" ".$(EXTRAS)"
	@touch $@

var/vault.keys: | $(VENV)/installed-run
	@umask 077 && mkdir -p var && $(CLEAN) $(BIN)/connectapp keys new > $@.new && mv $@.new $@
