#!/bin/sh
# make check: everything that is tested, built three ways. The last line is "N passed, N failed", with ", N skipped" if there were any.
#   build              gcc, as it ships (asserts included): every suite and the rules of the house
#   build/gcc-asan     gcc with the address and undefined behaviour sanitizers: every suite but the rules, and the comparison with the kernel, which has
#                      an eye on the clock
#   build/clang-asan   the same with clang
# A build that fails is one failed test. The status is 0 only when nothing failed.
set -u
cd "$(dirname "$0")/.." || exit 1
exec </dev/null

asan="-Db_sanitize=address,undefined -Db_lundef=false"
broken=

stage() { # stage CC DIR "SUITES NOT TO RUN" [MESON OPTION...]
  cc=$1 dir=$2 without=$3
  shift 3
  echo "== $dir ($cc $*)"
  rm -f "$dir/meson-logs/testlog.json"
  if ! CC=$cc scripts/build.sh "$dir" "$@"; then
    broken="$broken $dir"
    return
  fi
  leave_out=
  for suite in $without; do leave_out="$leave_out --no-suite $suite"; done
  # shellcheck disable=SC2086 # a list of words
  meson test -C "$dir" --no-rebuild -t 3 $leave_out 2>&1 |
    grep --line-buffered -E '^ *[0-9]+/[0-9]+ '
}

if ! scripts/setup.sh check; then
  echo "0 passed, 1 failed"
  exit 1
fi
stage gcc build ""
# shellcheck disable=SC2086 # a list of words
stage gcc build/gcc-asan "lint differ" $asan
# shellcheck disable=SC2086
stage clang build/clang-asan "lint differ" $asan
# shellcheck disable=SC2086
exec scripts/tally.py ${broken:+--broken "$broken"} build build/gcc-asan build/clang-asan
