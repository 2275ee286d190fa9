#!/bin/sh
# make run: whatever is needed for the story, then the story.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh run
scripts/build.sh build
exec scripts/story.sh "$@"
