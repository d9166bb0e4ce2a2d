# `make sandbox` runs the whole path on this machine, `make test` passes the tests, `make check` reads the code,
# `make bench` measures, `make test-long` passes the tests that `make test` leaves out.
PYTHON ?= python3
OLDEST ?= $(firstword $(wildcard $(HOME)/.pyenv/versions/3.10.*/bin/python) python3.10)
VENV := .venv
RUN := $(VENV)/bin/python
LOCKED := .venv-lock
# One more than there are cores: what stops and starts servers waits for half of its time.
WORKERS := $(shell echo $$(($$(nproc) + 1)))
PIP := pip install --quiet --disable-pip-version-check
ON_THE_SANDBOX := tests/bench tests/engine tests/faults
WITH_CADDY := tests/engine $(patsubst %,tests/faults/test_%.py,activation drift files health hot_sites others own_caddyfile restarts rolling)
OVER_QUIC := tests/engine/test_path.py tests/faults/test_rolling.py tests/faults/test_restarts.py
# Tests that compare with what was read last: see `messages`.
READ_BEFORE := tests/program/test_snapshot.py tests/told/test_faults.py tests/argoweb/test_main.py $(patsubst %,tests/ingress/test_%.py,corpus inside origins) tests/settings/test_shapes.py $(patsubst %,tests/reports/test_%.py,files reports) tests/remote/test_runs.py
BROWSER := chromium chromedriver=chromium-driver

# Tests start some hundred programs of ours, each of which would compile its modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: sandbox test offline oldest test-long real check mutants messages bench down packages lock

sandbox: $(VENV)/ready
	@$(RUN) -m sandbox up && $(RUN) -m sandbox demo

# The tests that need no sandbox come first: they take minutes and say most of what can be said. The others wait for servers
# more than they work, so two sandboxes run side by side, each with a file of tests at a time.
test: offline
	@$(RUN) -m sandbox.engine
	@$(RUN) -m pytest -n 2 --dist loadfile --durations 10 -m "not long" $(ON_THE_SANDBOX)

offline: $(VENV)/ready
	@$(RUN) -m pytest -n $(WORKERS) -m "not engine and not long"

# What needs no sandbox once more, with the oldest Python that is supported.
oldest:
	@if $(OLDEST) --version; then $(MAKE) offline PYTHON=$(OLDEST) VENV=$(VENV)-oldest; \
	else echo "$(OLDEST) is not here: NOT CHECKED with it"; fi

# Each fault at each step, several servers and stacks, ways to reach and rebuild a server: far longer than `test`.
# Without a browser its tests say so and are left out.
test-long: $(VENV)/ready
	-@$(RUN) -m sandbox.packages $(BROWSER)
	@$(RUN) -m sandbox.engine
	@$(RUN) -m pytest --durations 10 -m long tests/contract $(ON_THE_SANDBOX)

# Everything with whatever real parts are here, which come first in a table. What depends on Caddy runs again with the
# oldest one, and what drops or keeps requests over QUIC. A step that fails does not keep the next from running; the end
# says which did. What was skipped for want of a real part is counted by part at the end of each step, never as passed.
real: $(VENV)/ready
	-@$(RUN) -m sandbox.packages $(BROWSER)
	@$(RUN) -m sandbox.parts
	@$(RUN) -m sandbox.engine
	@failed=; step() { echo "== $$*"; env "$$@" || failed="$$failed; $$*"; }; \
	step $(RUN) -m pytest -n $(WORKERS) -m "not engine"; \
	step $(RUN) -m pytest --durations 10 $(ON_THE_SANDBOX); \
	step SANDBOX_CADDY=2.8.4 $(RUN) -m pytest --durations 10 $(WITH_CADDY); \
	step SANDBOX_TUNNEL_PROTOCOL=quic $(RUN) -m pytest --durations 10 $(OVER_QUIC); \
	if [ -n "$$failed" ]; then echo "FAILED$$failed"; exit 1; fi

check: $(VENV)/ready
	@$(RUN) -m ruff format --check . && $(RUN) -m ruff check . && $(RUN) -m mypy
	@$(RUN) -m pytest -q -k shellcheck tests/remote

# Whether the tests would see a small mistake: FILES="components remote/put.sh" SHARE=0.1 SEED=1 take some of all mistakes.
mutants: $(VENV)/ready
	@nice -n 10 $(RUN) -m tests.mutants

# What each rejected configuration is told, what the engine is asked for, and what the documents say of codes and keys, for a
# review to read.
messages: $(VENV)/ready
	@$(RUN) -m tests.settings.messages
	@$(RUN) -m package.schema >tests/package/schema.json
	@$(RUN) -m settings.reference markdown >docs/configuration.md
	@$(RUN) -m settings.reference schema >docs/stack.schema.json
	@WRITE=yes $(RUN) -m pytest -q $(READ_BEFORE)

bench: $(VENV)/ready
	@$(RUN) -m sandbox.packages wrk && $(RUN) -m bench

down: $(VENV)/ready
	@$(RUN) -m sandbox down

# With the system's Python: where it cannot make a virtual environment, that takes a package too.
packages:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.11")'
	@$(PYTHON) -m sandbox.packages

# Pins the development tools, not what the product requires: with the oldest Python, make lock PYTHON=python3.10
lock:
	@rm -rf $(LOCKED) && $(PYTHON) -m venv $(LOCKED)
	@$(LOCKED)/bin/$(PIP) -r requirements.txt -r requirements-cli.txt && $(LOCKED)/bin/pip freeze >$(LOCKED)/product
	@$(LOCKED)/bin/$(PIP) -r requirements-dev.txt && $(LOCKED)/bin/pip freeze >$(LOCKED)/all
	@{ echo "# Written by: make lock"; grep -vxFf $(LOCKED)/product $(LOCKED)/all; } >requirements-dev.lock
	@rm -rf $(LOCKED)

$(VENV)/ready: requirements.txt requirements-cli.txt requirements-dev.txt requirements-dev.lock | packages
	@echo "installing the Python packages into $(VENV); once, a minute or more"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/$(PIP) -r requirements-dev.txt -c requirements-dev.lock
	@touch $@
