#!/bin/sh
# The first act of `make run`: python's web server and curl, neither changed nor told anything, on two hosts of a private live lab. The
# cable between them is pulled in the middle of a download, over IPv4 and again over IPv6. Needs no root and no namespace.
#   story_run.sh SIZE BUILD
# Where the machine does not let `yeon run` stop a program at its calls, it says why in one line and ends with 3.
set -eu
cd "$(dirname "$0")/.."
size=$1 build=$2
. scripts/story_lib.sh
limit=300 # seconds for one download, at the very most

PATH=$PATH:/usr/sbin:/sbin
# A lab of our own, whatever runs under the user's name.
export XDG_RUNTIME_DIR="$place"

# The cable is pulled 5 s after the lab begins; a rate at which the transfer takes 8.6 s makes sure that it hits.
rate() {
  if [ "$size" = 1073741824 ]; then say 1gbit; else say "$((size * 8 / 8600 + 1))kbit"; fi
}

# What the lab says on the way, as it says it: cable events, with the seconds since the lab began.
tell_news() {
  now=$(wc -l <"$place/log")
  [ "$now" -gt "$told" ] || return 0
  sed -n -e "$((told + 1)),${now}{" -e 's/^yeon lab: *\([0-9]*\.[0-9]\)[0-9]* .*cut for .*/  \1 s  the cable is pulled/p' \
    -e 's/^yeon lab: *\([0-9]*\.[0-9]\)[0-9]* .*joined.*/  \1 s  it is plugged in again/p' -e '}' "$place/log"
  told=$now
}

show() { # show PART HEADLINE...
  name=$1
  shift
  say "" "$@"
  part "$name" "$ladder"
}

download() { # download IP-VERSION SERVER-WORDS
  ladder=$build/story-ipv$1.txt
  : >"$place/log"
  told=0
  say "" \
    "  \$ yeon run --summary --ladder-to $(basename "$ladder") \\" \
    "      --cable 'set delay 1ms rate $(rate)' --cable 'at +5s cut 3s' \\" \
    "      --on server -- python3 -m http.server$2 8000 : \\" \
    "      --on client -- curl -sS -$1 -o >(sha256sum) http://server:8000/file"
  start_sum
  # shellcheck disable=SC2086 # $2 is a list of words
  (cd "$place/files" && exec timeout "$limit" "$yeon" run --summary --log "$place/log" --ladder-to "$place/ladder" \
    --cable "set delay 1ms rate $(rate)" --cable 'at +5s cut 3s' \
    --on server -- python3 -m http.server$2 8000 : \
    --on client -- curl -sS "-$1" -o "$place/copy" http://server:8000/file) >"$place/said" 2>&1 &
  running=$!
  pids="$pids $running"
  while kill -0 "$running" 2>/dev/null; do
    tell_news
    sleep 0.1
  done
  status=0
  wait "$running" || status=$?
  tell_news
  [ "$status" = 0 ] || say "  curl's status is $status: $(grep curl "$place/said" || tail -n 1 "$place/log")"
  judge_sum
  pids=
  mv "$place/ladder" "$ladder"
  grep -q 'timeout 1' "$ladder" || {
    say "  but the cut has missed the transfer"
    failures=$((failures + 1))
  }
}

# Its two longest lines are broken, for 80 columns.
summary() {
  sed -n -e '/^connections/,$p' "$place/said" | sed -e 's/ frames, \(.*swallowed\)/ frames,\
               \1/' | sed 's/^/  /'
}

yeon=$(cd "$build" && pwd)/yeon
if ! why=$("$yeon" run --on client -- true 2>&1); then
  say "\`yeon run\` does not work here ($(printf '%s' "$why" | tail -n 1 | sed 's/^yeon[a-z ]*: //'))." | fold -s -w 80
  exit 3
fi

say "I. python's web server and curl, as they are, on two hosts with a cable between." \
  "   $(human "$size") to download; after 5 s the cable is pulled for 3 s. No root in it."
prepare_file
download 4 ""
show handshake \
  "The handshake. Each end names its first number and the largest segment it takes." \
  "The client believes in the connection a little before the server does:"
show cut \
  "The cut. Nothing gets through. The sender waits, sends again, and waits twice as" \
  "long each time:"
show recovery \
  "The recovery. The next try gets through. The sender begins slowly, and what was" \
  "lost on the way goes again:"
show close \
  "The close. Each end says FIN and hears an ACK. The one that closed first keeps" \
  "the pair of ports for a minute in TIME-WAIT; here that is the server:"
say "" "The summary. The connection has survived; curl has noticed nothing but a pause:"
summary
say "" "The same over IPv6:"
download 6 " --bind ::"
summary | sed -n -e '/again/p' -e '/survived/p'
say "" "All of both ladders: $build/story-ipv4.txt" "                     $build/story-ipv6.txt"
[ "$failures" = 0 ]
