#!/bin/sh
# Installs from the distribution what is missing. Silent and instant when nothing is.
#   setup.sh run     what building and the story need
#   setup.sh check   that, and what the tests, the sanitizers and the benchmark need
# It asks the file system, not the package manager, so that the usual answer costs a few milliseconds. What a release does not
# have at all (optional packages only) is remembered in build/.setup, so that it is asked for once.
set -eu
cd "$(dirname "$0")/.."
what=${1:-check}
case $what in run | check) ;; *) echo "usage: scripts/setup.sh [run|check]" >&2; exit 2 ;; esac

required= # packages to install, space separated
optional=

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

look() {
  required= optional=
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
  exists /usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.asan*.a \
    /usr/lib/clang/*/lib/*/libclang_rt.asan*.a || need "$(sanitizer_runtime)"
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
[ -z "$required$optional" ] && exit 0

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

install() { # install PACKAGE...
  $root DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" </dev/null >build/setup.log 2>&1
}
update() {
  $root apt-get update -q </dev/null >build/setup.log 2>&1 || true
}

mkdir -p build
echo "setup: installing$required$optional" >&2
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
for package in $optional; do
  install "$package" || { update; install "$package"; } || {
    echo "setup: $package is not to be had here; going on without it" >&2
    echo "$package" >>build/.setup
  }
done
look
[ -z "$required" ] || {
  echo "setup: installed, and still not found:$required" >&2
  exit 1
}
touch build/.reconfigure # scripts/build.sh: what was missing when Meson last looked may be here now
