# Everything runs in .venv, which is made on first use; `make PYTHON=python3.13 …` chooses another
# interpreter.

PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
BIN := .venv/bin

# Tests start hundreds of processes; none of them has to compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

CHROMIUM := /usr/bin/chromium
MINUTES ?= 60

.PHONY: help demo serve test screenshots simulate torture check bench bench-mapping performance clean

help:
	@echo "make demo      let a simulated Entra provision an example product"
	@echo "make serve     run the example product and keep it running"
	@echo "make test      run the tests; installs Debian's chromium where it is missing"
	@echo "make simulate  run all simulated directories, in every mode, with 500 people each"
	@echo "make screenshots  take the pictures of the page in docs/images anew"
	@echo "make torture   kill a server under load again and again, for MINUTES=60"
	@echo "make check     run the linters and the type checker"
	@echo "make bench     measure; make bench-mapping measures the attribute mapping"
	@echo "make performance  put the latest measurements into docs/performance.md"
	@echo "make clean     remove what the others have made"

.venv/ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: .venv/ready
	@$(BIN)/python -m examples.acme.demo

serve: .venv/ready
	@$(BIN)/python -m examples.acme.serve

$(CHROMIUM):
	apt-get update --quiet
	apt-get install --quiet --yes --no-install-recommends chromium

test: .venv/ready $(CHROMIUM)
	$(BIN)/python -m pytest -n 3 --dist worksteal

simulate: .venv/ready
	SIMULATE_IN_FULL=1 $(BIN)/python -m pytest -n 2 --dist worksteal tests/simulate/test_simulators.py

screenshots: .venv/ready $(CHROMIUM)
	@$(BIN)/python -m tests.page.screenshots

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready
	@$(BIN)/python -m benchmarks

performance: .venv/ready
	@$(BIN)/python -m benchmarks.publish

torture: .venv/ready
	@$(BIN)/python -m tests.torture --minutes $(MINUTES)

bench-mapping: .venv/ready
	@$(BIN)/python -m benchmarks.templates
	@$(BIN)/python -m benchmarks.remapping

clean:
	find scim_asgi tests examples benchmarks -name __pycache__ -prune -exec rm -r {} +
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
