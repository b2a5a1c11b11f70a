# Two commands set everything up: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test check soak lock clean
help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/:/'

$(VENV)/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/ready  ## the main job, from nothing to reconciled departments
	$(BIN)/bus demo

test: $(VENV)/ready  ## every check and test that CI runs
	$(BIN)/python -m tests.run

check: $(VENV)/ready ## lint, format, types, floors, sizes; seconds, no stack
	$(BIN)/python -m tests.run --only check

soak: $(VENV)/ready  ## the slow fault tests, at their full length
	$(BIN)/python -m tests.run --only soak

lock:            ## resolve the dependencies anew
	$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --extra views --generate-hashes --no-header --no-annotate --python-version 3.11 --universal -o requirements.lock

clean:           ## remove the environment; the embedded stack's data stay in .bus/
	rm -rf $(VENV)
