#!/usr/bin/env python3
"""What programs under `yeon run` see when things go wrong, and what they must not be able to do. Speaks TAP.

    run.py YEON PRELOAD [NAME...]

Runs as an ordinary user (root becomes one first), in an empty network namespace: whatever a program could reach besides the lab is not there.
NAMEs pick tests. A test whose program is not installed is skipped by its name.
"""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from bench import Bench, Failed, Skip, TESTS  # noqa: E402
import behaviour  # noqa: E402,F401  (these register their tests)
import lives  # noqa: E402,F401

NOBODY = 65534
WORKERS = 3       # most of the time a test waits


def one(entry, yeon):
    name, needs, fn, args = entry
    begin = time.monotonic()
    missing = [n for n in needs if not shutil.which(n)]
    if missing:
        return name, 0.0, None, "%s is not installed" % " ".join(missing)
    bench, trouble, skip = Bench(yeon), None, None
    try:
        fn(bench, *args)
    except Skip as e:
        skip = str(e)
    except (Failed, OSError, subprocess.SubprocessError, AssertionError, ValueError, IndexError) as e:
        trouble = "%s: %s" % (type(e).__name__, e)
    try:
        bench.stop()
    except (Failed, subprocess.SubprocessError) as e:
        trouble = trouble or str(e)
    return name, time.monotonic() - begin, trouble, skip


def alone(arguments):
    """This again, as an ordinary user in a network namespace of its own."""
    home = tempfile.mkdtemp(prefix="yeon-run-bin-")
    for path in arguments[:2]:
        shutil.copy(path, home)
    os.chmod(home, 0o755)
    yeon = os.path.join(home, os.path.basename(arguments[0]))
    words = ["unshare", "-n"] if os.getuid() == 0 else ["unshare", "-Urn"]
    if os.getuid() == 0:
        words += ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    here = os.path.join(home, "tests")
    shutil.copytree(os.path.dirname(os.path.abspath(__file__)), here, ignore=shutil.ignore_patterns("__pycache__"))
    try:
        probe = subprocess.run(words + ["unshare", "-Urn", "true"], capture_output=True, text=True)
        if probe.returncode != 0:
            print("1..0 # SKIP no user namespaces here: %s" % probe.stderr.strip())
            return 0
        return subprocess.run(words + ["python3", "-B", os.path.join(here, "run.py"), "--inside", yeon] + arguments[2:],
                              cwd="/tmp", env=dict(os.environ, PATH="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")).returncode
    finally:
        shutil.rmtree(home, ignore_errors=True)


def main(arguments):
    if arguments[0] != "--inside":
        return alone(arguments)
    names = arguments[2:]
    chosen = [t for t in TESTS if not names or any(n in t[0] for n in names)]
    print("1..%d" % len(chosen), flush=True)
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for number, (name, seconds, trouble, skip) in enumerate(pool.map(lambda t: one(t, arguments[1]), chosen), 1):
            failures += trouble is not None
            print("%sok %d - %s%s" % ("not " if trouble else "", number, name, " # SKIP " + skip if skip else ""))
            print("# %.1f s" % seconds)
            if trouble:
                print("# " + trouble.replace("\n", "\n# "))
            sys.stdout.flush()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
