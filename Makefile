# One virtual environment, .venv, holds everything. A stamp in it says that a set of packages is
# installed; a change of pyproject.toml or constraints.txt makes the stamps stale.

BACKENDS ?= numpy
PYTEST_ARGS ?=
BENCH_ARGS ?=
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	echo $$python && break; done)

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --constraint constraints.txt --editable

# The extra that brings each backend's framework; NumPy needs none.
EXTRA_torch := torch
EXTRA_tensorflow := tensorflow-cpu
EXTRA_jax := jax
KNOWN_BACKENDS := numpy torch tensorflow jax
EXTRAS := $(foreach backend,$(BACKENDS),$(EXTRA_$(backend)))

# Idle OpenMP threads of one framework do not spin while another computes; TensorFlow keeps its
# notices to itself and sums in one order.
export OMP_WAIT_POLICY := PASSIVE
export TF_CPP_MIN_LOG_LEVEL := 1
export TF_ENABLE_ONEDNN_OPTS := 0

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-deep compare bench lint clean check-backends

help:
	@echo 'make demo                            a classifier of spoken vowels, on NumPy'
	@echo 'make demo BACKENDS="numpy torch"     the same on each backend: $(KNOWN_BACKENDS)'
	@echo 'make test                            the linters, then the tests on every backend'
	@echo 'make test PYTEST_ARGS="-x -k conv"   the same, with arguments for pytest'
	@echo 'make test-deep                       the law on thousands of random cases'
	@echo 'make compare                         Keras, PyTorch by hand and maskgraph, claim by claim'
	@echo 'make bench                           how fast it is beside them, in some minutes'
	@echo 'make bench BENCH_ARGS="--full"       the same on more lines, in an hour'
	@echo 'make lint                            the linters alone'
	@echo 'make clean                           remove the environment, caches and built files'
	@echo
	@echo 'PYTHON=... names the Python to use, 3.11 or newer; now: $(or $(PYTHON),none found)'

demo: check-backends $(STAMPS)/core $(addprefix $(STAMPS)/,$(EXTRAS))
	$(BIN)/python examples/japanese_vowels.py $(foreach backend,$(BACKENDS),--backend $(backend))

# The tests meet thousands of shapes, each once: XLA compiles them quickly rather than well.
test test-deep: export XLA_FLAGS ?= \
	--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false \
	--xla_cpu_parallel_codegen_split_count=1 --xla_cpu_enable_concurrency_optimized_scheduler=false

# Each process compiles for itself, and comes to hold gigabytes of programs: no more than four.
test: lint
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal $(PYTEST_ARGS)

# Hypothesis looks at thousands of cases of the law, new ones at each run, in place of some dozens.
test-deep: $(STAMPS)/everything
	$(BIN)/python -m pytest --hypothesis-profile deep tests/law $(PYTEST_ARGS)

# TensorFlow brings Keras along. Writes docs/comparison.md.
compare: $(STAMPS)/everything
	$(BIN)/python -m benchmarks.comparison

# Writes docs/performance.md and its picture. Two cores or more, with nothing else on them.
bench: $(STAMPS)/bench
	$(BIN)/python -m benchmarks.speed $(BENCH_ARGS)

lint: $(STAMPS)/everything
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

clean:
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

check-backends:
	@test -n '$(strip $(BACKENDS))' -a -z '$(strip $(filter-out $(KNOWN_BACKENDS),$(BACKENDS)))' || \
	{ echo 'BACKENDS="$(BACKENDS)": expected one or more of $(KNOWN_BACKENDS)' >&2; exit 2; }

$(STAMPS)/python:
	@test -n '$(PYTHON)' || \
	{ echo 'no Python 3.11 or newer was found; name one: make PYTHON=/path/to/python' >&2; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/core: $(STAMPS)/python pyproject.toml constraints.txt
	$(INSTALL) .
	@touch $@

$(STAMPS)/torch $(STAMPS)/tensorflow-cpu $(STAMPS)/jax: $(STAMPS)/core
	$(INSTALL) '.[$(@F)]'
	@touch $@

$(STAMPS)/everything: $(STAMPS)/python pyproject.toml constraints.txt
	$(INSTALL) '.[torch,tensorflow-cpu,jax,test]'
	@touch $(STAMPS)/core $(STAMPS)/torch $(STAMPS)/tensorflow-cpu $(STAMPS)/jax $@

$(STAMPS)/bench: $(STAMPS)/everything
	$(INSTALL) '.[bench]'
	@touch $@
