# What both acts of the story share. To be sourced in the checkout's root, with $size (bytes) set.
# shellcheck shell=sh disable=SC2034,SC2154

place=$(mktemp -d)
pids= # ours, in the background
failures=0
colour=no
[ ! -t 1 ] || [ -n "${NO_COLOR:-}" ] || [ "${TERM:-dumb}" = dumb ] || colour=yes

# Again and again, as a signal is lost on a child that the shell has forked and that is not yet what it is to become.
end() { # end PID
  while kill "$1" 2>/dev/null; do sleep 0.2; done &
  wait "$1" 2>/dev/null || true
}

cleanup() {
  trap '' INT TERM HUP
  for pid in $pids ${!:-}; do kill "$pid" 2>/dev/null || true; done
  for pid in $pids ${!:-}; do end "$pid"; done
  wait
  rm -rf "$place"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() { printf '%s\n' "$@"; }

human() { # human BYTES
  awk -v n="$1" 'BEGIN {
    split("bytes KiB MiB GiB TiB", unit); i = 1
    while (n >= 1024 && i < 5) { n /= 1024; i++ }
    printf((n == int(n) ? "%d" : "%.2f") " %s", n, unit[i])
  }'
}

sum_of() { sha256sum | cut -d' ' -f1; }

# The file that is downloaded, and its sum in $want. What comes out of a download goes into the pipe $place/copy and is never stored.
prepare_file() {
  mkdir "$place/files"
  mkfifo "$place/copy"
  head -c "$size" /dev/urandom >"$place/files/file"
  want=$(sum_of <"$place/files/file")
}

start_sum() {
  sum_of <"$place/copy" >"$place/sum" &
  summing=$!
  pids="$pids $summing"
}

# To be called when nobody writes any more; says what came out of it.
judge_sum() {
  : <>"$place/copy" # if nobody has written at all, this is what it has been waiting for
  wait "$summing" || true
  if [ "$(cat "$place/sum")" = "$want" ]; then
    say "  SHA-256 matches: $(printf %.32s "$want")..."
  else
    say "  SHA-256 differs: $(cat "$place/sum")"
    failures=$((failures + 1))
  fi
}

wait_until() { # wait_until COMMAND...: for ten seconds at most
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || return 1
    sleep 0.1
  done
}

# One part of a ladder: handshake, cut, recovery or close. It is found by its words, as the drawing depends on the locale.
part() { # part NAME FILE
  awk -v part="$1" -v colour="$colour" '
    function paint(text) {
      if (colour != "yes") return text
      if (text ~ /cable cut/) return "\033[31m" text "\033[0m"
      if (text ~ /cable joined|ESTABLISHED/) return "\033[32m" text "\033[0m"
      if (text ~ /timer fires|timeout [0-9]/) return "\033[33m" text "\033[0m"
      if (text ~ /FIN|close|TIME-WAIT|CLOSED/) return "\033[36m" text "\033[0m"
      return text
    }
    function show(from, to, i) { for (i = from; i <= to && i <= NR; i++) print paint(line[i]) }
    { line[NR] = $0 }
    /SYN-SENT/ && !believed { opened = NR }
    /ESTABLISHED .* before / && !believed { believed = NR }
    /cable cut/ && !cut { cut = NR }
    /cable joined/ && !joined { joined = NR }
    /FIN-WAIT-1/ { closing = NR }
    END {
      if (part == "handshake") show(opened, believed)
      if (part == "cut") {
        show(cut, cut)
        for (i = cut + 1; i < joined; i++) if (line[i] ~ /timer fires|timeout [0-9]/) show(i, i)
      }
      if (part == "recovery") {
        for (i = joined; i <= NR && segments < 6; i++)
          if (line[i] ~ /cable joined|timer fires|ACK/) {
            show(i, i)
            segments += line[i] ~ /segments,/ ? 6 : line[i] ~ /ACK/ # what is folded is the end of it
          }
      }
      if (part == "close") {
        for (i = closing; i <= NR; i++) {
          if (line[i] ~ /TIME-WAIT/) last = 1
          if (last || line[i] ~ /FIN|close|CLOSE|LAST-ACK/) show(i, i)
        }
      }
    }' "$2"
}
