"""The namespace, the two ends in it, and what all tests use: the kernel's sockets, and yeon's through a program that
obeys."""
import contextlib
import os
import select
import socket
import subprocess
import tempfile
import threading
import time

OURS = {4: "10.9.0.2", 6: "fd09::2"}      # yeon's
THEIRS = {4: "10.9.0.1", 6: "fd09::1"}    # the kernel's
ADDRESSES = ["--addr", OURS[4] + "/24", "--addr", OURS[6] + "/64"]
MORTAL = ["setpriv", "--pdeathsig", "KILL"]  # what is started so dies with us
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
NOBODY = 65534
PATIENCE = 60.0                           # seconds; for machines that are busy or slowed by sanitizers
WORKERS = 4


def make_pattern():
    x, out = 12345, bytearray()
    for _ in range(65521):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        out.append(x >> 24)
    return bytes(out)


PATTERN = make_pattern()
TILE = PATTERN * 34                       # slices of it stand at every phase for up to 2 MiB


def pattern(offset, length):
    at = offset % len(PATTERN)
    assert at + length <= len(TILE)
    return TILE[at:at + length]


class Failed(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failed(text)


def eventually(condition, text, timeout=10.0):
    until = time.monotonic() + timeout
    while not condition():
        check(time.monotonic() < until, text)
        time.sleep(0.01)


def run(*command, ok=True):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ok and done.returncode != 0:
        raise Failed("%s: %s" % (" ".join(command), done.stdout.strip()))
    return done.stdout


class Peer:
    """The yeon endpoint, with the device between it and the kernel."""

    def __init__(self, bench, *options):
        self.bench = bench
        self.device = bench.device_options()
        self.log = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen([*MORTAL, bench.peer, *self.device, *ADDRESSES, *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        self.buffer = b""
        self.expect("ok ready")
        bench.configure()

    def errors(self):
        self.log.seek(0)
        return self.log.read().strip()[-2000:]

    def line(self, timeout=PATIENCE):
        until = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Failed("the yeon end does not answer")
            got = os.read(self.process.stdout.fileno(), 65536)
            if not got:
                raise Failed("the yeon end died: %s" % self.errors())
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def expect(self, text):
        line = self.line()
        check(line == text, "yeon said '%s', not '%s'" % (line, text))

    def ask(self, *words):
        """The words of the answer, after "ok" or "err"."""
        self.process.stdin.write((" ".join(str(w) for w in words) + "\n").encode())
        self.process.stdin.flush()
        return self.line().split()

    def do(self, *words):
        answer = self.ask(*words)
        check(answer[0] == "ok", "%s: %s" % (" ".join(str(w) for w in words), " ".join(answer)))
        return answer[1:]

    def refused(self, error, *words):
        answer = self.ask(*words)
        asked = " ".join(str(w) for w in words)
        check(answer[0] == "err" and answer[1] == error, "%s: %s, not %s" % (asked, " ".join(answer), error))

    def table(self, *words):
        return dict(w.split("=", 1) for w in self.do(*words))

    def counters(self):
        return {k: int(v) for k, v in self.table("counters").items()}

    def settle(self, timeout=10.0, **want):
        """Waits until the counters have these values."""
        until = time.monotonic() + timeout
        while True:
            have = self.counters()
            if all(have[k] == v for k, v in want.items()):
                return have
            if time.monotonic() > until:
                raise Failed("%s" % {k: have[k] for k in want})
            time.sleep(0.02)

    # shorthands
    def listener(self, v, port, backlog=128):
        s = self.do("socket", "tcp%d" % v)[0]
        self.do("bind", s, address(OURS[v], port))
        self.do("listen", s, backlog)
        return s

    def connect(self, v, port):
        s = self.do("socket", "tcp%d" % v)[0]
        self.do("connect", s, address(THEIRS[v], port), 20000)
        return s

    def done(self, s, timeout=PATIENCE):
        return [int(x) for x in self.do("done", s, int(timeout * 1000))]

    def close(self):
        try:
            self.do("quit")
            self.process.wait(10)
        except (Failed, OSError, subprocess.TimeoutExpired):
            self.process.kill()
        finally:
            self.process.wait()
            with contextlib.suppress(OSError):
                self.process.stdin.close()
            self.process.stdout.close()
            self.bench.tidy()
        return self.process.returncode


def address(ip, port):
    return "[%s]:%d" % (ip, port) if ":" in ip else "%s:%d" % (ip, port)


def kernel_listener(v, port=0, backlog=128, rcvbuf=None):
    s = socket.socket(FAMILY[v], socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if rcvbuf:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    s.settimeout(PATIENCE)
    s.bind((THEIRS[v], port))
    s.listen(backlog)
    return s


def kernel_connect(v, port, rcvbuf=None):
    s = socket.socket(FAMILY[v], socket.SOCK_STREAM)
    if rcvbuf:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    s.settimeout(PATIENCE)
    s.connect((OURS[v], port))
    return s


def pair(peer, v, active, port=7000):
    """A connection: the kernel's socket, and the number of yeon's. active: yeon opens it."""
    if active:
        with kernel_listener(v) as listener:
            s = peer.connect(v, listener.getsockname()[1])
            return listener.accept()[0], s
    server = peer.listener(v, port)
    k = kernel_connect(v, port)
    s = peer.do("accept", server, 20000)[0]
    peer.do("close", server)
    return k, s


def kernel_send(k, size, offset=0, piece=1 << 20):
    at = 0
    while at < size:
        n = min(piece, size - at)
        k.sendall(pattern(offset + at, n))
        at += n


def kernel_recv(k, size, offset=0):
    at = 0
    while at < size:
        got = k.recv(min(1 << 20, size - at))
        check(got, "end of stream after %d of %d bytes" % (at, size))
        check(got == pattern(offset + at, len(got)), "wrong bytes near %d" % at)
        at += len(got)


@contextlib.contextmanager
def in_background(fn, *args):
    trouble = []

    def work():
        try:
            fn(*args)
        except (Failed, OSError) as e:
            trouble.append(e)
    t = threading.Thread(target=work, daemon=True)
    t.start()
    yield t
    t.join(PATIENCE)
    check(not t.is_alive(), "the kernel's end got stuck")
    if trouble:
        raise Failed("the kernel's end: %s" % trouble[0])


def socket_table(*words):
    return run("ss", "-tainoOH", *words)


TESTS = []


def test(*parameters):
    """Registers fn once for each parameter; () once."""
    def register(fn):
        for p in parameters or [()]:
            args = p if isinstance(p, tuple) else (p,)
            words = [fn.__name__] + ["v%d" % x if x in (4, 6) else x for x in args]
            TESTS.append(("_".join(words), fn, args))
        return fn
    return register


ACTIVE, PASSIVE = "yeon_opens", "kernel_opens"
EACH = [(v, who) for v in (4, 6) for who in (ACTIVE, PASSIVE)]


class Bench:
    """The namespace and what is in it."""

    def __init__(self, mode, peer, serve, fetch):
        self.kind = mode.split("-")[0]
        self.peer, self.serve, self.fetch = peer, serve, fetch
        self.running, self.kept = None, False
        run("ip", "link", "set", "lo", "up")
        for name, value in (("ipv4/tcp_congestion_control", "reno"), ("ipv6/conf/all/accept_dad", "0"),
                            ("ipv6/conf/default/accept_dad", "0"), ("ipv4/icmp_ratelimit", "0"),
                            ("ipv6/icmp/ratelimit", "0")):
            try:
                with open("/proc/sys/net/" + name, "w", encoding="ascii") as f:
                    f.write(value)
            except OSError:
                pass  # not this namespace's to say; the tests do not depend on it
        if self.kind == "veth":
            run("ip", "link", "add", "name", "yk0", "type", "veth", "peer", "name", "yo0")
            try:
                with open("/proc/sys/net/ipv6/conf/yo0/disable_ipv6", "w", encoding="ascii") as f:
                    f.write("1")
            except OSError:
                pass
            self.give_addresses("yk0")
            run("ip", "link", "set", "yo0", "up")
            run("ip", "link", "set", "yk0", "up")

    @staticmethod
    def give_addresses(device):
        run("ip", "addr", "add", THEIRS[4] + "/24", "dev", device)
        run("ip", "addr", "add", THEIRS[6] + "/64", "dev", device, "nodad")

    def device_options(self):
        return ["--tun", "yt0"] if self.kind == "tun" else ["--packet", "yo0"]

    def yeon_end(self):
        return "yt0" if self.kind == "tun" else "yo0"

    def configure(self):
        """The kernel's end of a TUN device that a program has just made."""
        if self.kind != "tun":
            time.sleep(0.2)
            return
        eventually(lambda: os.path.exists("/proc/sys/net/ipv4/conf/yt0"), "no device yt0", 20)
        self.bring_up()

    def prepare(self):
        """A device that is there before the program that uses it."""
        if self.kind == "tun" and not os.path.exists("/proc/sys/net/ipv4/conf/yt0"):
            run("ip", "tuntap", "add", "mode", "tun", "name", "yt0")
            self.give_addresses("yt0")
            run("ip", "link", "set", "yt0", "up")
            self.kept = True

    def bring_up(self):
        """The kernel takes a device into use a moment after it says that it is up; what is sent before is lost."""
        self.give_addresses("yt0")
        run("ip", "link", "set", "yt0", "up")

        def in_use():
            link, routes = run("ip", "link", "show", "yt0"), run("ip", "-6", "route", "show", "dev", "yt0")
            return ("LOWER_UP" in link and "qdisc noop" not in link
                    and "fd09::/64" in routes and "linkdown" not in routes)
        eventually(in_use, "yt0 does not come up")

    def tidy(self):
        """A TUN device has gone with its program; on a veth pair the kernel must forget whom it talked to."""
        if self.kind == "veth":
            run("ip", "neigh", "flush", "all", ok=False)

    def start(self, *options):
        self.running = Peer(self, *options)
        return self.running

    def stop(self):
        if self.kept:
            self.kept = False
            run("ip", "link", "del", "yt0")
        if self.running:
            peer, self.running = self.running, None
            code = peer.close()
            check(code == 0, "the yeon end ended with %d: %s" % (code, peer.errors()))
