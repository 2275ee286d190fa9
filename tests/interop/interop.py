#!/usr/bin/env python3
"""yeon against the kernel's own TCP/IP, in namespaces that hold nothing else. Speaks TAP.

    interop.py MODE PEER SERVE FETCH [NAME...]

MODE: tun         as root, over a TUN device
      tun-user    in a user namespace of an ordinary user, over a TUN device
      veth-user   likewise, over one end of a veth pair with a packet socket
PEER, SERVE and FETCH: the programs built for it. NAMEs pick tests. What the machine refuses is skipped, each test by
its name.

Most of the time a test waits; so several run at once, each in namespaces of its own.
"""
import ast
import http.client
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # nothing of ours into the source tree
from bench import Bench, Failed, NOBODY, TESTS, WORKERS  # noqa: E402
import packets  # noqa: E402,F401  (their tests register themselves)
import streams  # noqa: E402,F401
import web  # noqa: E402,F401


def chosen(names):
    return [t for t in TESTS if not names or any(n in t[0] for n in names)]


def inside(mode, part, peer, serve, fetch, names):
    """One worker: every WORKERS-th test. A line to our parent for each."""
    bench = Bench(mode, peer, serve, fetch)
    for name, fn, args in chosen(names)[part::WORKERS]:
        begin, trouble = time.monotonic(), None
        try:
            fn(bench, *args)
        except (Failed, OSError, http.client.HTTPException, subprocess.SubprocessError, LookupError, ValueError) as e:
            trouble = "%s: %s" % (type(e).__name__, e)
        try:
            bench.stop()
        except Failed as e:
            trouble = trouble or str(e)
        print(repr((name, time.monotonic() - begin, trouble)), flush=True)
    return 0


def gather(mode, workers, names):
    """Turns the workers' lines into TAP."""
    tests = [name for name, _, _ in chosen(names)]
    missing, number, failures = set(tests), 0, 0
    print("1..%d" % len(tests), flush=True)

    def tell(name, seconds, trouble):
        nonlocal number, failures
        number += 1
        failures += trouble is not None
        print("%sok %d - %s/%s" % ("not " if trouble else "", number, mode, name))
        print("# %.1f s" % seconds)
        if trouble:
            print("# " + trouble.replace("\n", "\n# "))
        sys.stdout.flush()
    streams = {w.stdout.fileno(): b"" for w in workers}
    while streams:
        for fd in select.select(list(streams), [], [])[0]:
            got = os.read(fd, 65536)
            *lines, streams[fd] = (streams[fd] + got).split(b"\n")
            for line in lines:
                if line.startswith(b"("):
                    name, seconds, trouble = ast.literal_eval(line.decode())
                    missing.discard(name)
                    tell(name, seconds, trouble)
                else:
                    print("# " + line.decode(errors="replace"), flush=True)
            if not got:
                del streams[fd]
    for name in sorted(missing):
        tell(name, 0, "its worker ended before it")
    return 1 if failures else 0


def system_python():
    """One that an ordinary user can run too."""
    for path in ("/usr/bin/python3", "/bin/python3", "/usr/local/bin/python3"):
        if os.path.exists(path):
            return path
    return sys.executable


def entrance(mode):
    """The command that leads into the namespaces, and how to ask whether it works."""
    enter = ["unshare", "--fork", "--kill-child", "--net"]
    if mode == "tun":
        return enter, "ip tuntap add mode tun name yt9"
    user = [] if os.getuid() != 0 else ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups"]
    probe = "ip tuntap add mode tun name yt9" if mode == "tun-user" else "ip link add name yk9 type veth peer name yo9"
    return user + enter + ["--user", "--map-root-user"], probe


def why_not(mode, command, probe):
    if mode == "tun" and os.getuid() != 0:
        return "needs root"
    try:
        done = subprocess.run(command + ["sh", "-c", probe], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False, cwd="/")
    except OSError as e:
        return str(e)
    return None if done.returncode == 0 else " ".join(done.stdout.split()) or "refused"


def main():
    if len(sys.argv) < 5:
        print(__doc__, file=sys.stderr)
        return 2
    mode, programs, names = sys.argv[1], sys.argv[2:5], sys.argv[5:]
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    if mode.startswith("inside:"):
        _, mode, part = mode.split(":")
        return inside(mode, int(part), *programs, names)
    command, probe = entrance(mode)
    reason = why_not(mode, command, probe)
    if reason:
        tests = chosen(names)
        print("1..%d" % len(tests))
        for number, (name, _, _) in enumerate(tests, 1):
            print("ok %d - %s/%s # SKIP %s" % (number, mode, name, reason))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything below is cleaned up
    # Copies, because an ordinary user may not be able to look into the build directory.
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        scripts = [os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
                   for name in ("interop", "bench", "packets", "streams", "web")]
        here = [shutil.copy(p, place) for p in (*scripts, *programs)]
        for p in here:
            os.chmod(p, 0o755)
        workers = []
        for i in range(WORKERS):
            words = [system_python(), here[0], "inside:%s:%d" % (mode, i), *here[len(scripts):], *names]
            workers.append(subprocess.Popen(command + words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL, cwd="/"))
        try:
            return gather(mode, workers, names)
        finally:
            for w in workers:
                w.kill()
            for w in workers:
                w.wait()


if __name__ == "__main__":
    sys.exit(main())
