#!/bin/sh
# What `make run` tells: two programs that know nothing of yeon, and somebody pulls the cable between them (story_run.sh); then yeon's
# TCP and the kernel's, face to face (story_kernel.sh). Whatever the machine refuses is played in virtual time instead.
#
#   story.sh [--size BYTES] [--build DIR] [--act 1|2]
set -eu
cd "$(dirname "$0")/.."

size=1073741824
build=build
acts="1 2"
while [ $# -gt 0 ]; do
  case $1 in
    --size) size=$2 && shift 2 ;;
    --build) build=$2 && shift 2 ;;
    --act) acts=$2 && shift 2 ;;
    *) echo "usage: scripts/story.sh [--size BYTES] [--build DIR] [--act 1|2]" >&2 && exit 2 ;;
  esac
done

# An act runs in the background so that a signal ends it at once. It cleans up by itself; we wait for that.
child=
stop() {
  if [ -n "$child" ]; then
    # Again and again: a signal is lost on a child that is only just forked.
    while kill "$child" 2>/dev/null; do sleep 0.2; done &
    wait "$child" || true
    wait
  fi
  echo
  exit "$1"
}
trap 'stop 130' INT
trap 'stop 143' TERM HUP

play() { # play COMMAND...: its status in $status
  status=0
  "$@" &
  child=$!
  wait "$child" || status=$?
  child=
}

wrong=0
refused=
for act in $acts; do
  echo
  case $act in
    1) play scripts/story_run.sh "$size" "$build" ;;
    2) play scripts/story_kernel.sh "$size" "$build" ;;
  esac
  [ "$status" != 3 ] || { refused=yes && status=0; }
  [ "$status" = 0 ] || wrong=1
done
if [ -n "$refused" ]; then
  echo "So here is the same story in virtual time."
  play "$build/yeon" lab scripts/story.lua
  [ "$status" = 0 ] || wrong=1
fi
exit "$wrong"
