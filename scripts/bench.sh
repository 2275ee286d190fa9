#!/bin/sh
# make bench: builds, then measures. ONLY=core, ONLY=core.bulk ...: what begins so. The table goes to the terminal, the figures to build/bench.json.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh check
scripts/build.sh build
exec bench/run.py --build build "$@"
