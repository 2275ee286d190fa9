#!/bin/sh
# make fmt: clang-format over all C of the repository.
set -eu
cd "$(dirname "$0")/.."
find include src cli examples tests bench fuzz -name '*.[ch]' -exec clang-format -i {} +
