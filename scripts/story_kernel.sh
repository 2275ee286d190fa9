#!/bin/sh
# The second act of `make run`: yeon's TCP against the kernel's. The kernel's curl downloads from examples/serve, examples/fetch downloads
# from a server on the kernel's side, each over IPv4 and over IPv6, and each time the cable is pulled for five seconds in the middle.
# All of it in namespaces of its own, without root.
#   story_kernel.sh SIZE BUILD
# Where the machine refuses them, it says why in one line and ends with 3.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
size=$1 build=$2 inside=${3:-}

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
    if why=$($enter $probe 2>&1); then exec $enter "$0" "$size" "$build" "$device"; fi
  done
  echo "Network namespaces are refused here ($(printf '%s' "$why" | tail -n 1))." | fold -s -w 80
  exit 3
fi

# ---- inside ----

. scripts/story_lib.sh
device=$inside
cut_after=$((size / 2))
limit=300 # seconds for one download, at the very most

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

# What the kernel of this namespace has sent again so far.
kernel_retransmissions() {
  awk '$1 != "Tcp:" { next }
    !named { for (i = 1; i <= NF; i++) if ($i == "RetransSegs") named = i; next }
    { print $named }' /proc/net/snmp
}

# What came out of one download, and what our end tells of it in $place/log.
judge() {
  sed -e 's/^[a-z]*: /  /' -e 's/ of them with the cable pulled;/ without a cable;/' -e '/http:/d' -e '/requests answered/d' "$place/log"
  judge_sum
}

# To be run in the background, so that a signal ends it at once; the status is the command's.
attend() { # attend COMMAND...
  "$@" >"$place/copy" 2>>"$place/log" &
  running=$!
  pids="$pids $running"
  status=0
  wait "$running" || status=$?
}

curl_from_serve() { # curl_from_serve HEADLINE HOST LADDER
  say "" "$1"
  start_sum
  : >"$place/log"
  # shellcheck disable=SC2086 # $ours is a list of words
  "$build/examples/serve" $ours --quiet --cut-after "$cut_after" --cut-for 5 --ladder "$3" "$place/files" 2>"$place/log" &
  server=$!
  pids="$pids $server"
  wait_until grep -q http:// "$place/log" || true
  attend curl --silent --show-error --globoff --max-time "$limit" "http://$2/file"
  { kill "$server" && wait "$server"; } || true
  judge
}

fetch_from_kernel() { # fetch_from_kernel HEADLINE HOST LADDER
  say "" "$1"
  start_sum
  : >"$place/log"
  before=$(kernel_retransmissions)
  # shellcheck disable=SC2086
  attend timeout "$limit" "$build/examples/fetch" $ours --cut-after "$cut_after" --cut-for 5 --ladder "$3" -o - "http://$2:8000/file"
  say "fetch: the kernel sent $(($(kernel_retransmissions) - before)) segments again" >>"$place/log"
  judge
}

what=$(human "$size")
if [ "$device" = tun ]; then on="a TUN device"; else on="a veth pair (no TUN device for us here)"; fi
say "II. yeon's TCP against the kernel's, over $on." \
  "   Four downloads of $what; each time the cable is pulled for five seconds."
prepare_network
prepare_file

curl_from_serve "1. The kernel's curl downloads from examples/serve, IPv4" 10.9.0.2 "$place/ladder1"
curl_from_serve "2. The same over IPv6" "[fd09::2]" "$place/ladder2"

python3 -m http.server --bind :: --directory "$place/files" 8000 >/dev/null 2>&1 &
pids="$pids $!"
wait_until curl --silent --head --globoff "http://[::1]:8000/" || say "  the server of the kernel's side does not come up"
fetch_from_kernel "3. examples/fetch downloads from a server of the kernel's side, IPv4" 10.9.0.1 "$place/ladder3"
fetch_from_kernel "4. The same over IPv6" "[fd09::1]" "$place/ladder4"

say "" "The cut of the first download: it is yeon that sends again:"
part cut "$place/ladder1"
part recovery "$place/ladder1"
say "" "And of the third, where the kernel had to:"
part cut "$place/ladder3"
part recovery "$place/ladder3"
say ""
if [ "$failures" -gt 0 ]; then
  say "$failures of 4 downloads came out wrong."
  exit 1
fi
say "4 downloads of $what, 4 matching checksums."
