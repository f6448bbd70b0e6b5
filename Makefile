# make demo   from a fresh clone: makes the environment, runs the main example, names its report
# make test   the whole test suite
# make check  lint, format and types, of Python and of the pages' scripts
# make docs   the documentation, without network
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test check docs bench clean env dev

env: $(VENV)/.calib
dev: $(VENV)/.calib-dev

$(VENV)/.calib: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

$(VENV)/.calib-dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/.calib

# TypeScript checks the types that the scripts state in comments; Node comes with the dev extra.
node_modules/.calib: package-lock.json $(VENV)/.calib-dev
	PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --no-audit --no-fund
	touch $@

demo: env
	$(BIN)/calib demo

test: dev
	$(BIN)/python -m pytest -n auto --dist worksteal

check: dev node_modules/.calib
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent check

docs: dev
	$(BIN)/python -m sphinx -q -W --keep-going -b html -d build/doctrees docs build/docs
	@echo "docs: build/docs/index.html"

bench: dev
	for f in benchmarks/bench_*.py; do $(BIN)/python $$f || exit 1; done

clean:
	rm -rf $(VENV) node_modules runs site build dist
