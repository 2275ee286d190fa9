"""What the live tests share: a place of their own, labs in it, and TAP.

The tests run as an ordinary user in a user, network and mount namespace that holds nothing but its own loopback: whatever a program sent past the
lab would end there, and the loopback's counters would tell. `enter` takes us there (root becomes nobody first), in a folder of our own that is
removed at the end with everything in it.
"""
import ctypes
import fcntl
import os
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

NOBODY = 65534
NEWNS, NEWUSER, NEWNET = 0x00020000, 0x10000000, 0x40000000
PR_SET_CHILD_SUBREAPER = 36
V4, V6 = "10.0.0.2", "fd00::2"  # of the lab's server
HERE = os.path.dirname(os.path.abspath(__file__))
libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """A test's complaint."""


class Missing(Exception):
    """What a test needs is not here."""


# ---- the place ----

def call(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, "%s: %s" % (what, os.strerror(error)))


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def bind(name, text, over):
    """A file of ours in place of one of the system's."""
    path = os.path.join(os.environ["YEON_LIVE"], name)
    write(path, text)
    os.chmod(path, 0o644)
    call(libc.mount(path.encode(), over.encode(), None, 4096, None), "mount over " + over)


def enter_namespaces():
    uid, gid = os.getuid(), os.getgid()
    call(libc.unshare(NEWUSER | NEWNET | NEWNS), "unshare")
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", "%d %d 1" % (uid, uid))
    write("/proc/self/gid_map", "%d %d 1" % (gid, gid))
    with socket.socket() as s:  # lo up
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))
    call(libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None), "private mounts")
    bind("hosts", "127.0.0.1 localhost server\n::1 localhost server6\n", "/etc/hosts")
    user = pwd.getpwuid(uid)
    line = "%s:x:%d:%d::%s:/bin/sh\n" % (user.pw_name, uid, gid, os.environ["YEON_LIVE"])
    bind("passwd", "root:x:0:0:root:/root:/bin/sh\n" + line, "/etc/passwd")  # so that ssh has a shell to start
    bind("shadow", "%s:*:19000:0:99999:7:::\n" % user.pw_name, "/etc/shadow")  # and the account is not locked


def move(yeon, script):
    """Copies what is needed to where nobody may read it, becomes nobody, and starts again from there."""
    place = tempfile.mkdtemp(prefix="yeon-live-", dir="/tmp")
    os.makedirs(place + "/bin")
    shutil.copy(yeon, place + "/bin/yeon")
    shutil.copy(os.path.join(os.path.dirname(yeon), "libyeon-preload.so"), place + "/bin")
    shutil.copytree(HERE, place + "/tests", ignore=shutil.ignore_patterns("__pycache__", "meson.build"))
    if os.getuid() == 0:
        for folder, _, files in os.walk(place):
            os.chown(folder, NOBODY, NOBODY)
            for name in files:
                os.chown(os.path.join(folder, name), NOBODY, NOBODY)
    child = os.fork()
    if child == 0:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        env = dict(os.environ, YEON_LIVE=place, YEON=place + "/bin/yeon", HOME=place, XDG_RUNTIME_DIR=place, TMPDIR=place, LC_ALL="C.UTF-8")
        python = sys.executable if os.access(sys.executable, os.X_OK) else "/usr/bin/python3"
        os.execve(python, [python, "-B", place + "/tests/" + os.path.basename(script)] + sys.argv[2:], env)

    def stop(number, _):
        os.kill(child, number)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    _, status = os.waitpid(child, 0)
    shutil.rmtree(place, ignore_errors=True)
    sys.exit(os.waitstatus_to_exitcode(status) & 255)


def enter(script):
    """To be called first. None when there is nothing in the way, else why there can be no test."""
    if "YEON_LIVE" not in os.environ:
        move(sys.argv[1], script)
    os.chdir(os.environ["YEON_LIVE"])
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        enter_namespaces()
    except OSError as e:
        return "namespaces are refused here (%s)" % e
    return None


def loopback_packets():
    """Received and sent by the loopback of our namespace, and whether it is alone."""
    with open("/proc/net/dev", encoding="ascii") as f:
        lines = [re.split(r"[:\s]+", line.strip()) for line in f.readlines()[2:]]
    return [x[0] for x in lines], sum(int(x[2]) for x in lines)


# ---- programs ----

