# Everything runs from .venv, which `make install` builds once from the lock file.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: install demo up test test-all check bench docs lock clean

install: .venv/.installed

.venv/.installed: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: install
	$(BIN)/funnelhouse demo

up: install
	$(BIN)/funnelhouse up

# A worker takes whole files of tests, so that what a file's tests share is made once; there is one
# more than cores, since tests wait for processes that they start. Files come by name: by their
# numbers of tests, the few long ones would all run at the end.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

test: install
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-all: install
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "slow or not slow"

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/typos

bench: install
	$(BIN)/python -m bench

docs: install
	$(BIN)/python -m funnelhouse.sql.describe

# Needs the command `uv`; the locks pin versions and hashes and name no address.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet -o requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet -o requirements-dev.lock

clean:
	rm -rf .venv data
