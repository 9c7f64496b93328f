# Everything that is done with Soko, by people and by CI alike. Needs Python 3.11+ and make.

.DEFAULT_GOAL := help
.PHONY: help run processes stop reset demo bench growth check test test-long coverage documents lock

# The first Python that is new enough; make PYTHON=... names another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; echo python3)
BIN := .venv/bin
READY := .venv/.ready
MEMBERS := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml) gateway/pyproject.toml deploy/pyproject.toml
CODE := libs services gateway deploy tests bench

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.lock deploy/bootstrap.py $(MEMBERS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	found=$$(command -v $(PYTHON) >/dev/null && $(PYTHON) --version 2>&1 || echo "not there"); \
	echo "soko: Python 3.11 or newer is needed, and $(PYTHON) is $$found: make PYTHON=python3.13 run names another." >&2; exit 1; }
	@$(PYTHON) deploy/bootstrap.py

run: $(READY) ## the whole shop in one process, at http://127.0.0.1:8000
	@exec $(BIN)/soko run

processes: $(READY) ## the same shop, a process for each service, over RabbitMQ
	@exec $(BIN)/soko processes

stop: $(READY) ## stop the shop that runs here
	@$(BIN)/soko stop

reset: $(READY) ## stop the shop and delete its data
	@$(BIN)/soko reset

demo: $(READY) ## buy something and watch what happens
	@$(BIN)/soko demo

bench: $(READY) ## measure orders, requests, memory beside what the machine can do; ARGS="--quick", "--write" ...
	@$(BIN)/python -m bench $(ARGS)

growth: $(READY) ## measure the same with 1,000, 10,000 and 100,000 past orders; ARGS="--orders 10000 1000000" ...
	@$(BIN)/python -m bench.growth $(ARGS)

check: $(READY) ## lint, types, import rules, contracts, manifests
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports
	libs/contracts/compare-with-release
	$(BIN)/soko openapi --check
	$(BIN)/soko asyncapi --check
	$(BIN)/pytest -q tests/deploy/test_manifests.py

test: $(READY) ## all tests but the long ones
	SCHEMATHESIS_SEED=$${SCHEMATHESIS_SEED:-1} $(BIN)/pytest -n 2 -m "not long"

test-long: $(READY) ## the tests that take minutes each; PART=faults, kills ...: of one folder in tests/
	$(BIN)/pytest -m long $(if $(PART),tests/$(PART))

coverage: $(READY) ## how much of the domain and the chassis the tests reach: 90% at least
	$(BIN)/coverage run -m pytest -m "not long" -q libs services tests/conformance
	$(BIN)/coverage report

documents: $(READY) ## write what is made from the code: API documents, the page of settings
	@$(BIN)/soko openapi
	@$(BIN)/soko asyncapi
	@$(BIN)/python -m soko.configuration

lock: $(READY) ## write requirements.lock anew after a change of dependencies
	@uv=$$(uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv); \
	$$uv export --quiet --all-packages --all-groups --no-emit-workspace --no-header --format requirements-txt -o requirements.lock
