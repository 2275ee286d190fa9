#!/usr/bin/env python3
"""The story of `make run`, small: whole, stopped in the middle, and where the machine refuses what it needs. Speaks TAP.

    story.py BUILD       the build directory, with yeon and examples/ in it
"""
import concurrent.futures
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from bench import Failed, check  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STORY = os.path.join(ROOT, "scripts", "story.sh")
SIZE = 20_000_000
SECONDS = 240      # for a whole act, with sanitizers on a busy machine
COLUMNS = 80


class Skip(Exception):
    pass


class Stage:
    """A story that runs in a session and a folder for temporary files of its own."""

    def __init__(self, build, *options, path=None):
        self.tmp = tempfile.mkdtemp(prefix="yeon-story-")
        env = dict(os.environ, TMPDIR=self.tmp, LC_ALL="C.UTF-8", PATH=(path + ":" if path else "") + os.environ["PATH"])
        self.out = open(os.path.join(self.tmp, "out"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([STORY, "--build", build, "--size", str(SIZE), *options], env=env, stdin=subprocess.DEVNULL,
                                        stdout=self.out, stderr=subprocess.STDOUT, start_new_session=True)

    def text(self):
        with open(self.out.name, encoding="utf-8", errors="replace") as f:
            return f.read()

    def until(self, pattern, seconds=60):
        """Waits for a line; Skip when the machine refuses the act."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.text()):
            refusal(self.text())
            check(self.process.poll() is None, "it ended early: " + self.text()[-1500:])
            check(time.monotonic() < end, "no %r: %s" % (pattern, self.text()[-1500:]))
            time.sleep(0.05)

    def end(self, status, seconds=SECONDS):
        try:
            got = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed("not done after %g s: %s" % (seconds, self.text()[-1500:])) from None
        check(got == status, "status %s, not %d: %s" % (got, status, self.text()[-3000:]))
        left = self.left()
        check(not left, "still there: %s" % left)
        check(os.listdir(self.tmp) == ["out"], "files are left: %s" % os.listdir(self.tmp))
        return self.text()

    def left(self):
        """Processes that have our folder in their environment or in their words; those that are just ending get a moment."""
        for _ in range(40):
            found = [words for pid, words in processes() if self.tmp in words and pid != os.getpid()]
            if not found:
                return []
            time.sleep(0.05)
        return found

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.out.close()
        shutil.rmtree(self.tmp, ignore_errors=True)


def processes():
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        words = b""
        for file in ("environ", "cmdline"):
            try:
                with open("/proc/%s/%s" % (name, file), "rb") as f:
                    words += f.read() + b" "
            except OSError:
                pass
        yield int(name), words.replace(b"\0", b" ").decode(errors="replace")


def refusal(text):
    found = re.search(r"(?s)(?:does not work|are refused) here \((.*?)\)\.", text)
    if found:
        raise Skip(" ".join(found.group(1).split()))


def fits(text):
    wide = [line for line in text.splitlines() if len(line) > COLUMNS]
    check(not wide, "wider than %d columns: %s" % (COLUMNS, wide[:3]))


def in_order(text, *patterns):
    at = 0
    for pattern in patterns:
        found = re.compile(pattern, re.MULTILINE).search(text, at)
        check(found, "no %r after %r in\n%s" % (pattern, text[max(0, at - 60):at], text))
        at = found.end()


def programs(stage):
    """The first act: what is promised is there, in this order."""
    text = stage.end(0)
    refusal(text)
    fits(text)
    in_order(text, "the cable is pulled$", "plugged in again$", "SHA-256 matches", "^The handshake", r"SYN seq 0 .*mss 1460", "SYN·ACK", "before server",
             "^The cut", "cable cut", "timer fires", "timeout 1", "timer fires", "timeout 2", "^The recovery", "cable joined", "sack", "^The close",
             "FIN-WAIT-1", "FIN", "1 opened, 0 reset, 0 given up", r"[1-9]\d* time-outs", "survived  ",
             "over IPv6", "the cable is pulled$", "SHA-256 matches", "survived  ")
    one = text[:text.index("The close")]
    waits = [float(n) * {"ms": 1, "s": 1000}[unit] for n, unit in re.findall(r"next in ([\d.]+) (ms|s)", one)]
    check(len(waits) >= 2 and all(1.9 < b / a < 2.1 for a, b in zip(waits, waits[1:])), "the timer does not double: %s" % waits)


def kernel(stage):
    """The second act: four downloads, each with its cut."""
    text = stage.end(0)
    refusal(text)
    fits(text)
    for head in ("1. The kernel's curl .*IPv4", "2. The same over IPv6", "3. examples/fetch .*IPv4", "4. The same over IPv6"):
        in_order(text, head, "cable pulled after", "cable back", "SHA-256 matches")
    in_order(text, "cable cut", "timeout 1", "cable joined", "cable cut", "cable joined", "again", "4 matching checksums")


def stopped(stage, moment):
    """Ctrl-C, as a terminal sends it, in the middle of a download."""
    stage.until(moment)
    os.killpg(stage.process.pid, signal.SIGINT)
    stage.end(130, 20)


def refused(stage):
    text = stage.end(0)
    in_order(text, "`yeon run` does not work here .no such filter", "Network namespaces are refused here .no such thing", "in virtual time",
             "cable cut", "timeout 1", "cable joined", "✓ their checksum is the file's", "✓ their checksum is the file's")


def powerless(build, place):
    """A build whose `yeon run` is refused, and an `unshare` that is."""
    real = os.path.join(build, "yeon")
    for name, words in (("yeon", 'if [ "$1" = run ]; then echo "yeon run: no such filter" >&2; exit 126; fi\nexec %s "$@"' % real),
                        ("unshare", 'echo "no such thing" >&2; exit 1')):
        path = os.path.join(place, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n%s\n" % words)
        os.chmod(path, stat.S_IRWXU)
    return place


TESTS = [
    ("two programs under `yeon run`, IPv4 and IPv6", ["--act", "1"], programs, ()),
    ("yeon and the kernel, IPv4 and IPv6", ["--act", "2"], kernel, ()),
    ("Ctrl-C in the first act leaves nothing", ["--act", "1"], stopped, ("the cable is pulled",)),
    ("Ctrl-C in the second act leaves nothing", ["--act", "2"], stopped, ("3. examples/fetch",)),
    ("where all is refused, it is played in virtual time", None, refused, ()),
]


def one(build, options, fn, args):
    with tempfile.TemporaryDirectory() as place:
        if options is None:
            stage = Stage(powerless(build, place), path=place)
        else:
            stage = Stage(build, *options)
        try:
            fn(stage, *args)
        except Skip as e:
            return None, str(e)
        except (Failed, OSError) as e:
            return str(e), None
        finally:
            stage.close()
    return None, None


def main():
    build = os.path.abspath(sys.argv[1])
    print("1..%d" % len(TESTS), flush=True)
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(len(TESTS)) as pool:
        jobs = [pool.submit(one, build, options, fn, args) for _, options, fn, args in TESTS]
        for number, (job, (name, *_)) in enumerate(zip(jobs, TESTS), 1):
            trouble, skip = job.result()
            failures += trouble is not None
            print("%sok %d - %s%s" % ("not " if trouble else "", number, name, " # SKIP " + skip if skip else ""), flush=True)
            if trouble:
                print("# " + trouble.replace("\n", "\n# "), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
