# Two commands for users, each from nothing but Python 3 and make: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := -m pip install --quiet --disable-pip-version-check

.PHONY: demo test stress bench lint typecheck wheel check clean bench-replay
.DEFAULT_GOAL := test

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) --editable '.[test]'
	@touch $@

# The whole idea on a real HTTP server, against an embedded CloudWatch; under a minute.
demo: $(STAMP)
	$(BIN)/python -m examples.flask_app.demo

test: $(STAMP)
	$(BIN)/python -m pytest --cov --cov-report=term-missing

# The long forms of the tests under tests/stress: about an hour.
stress: $(STAMP)
	$(BIN)/python -m tests.stress

# What a request, a process and a line cost, beside what people would use instead: five minutes.
bench: $(STAMP)
	$(BIN)/python $(PIP) --editable '.[bench]'
	$(BIN)/python -m benchmarks

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(STAMP)
	$(BIN)/mypy

# Builds the wheel, and imports it from an environment that has nothing else.
wheel: $(STAMP)
	rm -rf dist
	$(BIN)/python -m build --outdir dist >/dev/null
	$(PYTHON) -m venv dist/clean
	dist/clean/bin/python $(PIP) dist/*.whl
	cd dist && clean/bin/python -c 'import flask_errwatch; print("installed", flask_errwatch.__version__)'

# What replaying a log costs beyond reading it, and that its memory stays flat.
bench-replay: $(STAMP)
	$(BIN)/python -m benchmarks.replay

check: lint typecheck wheel test

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
