#!/bin/sh
# build.sh DIR [MESON OPTION...]: configures DIR if that has not been done, and builds it. CC chooses the compiler (gcc).
set -eu
cd "$(dirname "$0")/.."
dir=$1
shift
if [ ! -e "$dir/build.ninja" ]; then
  log=$(CC=${CC:-gcc} meson setup "$dir" "$@" </dev/null 2>&1) || { echo "$log" >&2; exit 1; }
elif [ build/.reconfigure -nt "$dir/build.ninja" ]; then
  log=$(meson setup --reconfigure "$dir" "$@" </dev/null 2>&1) || { echo "$log" >&2; exit 1; }
fi
if [ -t 1 ]; then ninja -C "$dir"; else ninja -C "$dir" --quiet; fi
