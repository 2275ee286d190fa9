"""What the tests of the live lab stand on: a lab each, programs in it, and a folder that vanishes."""
import os
import shutil
import signal
import subprocess
import tempfile
import threading

TESTS = []  # (name, needed programs, function, arguments)


class Failed(Exception):
    pass


class Skip(Exception):
    pass


def test(name, needs=(), *args):
    def keep(fn):
        TESTS.append((name, needs, fn, args))
        return fn
    return keep


def expect(what, got, wanted):
    if got != wanted:
        raise Failed("%s: %r, not %r" % (what, got, wanted))


class Bench:
    """One test's lab. `yeon` is a copy that an ordinary user may run, with the helper library beside it."""

    def __init__(self, yeon, profile="linux"):
        self.yeon, self.profile = yeon, profile
        self.dir = tempfile.mkdtemp(prefix="yeon-run-")
        self.env = dict(os.environ, XDG_RUNTIME_DIR=self.dir, HOME=self.dir, LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1")
        self.env.pop("LD_PRELOAD", None)
        self.lab = None
        self.log = os.path.join(self.dir, "lab.log")

    def start(self):
        self.lab = subprocess.Popen([self.yeon, "lab", "--live", "--name", "t", "--log", self.log, "--profile", self.profile],
                                    env=self.env, stdin=subprocess.DEVNULL)
        for _ in range(200):
            if os.path.exists(self.log) and "ready" in open(self.log).read():
                return self
            threading.Event().wait(0.02)
        raise Failed("the lab does not start")

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def cable(self, *words):
        done = subprocess.run([self.yeon, "cable", "--lab", "t", *words], env=self.env, capture_output=True, text=True, timeout=20)
        if done.returncode != 0:
            raise Failed("cable %s: %s%s" % (" ".join(words), done.stdout, done.stderr))
        return done.stdout

    def line(self, *programs, private=False):
        """('server', argv), ('client', argv) as arguments of `yeon run`."""
        words = [self.yeon, "run", "--wall"] + ([] if private else ["--lab", "t", "--log", self.path("run.log")])
        for i, (host, argv) in enumerate(programs):
            words += ([":"] if i else []) + ["--on", host, "--"] + argv
        return words

    def run(self, *programs, timeout=60, status=0, private=False, both=False):
        """The output of the last program (of all, those before it keep theirs in run.err). It must end with `status`; None: any."""
        p = subprocess.Popen(self.line(*programs, private=private), env=self.env, cwd=self.dir, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT if both else open(self.path("run.err"), "ab"))
        try:
            out = p.communicate(timeout=timeout)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGTERM)
            out = p.communicate(timeout=20)[0].decode(errors="replace")
            raise Failed("not done in %d s; it said: %s\n%s" % (timeout, out[-600:], self.errors()))
        if status is not None and p.returncode != status:
            raise Failed("status %d, not %d; it said: %s\n%s" % (p.returncode, status, out[-600:], self.errors()))
        return out

    def errors(self):
        text = ""
        for name in ("run.err", "lab.log", "run.log"):
            if os.path.exists(self.path(name)):
                text += open(self.path(name), errors="replace").read()[-1500:]
        return text

    def stop(self):
        try:
            if self.lab and self.lab.poll() is None:
                self.lab.send_signal(signal.SIGTERM)
                if self.lab.wait(timeout=10) != 0:
                    raise Failed("the lab ended with %d" % self.lab.returncode)
            elif self.lab:
                raise Failed("the lab had died with %d: %s" % (self.lab.returncode, self.errors()))
        finally:
            if self.lab and self.lab.poll() is None:
                self.lab.kill()
                self.lab.wait()
            shutil.rmtree(self.dir, ignore_errors=True)
