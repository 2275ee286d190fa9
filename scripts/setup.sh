#!/bin/sh
# Installs from the distribution what is missing. Silent and instant when nothing is.
#   setup.sh run     what building and the story need
#   setup.sh check   that, and what the tests, the sanitizers and the benchmark need; among it the programs that tests/live puts on a lab
# It asks the file system, not the package manager, so that the usual answer costs a few milliseconds. What a release does not
# have at all (optional packages only) is remembered in build/.setup, so that it is asked for once. Servers among the packages are neither
# started nor enabled: only their programs are wanted.
set -eu
cd "$(dirname "$0")/.."
what=${1:-check}
case $what in run | check) ;; *) echo "usage: scripts/setup.sh [run|check]" >&2; exit 2 ;; esac

required= # packages to install, space separated
optional=
programs= # optional too, servers among them

has() { # has COMMAND
  command -v "$1" >/dev/null 2>&1
}
exists() { # exists FILE... (patterns already expanded): is there one?
  for file; do [ -e "$file" ] && return 0; done
  return 1
}
need() { # need PACKAGE, after a failed test
  required="$required $1"
}
want() {
  grep -qsx "$1" build/.setup || optional="$optional $1"
}
want_program() {
  grep -qsx "$1" build/.setup || programs="$programs $1"
}

look() {
  required= optional= programs=
  has gcc || need gcc
  exists /usr/include/stdio.h || need libc6-dev
  has make || need make
  has meson || need meson
  has ninja || need ninja-build
  has pkg-config || need pkg-config
  has python3 || need python3
  has curl || need curl
  has ip || need iproute2
  has unshare || need util-linux
  exists /usr/include/lua5.4/lua.h /usr/include/lua.h /usr/local/include/lua.h || need liblua5.4-dev
  exists /usr/include/uv.h /usr/local/include/uv.h || need libuv1-dev
  exists /usr/include/seccomp.h /usr/local/include/seccomp.h || need libseccomp-dev
  [ "$what" = run ] && return
  has clang || need clang
  exists /usr/include/cmocka.h /usr/local/include/cmocka.h || need libcmocka-dev
  has tshark || need tshark
  has nm || need binutils
  has clang-format || want clang-format
  has llvm-symbolizer || exists /usr/lib/llvm-*/bin/llvm-symbolizer || want llvm
  has valgrind || want valgrind
  has newuidmap || want uidmap
  exists /usr/include/lwip/lwip/init.h /usr/include/lwip/init.h || want liblwip-dev
  look_for_programs
  exists /usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.asan*.a \
    /usr/lib/clang/*/lib/*/libclang_rt.asan*.a || need "$(sanitizer_runtime)"
}

# What none of us wrote, for tests/live and `make bench`. Servers stand where an ordinary user's PATH does not lead.
look_for_programs() {
  has openssl || want_program openssl
  has nginx || exists /usr/sbin/nginx || want_program nginx-light
  has redis-server || want_program redis-server
  has redis-benchmark || want_program redis-tools
  has postgres || exists /usr/lib/postgresql/*/bin/postgres || want_program postgresql
  has ssh || want_program openssh-client
  has sshd || exists /usr/sbin/sshd || want_program openssh-server
  has iperf3 || want_program iperf3
  has wrk || want_program wrk
  has node || want_program nodejs
  has go || want_program golang-go
  has musl-gcc || want_program musl-tools
  has dig || want_program bind9-dnsutils
  has slirp4netns || want_program slirp4netns
  has gnuplot || want_program gnuplot-nox
}

# The package with clang's sanitizer runtime is named differently from release to release.
sanitizer_runtime() {
  version=$(clang -dumpversion 2>/dev/null | cut -d. -f1) || version=
  for package in "libclang-rt-$version-dev" libclang-rt-dev "libclang-common-$version-dev"; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      echo "$package"
      return
    fi
  done
  echo libclang-rt-dev
}

look
[ -z "$required$optional$programs" ] && exit 0

if ! has apt-get; then
  [ -z "$required" ] && exit 0
  echo "yeon needs these Debian packages, or what your system calls them:$required" >&2
  exit 1
fi
if [ "$(id -u)" = 0 ]; then
  root="env"
elif has sudo && sudo -n true 2>/dev/null; then
  root="sudo -n env"
else
  [ -z "$required" ] && exit 0 # the optional ones are not worth stopping for
  echo "yeon needs some packages; type this, then try again:" >&2
  echo "  sudo apt-get update && sudo apt-get install -y$required$optional" >&2
  exit 1
fi

# A package's scripts ask this file whether its server may be started. Where there is one already, it is the machine's and stays.
policy=/usr/sbin/policy-rc.d
ours=
quiet() {
  [ ! -e "$policy" ] || grep -qs '^# yeon:' "$policy" || return 0
  ours=yes
  $root sh -c "printf '#!/bin/sh\\n# yeon: while its setup installs packages\\nexit 101\\n' >$policy && chmod 755 $policy"
}
loud() {
  [ -z "$ours" ] || $root rm -f "$policy"
  ours=
}
trap loud EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Servers that were not here before shall not start with the machine either. (`update-rc.d` knows systemd too.)
servers="nginx redis-server postgresql ssh"
installed() { # installed SERVICE
  exists "/lib/systemd/system/$1.service" "/usr/lib/systemd/system/$1.service" "/etc/init.d/$1"
}
note_servers() {
  new=
  for service in $servers; do installed "$service" || new="$new $service"; done
}
disable_servers() {
  for service in $new; do
    ! installed "$service" || $root update-rc.d "$service" disable >>build/setup.log 2>&1 || true
  done
}

install() { # install PACKAGE...
  note_servers
  quiet
  status=0
  $root DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" </dev/null >build/setup.log 2>&1 || status=$?
  loud
  disable_servers
  return "$status"
}
update() {
  $root apt-get update -q </dev/null >build/setup.log 2>&1 || true
}

mkdir -p build
echo "setup: installing$required$optional$programs" >&2
exists /var/lib/apt/lists/*Packages* || update
if [ -n "$required" ]; then
  # shellcheck disable=SC2086 # a list of words
  install $required || { update; install $required; } || {
    tail -n 15 build/setup.log >&2
    echo "setup: apt-get could not install:$required" >&2
    exit 1
  }
fi
look # clang is here now: its runtime can be named
optional="$optional$programs"
# Together if they are all there, which is much faster; else one after the other, to see which are not.
# shellcheck disable=SC2086
if [ -n "$optional" ] && ! install $optional; then
  update
  for package in $optional; do
    install "$package" || {
      echo "setup: $package is not to be had here; going on without it" >&2
      echo "$package" >>build/.setup
    }
  done
fi
look
[ -z "$required" ] || {
  echo "setup: installed, and still not found:$required" >&2
  exit 1
}
touch build/.reconfigure # scripts/build.sh: what was missing when Meson last looked may be here now
