#!/usr/bin/env python3
"""What programs are told when things go wrong on a live lab: refused, reset, timed out, half open, killed, unsupported. Where a kernel can be put into the
same situation, its words are the standard. Speaks TAP.

    errors.py YEON [--few] [NAME...]
"""
import concurrent.futures
import errno
import os
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from live import Failed, Lab, Stage, Tap, enter, find, left_over, skip_all, HERE, write  # noqa: E402

WORKERS = 8


def peer(*words):
    return [find("python3"), "-B", os.path.join(HERE, "peer.py"), *words]


def begin(stage, serve, client, more=()):
    """A server, ready, and the client. Their programs, and the server's pid."""
    server = stage.start("server", peer("server", serve))
    server.until(r"ready pid \d+")
    pid = int(re.search(r"ready pid (\d+)", server.output()).group(1))
    return server, stage.start("client", peer("client", client, stage.host), more), pid


def words_of(stage, serve, client, kill):
    server, program, pid = begin(stage, serve, client)
    if kill:
        program.until("begun")
        time.sleep(0.5)
        os.kill(pid, signal.SIGKILL)
    status = program.wait(40)
    if status != 0:
        raise Failed("status %d: %s" % (status, program.tail()))
    del server
    return program.output()


def same(name, serve, client, kill=False, but=()):
    """The client's words are those it says over the kernel's loopback, but for these lines: (the kernel's, what docs/run.md promises instead)."""
    with Stage("k-" + name) as stage:
        expected = words_of(stage, serve, client, kill)
    for kernel, promised in but:
        if kernel not in expected:
            raise Failed("no %r over the kernel's loopback: %s" % (kernel, expected))
        expected = expected.replace(kernel, promised, 1)
    with Lab("y-" + name) as lab:
        got = words_of(lab, serve, client, kill)
        if got != expected:
            lines = [("  " if a == b else "! ") + "%-50s %s" % (a, b) for a, b in zip(expected.splitlines(), got.splitlines())]
            raise Failed("kernel, then lab:\n%s\n%s" % ("\n".join(lines), lab.log()[-800:]))
    return "%d lines" % len(expected.splitlines())


def timed(name, client, low, high, words, profile=None, more=(), idle=0.0):
    """The cable is cut for good; how long the client takes to notice, and its words then."""
    with Lab(name, profile) as lab:
        _, program, _ = begin(lab, "keep", client, more)
        program.until("begun")
        time.sleep(idle)
        lab.ask("cut")
        write(lab.path("cut"), "")
        program.wait(high + 10)
        text = program.output()
        took = float(re.search(r"after ([\d.]+) s", text).group(1))
        rest = [line for line in text.splitlines() if "->" in line or "SO_ERROR" in line]
        if rest != list(words):
            raise Failed("%s, not %s; %s" % (rest, list(words), lab.log()[-500:]))
        if not low <= took <= high:
            raise Failed("after %.2f s, not %g to %g" % (took, low, high))
        return "after %.2f s" % took


DYNAMIC = ("recv -> ETIMEDOUT", "recv -> b''", "send -> EPIPE")
STATIC = ("SO_ERROR ETIMEDOUT", "recv -> ECONNRESET", "recv -> b''", "send -> EPIPE")


def lecture(name):
    """Retries after 1, 2, 4, 8 and 16 s, and the sixth expiry, 32 s later, gives up."""
    return timed(name, "sends", 62.9, 63.6, DYNAMIC, "lecture")


def without_helper(name):
    """As a static program sees it: SO_ERROR is right, and recv can say only ECONNRESET."""
    with Lab(name) as lab:
        _, program, _ = begin(lab, "keep", "user_timeout", ("--no-preload",))
        program.until("begun")
        lab.ask("cut")
        write(lab.path("cut"), "")
        program.wait(30)
        if "recv -> ECONNRESET\nrecv -> b''\nsend -> EPIPE" not in program.output():
            raise Failed(program.output())


def nowhere(name):
    with Lab(name) as lab:
        _, program, _ = begin(lab, "keep", "nowhere")
        program.wait(40)
        expected = ["tcp 192.0.2.1 -> ENETUNREACH", "tcp 10.0.0.77 -> EHOSTUNREACH", "tcp 2001:db8::1 -> ENETUNREACH", "tcp fd00::77 -> EHOSTUNREACH",
                    "udp 192.0.2.1 -> ENETUNREACH"]
        if program.output().splitlines() != expected:
            raise Failed(program.output())


def half_open(name):
    """Cut, then the server is killed: the client's end stands, alone; once joined, its next byte is answered by a reset."""
    with Lab(name) as lab:
        _, program, pid = begin(lab, "keep", "half_open")
        program.until("begun")
        lab.ask("cut")
        os.kill(pid, signal.SIGKILL)
        time.sleep(1)
        r = subprocess.run([lab.yeon, "ss", "--lab", name], capture_output=True, text=True, timeout=10, check=False)
        shown = r.stdout + r.stderr
        if r.returncode != 0 or "ESTAB" not in shown:
            raise Failed("yeon ss shows no half-open connection (status %d): %s" % (r.returncode, shown))
        lab.ask("join")
        write(lab.path("joined"), "")
        program.wait(30)
        lines = program.output().splitlines()[1:]
        if lines != ["send -> 1", "recv -> ECONNRESET", "SO_ERROR 0"]:
            raise Failed("%s; %s" % (lines, shown))
        return "ss: " + " | ".join(line.strip() for line in shown.splitlines() if "ESTAB" in line or "FIN" in line)[:160]


