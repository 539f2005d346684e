#!/bin/sh
# Checks and measures on a GPU, from a checkout, with nothing of it installed:
#   tools/bench/gpu.sh [OUT] [MINUTES] [PLAN]      PYTHON=... names another interpreter
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$root/.cache/mypy" && ln -sfn ../.. "$root/.cache/mypy/trivit"
export PYTHONPATH="$root/.cache/mypy${PYTHONPATH:+:$PYTHONPATH}"
exec "${PYTHON:-python3}" -m trivit.tools.cli bench gpu \
	--out "${1:-runs/gpu}" --minutes "${2:-8}" --plan "${3:-gpu}"
