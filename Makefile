# What a newcomer types.  Needs Python 3.11 or later; `make test` also wants Node 20.19 or later, for linters and type
# generators, and Debian's chromium, for tests of pages: without them, what needs them is skipped, and said to be.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: mock demo test trust bench verdicts clean

mock: $(VENV)/.installed  ## set up and start the mock server; more options: make mock OPTIONS="--port 9000"
	$(BIN)/calls mock $(OPTIONS)

demo: $(VENV)/.installed  ## judge the mock and a twin that misbehaves, in about two minutes
	$(BIN)/calls demo

test: $(VENV)/.installed-dev node_modules/.installed  ## set up and run every check and test
	scripts/check

trust: $(VENV)/.installed-dev node_modules/.installed  ## 20 seeds on every correct target, every fault of tests/faults
	scripts/trust

# Each benchmark writes a section of its own into the page, and a line into the history: a further one is a further line.
bench: $(VENV)/.installed-dev  ## mock and judge measured, about half an hour; installs other servers with npm
	$(BIN)/python -m benchmarks.http --markdown docs/benchmarks.md --svg docs/benchmarks-http.svg \
	    --history benchmarks/history.jsonl $(OPTIONS)
	$(BIN)/python -m benchmarks.media --markdown docs/benchmarks.md --history benchmarks/history.jsonl
	$(BIN)/python -m benchmarks.webrtc --markdown docs/benchmarks.md --history benchmarks/history.jsonl
	$(BIN)/python -m benchmarks.startup --markdown docs/benchmarks.md --history benchmarks/history.jsonl
	$(BIN)/python -m benchmarks.judge --markdown docs/benchmarks.md --history benchmarks/history.jsonl

# Stopped, it goes on with OPTIONS="--resume"; Specmatic needs npm and Java, and is left out where they are missing.
verdicts: $(VENV)/.installed-dev  ## calls verify, schemathesis and Specmatic on every tenth fault, an hour or more
	$(BIN)/python -m benchmarks.verdicts --markdown docs/verdicts.md $(OPTIONS)

clean:  ## remove what the other targets made
	rm -rf $(VENV) node_modules build/bench

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("calls needs Python 3.11 or later, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@# Where espeak-ng has no wheel, agents have tones.
	$(BIN)/python -m pip install --quiet --editable ".[speech,tls,webrtc,livekit]" || $(BIN)/python -m pip install --quiet --editable ".[tls,webrtc,livekit]"
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --group dev --editable .
	touch $@ $(VENV)/.installed

node_modules/.installed: package.json package-lock.json
	@if command -v npm >/dev/null; then npm ci --silent && touch $@; \
	else echo "Node is not installed: what needs it is skipped"; fi