UNSUPPORTED = (("raw socket", "EPERM", r"socket\(2, 3, 1\)"), ("packet socket", "EPERM", r"socket\(17, 3, "), ("family", "EAFNOSUPPORT", r"socket\(31, 1, 0\)"),
               ("sctp", "EPROTONOSUPPORT", r"socket\(2, 1, 132\)"), ("option", "ENOPROTOOPT", r"setsockopt level 6 option 999"),
               ("urgent", errno.errorcode[errno.EOPNOTSUPP], "MSG_OOB"), ("io_uring", "ENOSYS", "io_uring_setup"), ("pidfd_getfd", "EPERM", "pidfd_getfd"))


def unsupported(name):
    with Lab(name) as lab:
        _, program, _ = begin(lab, "keep", "unsupported")
        program.wait(20)
        text = program.output()
        log = lab.log()
        trouble = []
        for what, code, line in UNSUPPORTED:
            if "%s %s" % (what, code) not in text:
                trouble.append("%s: not %s" % (what, code))
            if not re.search(line, log):
                trouble.append("%s: not on the log" % what)
        if trouble:
            raise Failed("%s\n%s\n%s" % ("; ".join(trouble), text, log))


def lab_killed(name):
    """A lab that is killed takes its programs with it, and leaves nothing that a next one of its name would stumble over."""
    with Lab(name) as lab:
        _, program, _ = begin(lab, "pour", "killed")
        program.until("begun")
        lab.lab.process.kill()
        program.wait(10)
        again = lab.start("server", ["true"])  # no lab: refused
        if again.wait(10) == 0:
            raise Failed("yeon run --lab of a dead lab succeeded")
    with Lab(name):
        pass


# A datagram goes into the pair unseen, so only a receiver can be told.
UDP_REFUSED = (("udp send -> ECONNREFUSED", "udp send -> 1"), ("udp recv -> EAGAIN", "udp recv -> ECONNREFUSED"))

TESTS = [
    ("a long cut, lecture profile: ETIMEDOUT after 63 s", lecture),
    ("a long cut with TCP_USER_TIMEOUT 3 s", lambda n: timed(n, "user_timeout", 2.9, 3.6, DYNAMIC)),
    ("an idle pair with keepalive, 1 s + 3 probes", lambda n: timed(n, "keepalive", 3.9, 4.6, DYNAMIC)),
    ("the helper left out: ECONNRESET instead", without_helper),
    ("connect into a cut cable, TCP_SYNCNT 1", lambda n: timed(n, "no_answer", 2.9, 3.6, ("connect -> ETIMEDOUT",))),
    ("ENETUNREACH and EHOSTUNREACH", nowhere),
    ("half open: cut, kill -9, join", half_open),
    ("kill -9 of a server that sends, as over the kernel", lambda n: same(n, "pour", "killed", True)),
    ("kill -9 of a server with bytes unread, as over the kernel", lambda n: same(n, "deaf", "killed_unread", True)),
    ("refused, as over the kernel", lambda n: same(n, "keep", "refused", but=UDP_REFUSED)),
    ("calls out of place, as over the kernel", lambda n: same(n, "keep", "calls")),
    ("ends and resets, as over the kernel", lambda n: same(n, "close", "ends")),
    ("SIGPIPE, as over the kernel", lambda n: same(n, "close", "sigpipe")),
    ("half closed, as over the kernel", lambda n: same(n, "echo", "half")),
    ("handed on by dup, fork and SCM_RIGHTS, as over the kernel", lambda n: same(n, "echo", "dups")),
    ("unsupported calls: errno and a line on the log", unsupported),
    ("a lab that is killed", lab_killed),
]
FEW = ("a long cut with TCP_USER_TIMEOUT 3 s", "ends and resets, as over the kernel", "unsupported calls: errno and a line on the log")


def nothing_left():
    if left_over():
        raise Failed("a process is left over")


def main():
    why = enter(__file__)
    words = [w for w in sys.argv[1:] if not w.startswith("-")]
    tests = [t for t in TESTS if (not words or any(w in t[0] for w in words)) and ("--few" not in sys.argv or t[0] in FEW)]
    if why is not None:
        return skip_all(why, [name for name, _ in tests])
    tap = Tap(len(tests) + 1)
    kernel = [t for t in enumerate(tests) if "as over the kernel" in t[1][0]]  # one port on one loopback: one after another
    others = [t for t in enumerate(tests) if "as over the kernel" not in t[1][0]]

    def in_turn():
        for number, (name, fn) in kernel:
            tap.run(name, lambda f=fn, n=number: f("e%d" % n))
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        pool.submit(in_turn)
        for number, (name, fn) in others:
            pool.submit(tap.run, name, lambda f=fn, n=number: f("e%d" % n))
    tap.run("nothing is left over", nothing_left)
    return 1 if tap.failures else 0


if __name__ == "__main__":
    sys.exit(main())
