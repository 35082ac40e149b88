# Two commands for users, each from nothing but Python 3 and make: `make demo` and `make test`.

# Another interpreter goes with another environment: make test PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Quiet twice: errors only. What pip warns of is about the machine, not about the project.
PIP := -m pip install -qq --disable-pip-version-check
# A worker per core. No test shares a folder, a port or an account with another.
PYTEST := -m pytest -n auto --maxprocesses 8 --dist worksteal

# A checkout in which the modules that every response passes through are compiled, as in the wheels of
# a release; here they never are, so that tests and editors see what they run.
COMPILED := build/compiled
# So that compiled functions call each other, and Python, without a detour, and each is there once.
COMPILE := CFLAGS='-fvisibility=hidden -fno-plt -fno-ipa-cp-clone' HATCH_BUILD_HOOK_ENABLE_MYPYC=1
# Tests of what is compiled, and of the servers and signals that it runs under.
TOUCHED := $(addprefix tests/, capture delivery/journal delivery/test_start.py stress \
	test_extension.py test_guard.py)
IMPORTED := from flask_errwatch import __version__; from flask_errwatch.capture import middleware; print("imported", __version__, middleware)

.PHONY: environment demo test test-touched coverage test-compiled stress stress-short fuzz fuzz-short bench \
	bench-replay detection lint typecheck wheel check clean
.DEFAULT_GOAL := test

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) 'pip>=25.1'
	$(BIN)/python $(PIP) --group test --editable '.[duckdb,lab,replay]'
	@touch $@

environment: $(STAMP)

# The whole idea on a real HTTP server, against an embedded CloudWatch; under a minute.
demo: $(STAMP)
	$(BIN)/python -m examples.flask_app.demo

# Four to five minutes on two cores. Asserts no duration, so a busy machine does not fail it.
test: $(STAMP)
	$(BIN)/python $(PYTEST)

# Those that depend most on the version of Python: the examples in docstrings, and requests, signals
# and processes.
test-touched: $(STAMP)
	$(BIN)/python $(PYTEST) flask_errwatch $(TOUCHED)

# The same tests, with the branches that they cover: fails under 95 %.
coverage: $(STAMP)
	$(BIN)/python $(PYTEST) --cov --cov-report=term-missing

# Some tests once more, with compiled modules; `test` has run them with the same modules as they are.
test-compiled: $(COMPILED)
	cd $(COMPILED) && $(CURDIR)/$(BIN)/python -c 'from benchmarks.variants import is_compiled; assert is_compiled()'
	cd $(COMPILED) && $(CURDIR)/$(BIN)/python $(PYTEST) -m "stress or not stress" $(TOUCHED)

# The long forms of the cases under tests/stress, with the durations that are promised: about an
# hour, on a machine that does nothing else.
stress: $(STAMP)
	$(BIN)/python -m tests.stress

# Their short forms and that of the benchmarks, which assert no duration.
stress-short: $(STAMP)
	$(BIN)/python $(PYTEST) -m stress $(shell grep -rl 'mark\.stress' tests --include='test_*.py')

# Random inputs, new ones each time, for each target of tests/fuzz: make fuzz FUZZ_MINUTES=60
FUZZ_MINUTES ?= 10
fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz --seconds $$(($(FUZZ_MINUTES) * 60))

fuzz-short: $(STAMP)
	$(BIN)/python -m tests.fuzz --seconds 20

# What a request, a process and a line cost, beside what people would use instead: five minutes.
bench: $(COMPILED)
	$(BIN)/python $(PIP) --group bench
	cd $(COMPILED) && $(CURDIR)/$(BIN)/python -m benchmarks --repository $(CURDIR)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(STAMP)
	$(BIN)/mypy

# Builds the wheel that runs everywhere, and imports it from an environment with nothing else; then
# the one that is compiled for this Python and system.
wheel: $(COMPILED)
	rm -rf dist
	$(BIN)/python -m build --outdir dist >/dev/null
	$(BIN)/twine check --strict dist/*
	$(PYTHON) -m venv dist/clean
	dist/clean/bin/python $(PIP) dist/*.whl
	cd dist && clean/bin/python -c '$(IMPORTED)'
	cp build/wheel/*.whl dist
	dist/clean/bin/python $(PIP) --force-reinstall --no-deps build/wheel/*.whl
	cd dist && clean/bin/python -c '$(IMPORTED)'

$(COMPILED): $(STAMP) $(shell find flask_errwatch tests benchmarks -name '*.py')
	rm -rf build
	mkdir -p $@
	$(COMPILE) $(BIN)/python -m build --outdir build/wheel >/dev/null
	tar xzf build/wheel/*.tar.gz --strip-components=1 -C $@
	$(BIN)/python -m zipfile -e build/wheel/*.whl $@
	touch $@

# What replaying a log costs beyond reading it, and that its memory stays flat.
bench-replay: $(STAMP)
	$(BIN)/python -m benchmarks.replay
	$(BIN)/python -m benchmarks.replay_engines

# What the default alarms see of the labelled logs beside the project, and what not: half a minute.
# Other logs: make detection LOGS=folder TRUTH=truth.csv
LOGS := ../shared/data
TRUTH := ../shared/detection/truth.csv
detection: $(STAMP)
	$(BIN)/python -m benchmarks.detection $(LOGS) --truth $(TRUTH)

# What CI runs, on one interpreter.
check: lint typecheck wheel coverage test-compiled stress-short fuzz-short

clean:
	rm -rf .venv .venv-* build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