def find(name):
    """The path of a program, or Missing."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin:/usr/local/sbin:/usr/local/bin")
    if path is None:
        raise Missing("%s is not installed" % name)
    return path


class Program:
    """A process of ours with its output in a file."""

    def __init__(self, argv, log, stdin=subprocess.DEVNULL, cwd=None):
        self.log = log
        self.argv = argv
        with open(log, "wb") as out:
            self.process = subprocess.Popen(argv, stdin=stdin, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, cwd=cwd)

    def output(self):
        with open(self.log, "rb") as f:
            return f.read().decode(errors="replace")

    def tail(self):
        return self.output()[-1500:]

    def running(self):
        return self.process.poll() is None

    def wait(self, seconds):
        """The exit status."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed("%s has not ended after %g s; it said: %s" % (self.argv[-1][-60:], seconds, self.tail())) from None

    def until(self, pattern, seconds=15):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.output()):
            if not self.running():
                raise Failed("%s ended early: %s" % (self.argv[-1][-60:], self.tail()))
            if time.monotonic() > end:
                raise Failed("no %r from %s: %s" % (pattern, self.argv[-1][-60:], self.tail()))
            time.sleep(0.02)

    def stop(self):
        """Its end, asked for, then forced; by its own process group."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(6)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Stage:
    """Where a server and a client meet: the kernel's loopback."""
    host, v4, v6 = "server", "127.0.0.1", "::1"

    def __init__(self, name):
        self.name = name
        self.folder = os.path.join(os.environ["YEON_LIVE"], name)
        os.makedirs(self.folder)
        self.programs = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in reversed(self.programs):
            p.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, on, argv, more=(), stdin=subprocess.DEVNULL):
        del on, more
        p = Program(argv, self.path("%d.log" % len(self.programs)), stdin=stdin, cwd=self.folder)
        self.programs.append(p)
        return p


class Lab(Stage):
    """A live lab, with its server and client."""
    v4, v6 = V4, V6

    def __init__(self, name, profile=None):
        super().__init__(name)
        self.yeon = os.environ["YEON"]
        argv = [self.yeon, "lab", "--live", "--name", name] + (["--profile", profile] if profile else [])
        self.lab = super().start("", argv)
        try:
            self.lab.until("ready")
        except Failed:
            self.__exit__()
            raise

    def start(self, on, argv, more=(), stdin=subprocess.DEVNULL):
        words = [self.yeon, "run", "--lab", self.name, "--wall", "--log", self.path("run.log"), *more, "--on", on, "--", *argv]
        return super().start(on, words, stdin=stdin)

    def ask(self, *words):
        r = subprocess.run([self.yeon, "cable", "--lab", self.name, *words], capture_output=True, text=True, timeout=10, check=False)
        if r.returncode != 0:
            raise Failed("yeon cable %s: %d %s%s" % (" ".join(words), r.returncode, r.stdout, r.stderr))
        return r.stdout

    def frames(self):
        """Delivered in both directions."""
        return sum(int(n) for n in re.findall(r"delivered (\d+) frames", self.ask("show")))

    def until_frames(self, n, seconds=20):
        end = time.monotonic() + seconds
        while self.frames() < n:
            if time.monotonic() > end:
                raise Failed("not even %d frames in %g s" % (n, seconds))
            time.sleep(0.02)

    def log(self):
        text = self.lab.output()
        if os.path.exists(self.path("run.log")):
            with open(self.path("run.log"), encoding="utf-8", errors="replace") as f:
                text += f.read()
        return text

    def process_fds(self):
        return len(os.listdir("/proc/%d/fd" % self.lab.process.pid))

    def process_kb(self):
        with open("/proc/%d/status" % self.lab.process.pid, encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s*(\d+)", f.read()).group(1))


# ---- TAP ----

class Tap:
    def __init__(self, total):
        self.number = self.failures = 0
        self.lock = threading.Lock()
        print("1..%d" % total, flush=True)

    def tell(self, name, trouble=None, skip=None, remark=None):
        with self.lock:
            self.number += 1
            self.failures += trouble is not None
            print("%sok %d - %s%s" % ("not " if trouble else "", self.number, name, " # SKIP " + skip if skip else ""))
            if remark:
                print("# " + remark)
            if trouble:
                print("# " + trouble.strip().replace("\n", "\n# "))
            sys.stdout.flush()

    def run(self, name, fn):
        """fn gives a remark, or raises."""
        begin = time.monotonic()
        try:
            remark = fn()
            self.tell(name, remark="%.1f s%s" % (time.monotonic() - begin, ", " + remark if remark else ""))
        except Missing as e:
            self.tell(name, skip=str(e))
        except Failed as e:
            self.tell(name, "after %.1f s: %s" % (time.monotonic() - begin, e))
        except Exception:  # pylint: disable=broad-except
            self.tell(name, traceback.format_exc())


def run_all(script, tests, only=()):
    """tests: [(name, fn)]; the command line's words pick among them."""
    del script
    words = [w for w in sys.argv[1:] if not w.startswith("-")]
    tests = [t for t in tests if (not words or any(w in t[0] for w in words)) and (not only or t[0] in only)]
    tap = Tap(len(tests))
    for name, fn in tests:
        tap.run(name, fn)
    return tap


def skip_all(why, names):
    tap = Tap(len(names))
    for name in names:
        tap.tell(name, skip=why)
    return 0


def left_over():
    """Whether processes of ours are still there; we are their subreaper."""
    try:
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False
