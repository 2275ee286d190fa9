#!/bin/sh
# The story that `make run` tells: the kernel's curl downloads from examples/serve, examples/fetch downloads from a server on the
# kernel's side, each over IPv4 and over IPv6, and each time the cable is pulled for five seconds in the middle. All of it in namespaces
# of its own, without root. Where the machine refuses them, the same in virtual time.
#
#   story.sh [--size BYTES] [--build DIR]
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

size=1073741824
build=build
inside=
while [ $# -gt 0 ]; do
  case $1 in
    --size) size=$2 && shift 2 ;;
    --build) build=$2 && shift 2 ;;
    --inside) inside=$2 && shift 2 ;;
    *) echo "usage: scripts/story.sh [--size BYTES] [--build DIR]" >&2 && exit 2 ;;
  esac
done

say() { printf '%s\n' "$@"; }

# ---- outside: find a way into namespaces ----

if [ -z "$inside" ]; then
  enter="unshare --net"
  [ "$(id -u)" = 0 ] || enter="$enter --user --map-root-user"
  # The two devices that will do, best first. Each is tried for real, in namespaces that vanish at once.
  for device in tun veth; do
    case $device in
      tun) probe='ip tuntap add mode tun name yeon9' ;;
      veth) probe='ip link add name yeon8 type veth peer name yeon9' ;;
    esac
    # shellcheck disable=SC2086 # both are lists of words
    if why=$($enter $probe 2>&1); then exec $enter "$0" --inside "$device" --size "$size" --build "$build"; fi
  done
  say "This machine refuses namespaces ($(printf '%s' "$why" | tail -n 1)), so the same story in virtual time:"
  exec "$build/yeon" lab scripts/story.lua
fi

# ---- inside ----

device=$inside
place=$(mktemp -d)
pids=
cleanup() {
  for pid in $pids; do kill "$pid" 2>/dev/null || true; done
  for pid in $pids; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$place"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

cut_after=$((size / 2))
limit=300 # seconds for one download, at the very most
failures=0

human() { # human BYTES
  awk -v n="$1" 'BEGIN {
    split("bytes KiB MiB GiB TiB", unit); i = 1
    while (n >= 1024 && i < 5) { n /= 1024; i++ }
    printf((i > 1 ? "%.2f" : "%d") " %s", n, unit[i])
  }'
}
sum_of() { sha256sum | cut -d' ' -f1; }

prepare_network() {
  ip link set lo up
  if [ "$device" = tun ]; then
    ip tuntap add mode tun name yeon0
    kernel_end=yeon0 ours="--tun yeon0"
  else
    ip link add name kernel0 type veth peer name yeon0
    echo 1 >/proc/sys/net/ipv6/conf/yeon0/disable_ipv6 2>/dev/null || true # that end is not the kernel's to speak on
    ip link set yeon0 up
    kernel_end=kernel0 ours="--packet yeon0"
  fi
  ip addr add 10.9.0.1/24 dev "$kernel_end"
  ip addr add fd09::1/64 dev "$kernel_end" nodad
  ip link set "$kernel_end" up
  # The usual congestion control, whatever this machine's default is. Not all kernels let a namespace choose.
  ip route change 10.9.0.0/24 dev "$kernel_end" congctl cubic 2>/dev/null || true
  ip -6 route change fd09::/64 dev "$kernel_end" congctl cubic 2>/dev/null || true
}

prepare_file() {
  mkdir "$place/files"
  head -c "$size" /dev/urandom >"$place/files/file"
  want=$(sum_of <"$place/files/file")
}

# The ladder where something happens: `ends` shows the opening and the end too, not only the cut.
show_ladder() { # show_ladder FILE ends|cut
  awk -v ends="$2" '
    { line[NR] = $0 }
    /cable cut/ && !cut { cut = NR }
    /cable joined/ && !joined { joined = NR }
    END {
      n = 0
      if (ends == "ends") { n++; from[n] = 1; to[n] = 16 }
      n++; from[n] = cut - 3; to[n] = joined + 8
      if (ends == "ends") { n++; from[n] = NR - 11; to[n] = NR }
      last = 0
      for (i = 1; i <= n; i++) {
        if (from[i] <= last) from[i] = last + 1
        if (last > 0 && from[i] > last + 1) print "      ..."
        for (k = from[i]; k <= to[i] && k <= NR; k++) print "  " line[k]
        if (to[i] > last) last = to[i]
      }
    }' "$1"
}

kernel_retransmissions() { awk '$1 == "Tcp:" && !names { names = $0; next } $1 == "Tcp:" { n = split(names, name); split($0, value); for (i = 1; i <= n; i++) if (name[i] == "RetransSegs") print value[i] }' /proc/net/snmp; }

# judge SUM LOG: what came out of one download.
judge() {
  sed 's/^[a-z]*: /   /' "$2" | grep -v -e 'http://' -e 'requests answered' || true
  if [ "$1" = "$want" ]; then
    say "   SHA-256 matches: $want"
  else
    say "   SHA-256 differs: $1, not $want"
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

curl_from_serve() { # curl_from_serve HEADLINE HOST
  say "" "$1"
  # shellcheck disable=SC2086 # $ours is a list of words
  "$build/examples/serve" $ours --quiet --cut-after "$cut_after" --cut-for 5 --ladder "$place/ladder" "$place/files" 2>"$place/log" &
  server=$!
  pids="$pids $server"
  wait_until grep -q http:// "$place/log" || true
  got=$(curl --silent --show-error --globoff --max-time "$limit" "http://$2/file" | sum_of)
  { kill "$server" && wait "$server"; } || true
  judge "$got" "$place/log"
}

fetch_from_kernel() { # fetch_from_kernel HEADLINE HOST
  say "" "$1"
  before=$(kernel_retransmissions)
  # shellcheck disable=SC2086
  got=$(timeout "$limit" "$build/examples/fetch" $ours --cut-after "$cut_after" --cut-for 5 --ladder "$place/ladder" -o - "http://$2:8000/file" \
    2>"$place/log" | sum_of)
  say "fetch: the kernel sent $(($(kernel_retransmissions) - before)) segments again" >>"$place/log"
  judge "$got" "$place/log"
}

what=$(human "$size")
if [ "$device" = tun ]; then on="a TUN device"; else on="a packet socket and a veth pair (no TUN for us here)"; fi
say "yeon's TCP against the kernel's, in namespaces of their own, over $on." \
    "Four downloads of $what; each time the cable is pulled for five seconds in the middle."
prepare_network
prepare_file

curl_from_serve "1. The kernel's curl downloads from examples/serve, IPv4" 10.9.0.2
cp "$place/ladder" "$place/ladder1"
curl_from_serve "2. The same over IPv6" "[fd09::2]"

python3 -m http.server --bind :: --directory "$place/files" 8000 >/dev/null 2>&1 &
pids="$pids $!"
wait_until curl --silent --head --globoff "http://[::1]:8000/" || say "   the server of the kernel's side does not come up"
fetch_from_kernel "3. examples/fetch downloads from a server of the kernel's side, IPv4" 10.9.0.1
cp "$place/ladder" "$place/ladder3"
fetch_from_kernel "4. The same over IPv6" "[fd09::1]"

say "" "What crossed the cable in the first download, where something happened:"
show_ladder "$place/ladder1" ends
say "" "And in the third, where the kernel had to send again:"
show_ladder "$place/ladder3" cut
say ""
if [ "$failures" -gt 0 ]; then
  say "$failures of 4 downloads came out wrong."
  exit 1
fi
say "4 downloads of $what, 4 matching checksums."
