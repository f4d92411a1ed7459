# Two commands do everything: `make demo` and `make test`. They need Python 3.11+, pip and make.
#
# Linux with an NVIDIA GPU: choose torch's CUDA build with the pip options that its own
# installation page gives, for example: make demo TORCH_PIP="--index-url URL-FROM-THAT-PAGE"

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TORCH_PIP ?=
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

MODEL := tickets.model

.PHONY: demo test test-slow test-peer test-browser lint clean

demo: $(VENV)/.installed  ## install, fit on the example file, predict, evaluate
	$(BIN)/textgraft fit examples/support_tickets.csv --oos-label oos --to $(MODEL)
	printf '%s\n' 'my parcel is four days late' 'i want my money back' 'who won the football game last night' \
		| $(BIN)/textgraft predict $(MODEL)
	$(BIN)/textgraft evaluate $(MODEL) examples/support_tickets_test.csv

test: $(VENV)/.installed-test lint  ## install what tests need and run them
	$(BIN)/python -m pytest -n auto --maxprocesses 4

# the marks that `make test` leaves out; what they need is installed or asked for, never passed over
test-slow: $(VENV)/.installed-test  ## tests of more than ten seconds
	$(BIN)/python -m pytest -m slow

test-peer: $(VENV)/.installed-test  ## agreement with MAPIE, which it installs
	$(PIP) -c constraints.txt 'mapie>=1.6'
	$(BIN)/python -m pytest -m peer tests/core

test-browser: $(VENV)/.installed-test  ## open the reports in chromium, which must be there
	command -v chromium || command -v chromium-browser || command -v google-chrome
	$(BIN)/python -m pytest -m browser

lint: $(VENV)/.installed-test
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

# torch first and alone: pinned, so that nothing after it brings another build
$(VENV)/.torch: constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "textgraft needs Python 3.11 or newer; pass PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip
	$(PIP) $(TORCH_PIP) "$$(grep '^torch==' constraints.txt)"
	touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml constraints.txt
	$(PIP) -c constraints.txt --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) -c constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) $(MODEL) build dist src/*.egg-info
