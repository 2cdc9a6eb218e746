# Two commands do everything on a fresh machine with Python 3.11+: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NERF := .venv-nerf
ARGS ?=

.PHONY: demo test test-slow check bench bench-peers nerf format clean

# Tests start many processes, and pytest rewrites each test's asserts: both once, where bytecode may be kept.
unexport PYTHONDONTWRITEBYTECODE

$(VENV)/installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

# What tests and checks need beyond that; torch is the largest of it.
$(VENV)/developed: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

demo: $(VENV)/installed
	$(BIN)/translight demo $(ARGS)

# Tests that only reckon share the cores, torch with one thread in each process, and so do benchmarks, which only have to
# run; those with sockets, screens and clocks run one at a time. ARGS run as they are.
LIVE := tests/end_to_end tests/server tests/stream tests/tracking tests/ue_bridge
RECKONING := -n 2 --dist loadfile $(addprefix --ignore=,$(LIVE))

test: $(VENV)/developed
ifeq ($(ARGS),)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" $(RECKONING)
	$(BIN)/python -m pytest -m "not slow" $(LIVE)
else
	$(BIN)/python -m pytest -m "not slow" $(ARGS)
endif

# nerfstudio pins what Translight does not, so it lives beside. torch comes with its own dependencies: on Linux those are
# CUDA's; with --no-deps nothing else does. The touched file says that all of it is there.
nerf: $(NERF)/installed

$(NERF)/installed: reconstruction/nerf-requirements.txt
	test -x $(NERF)/bin/python || $(PYTHON) -m venv $(NERF)
	$(NERF)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(NERF)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

test-slow: $(VENV)/developed $(NERF)/installed
ifeq ($(ARGS),)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "slow" $(RECKONING)
	$(BIN)/python -m pytest -m "slow" $(LIVE)
else
	$(BIN)/python -m pytest -m "slow" $(ARGS)
endif

check: $(VENV)/developed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/developed
	$(BIN)/python -m benchmarks $(ARGS)

# Other renderers to measure against; Debian's chromium, libegl1, libgl1, libgles2 and libgl1-mesa-dri, and npm, are wanted.
bench-peers: $(VENV)/developed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[peers]"
	npm install --prefix benchmarks/peers --ignore-scripts --no-package-lock --no-audit --no-fund
	$(BIN)/python -m benchmarks peers

format: $(VENV)/developed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) $(NERF) dist build out
