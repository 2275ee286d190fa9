#!/usr/bin/env python3
"""yeon against the kernel's own TCP/IP, in namespaces that hold nothing else. Speaks TAP.

    interop.py MODE PEER SERVE FETCH [NAME...]

MODE: tun         as root, over a TUN device
      tun-user    in a user namespace of an ordinary user, over a TUN device
      veth-user   likewise, over one end of a veth pair with a packet socket
PEER, SERVE and FETCH: the programs built for it. NAMEs pick tests. What the machine refuses is skipped, each test by its name.

Most of the time a test waits; so several run at once, each in namespaces of its own.
"""
import ast
import contextlib
import http.client
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

OURS = {4: "10.9.0.2", 6: "fd09::2"}      # yeon's
THEIRS = {4: "10.9.0.1", 6: "fd09::1"}    # the kernel's
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
        self.process = subprocess.Popen([bench.peer, *self.device, "--addr", OURS[4] + "/24", "--addr", OURS[6] + "/64", *options],
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
        check(answer[0] == "err" and answer[1] == error, "%s: %s, not %s" % (" ".join(str(w) for w in words), " ".join(answer), error))

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
            words = [fn.__name__] + ["v%d" % x if x in (4, 6) and not isinstance(x, bool) else str(x) for x in (p if isinstance(p, tuple) else (p,))]
            TESTS.append(("_".join(words), fn, p if isinstance(p, tuple) else (p,)))
        return fn
    return register


ACTIVE, PASSIVE = "yeon_opens", "kernel_opens"
EACH = [(v, who) for v in (4, 6) for who in (ACTIVE, PASSIVE)]


@test(*EACH)
def handshake(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    check(peer.table("info", s)["state"] == "ESTABLISHED", "not established")
    lines = [line for line in socket_table("state", "established").splitlines() if OURS[v] in line]
    check(len(lines) == 1, "the kernel's table shows %d connections" % len(lines))
    k.close()
    peer.do("close", s)


@test(*EACH)
def options(bench, v, who):
    """What was agreed, as the kernel sees it and as yeon does."""
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("send", s, 30000)
    kernel_recv(k, 30000)
    kernel_send(k, 30000)
    peer.do("recv", s, 30000)
    peer.done(s)
    line = [line for line in socket_table("state", "established").splitlines() if OURS[v] in line][0]
    words = line.split()
    mss = 1500 - (40 if v == 4 else 60) - 12
    check("ts" in words, "no timestamps: %s" % line)
    check("sack" in words, "no SACK: %s" % line)
    check(any(w.startswith("wscale:") for w in words), "no window scale: %s" % line)
    check("mss:%d" % mss in words, "the kernel sends segments that are not of %d bytes: %s" % (mss, line))
    check("rcvmss:%d" % mss in words, "the kernel was sent segments that are not of %d bytes: %s" % (mss, line))
    info = peer.table("info", s)
    check(info["ts"] == "1" and info["sack"] == "1" and info["wscale"] == "1", "yeon thinks otherwise: %s" % info)
    k.close()
    peer.do("close", s)


SIZE = 24 << 20


@test(*EACH)
def bulk_to_yeon(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("recv", s, -1)
    kernel_send(k, SIZE)
    k.shutdown(socket.SHUT_WR)
    check(peer.done(s) == [0, SIZE, 1], "not all arrived")
    peer.do("close", s)
    check(k.recv(1) == b"", "no end of stream")
    k.close()
    peer.settle(connections=0)


@test(*EACH)
def bulk_from_yeon(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("send", s, SIZE)
    kernel_recv(k, SIZE)
    peer.done(s)
    peer.do("close", s)
    check(k.recv(1) == b"", "no end of stream")
    k.close()
    peer.settle(connections=0)


@test(4, 6)
def bulk_both_ways_at_once(bench, v):
    peer = bench.start()
    k, s = pair(peer, v, True)
    peer.do("send", s, SIZE)
    peer.do("recv", s, SIZE)
    with in_background(kernel_send, k, SIZE):
        kernel_recv(k, SIZE)
        check(peer.done(s)[:2] == [SIZE, SIZE], "not all arrived")
    k.close()
    peer.do("close", s)


@test(4, 6)
def bulk_without_offloads(bench, v):
    peer = bench.start("--plain")
    k, s = pair(peer, v, False)
    peer.do("send", s, SIZE // 4)
    peer.do("recv", s, SIZE // 4)
    with in_background(kernel_send, k, SIZE // 4):
        kernel_recv(k, SIZE // 4)
        peer.done(s)
    k.close()
    peer.do("close", s)


@test(4, 6)
def thousand_small_from_kernel(bench, v):
    peer = bench.start()
    server = peer.listener(v, 7)
    for i in range(1000):
        with kernel_connect(v, 7) as k:
            size = 1 + i % 300
            k.sendall(pattern(0, size))
            s = peer.do("accept", server, 20000)[0]
            peer.do("recv", s, size)
            peer.done(s)
            peer.do("send", s, size)
            kernel_recv(k, size)
            k.shutdown(socket.SHUT_WR)
            peer.do("close", s)
    have = peer.settle(connections=0, half_open=0)
    check(have["tcp_opened_passive"] == 1000, "opened %d" % have["tcp_opened_passive"])


@test(4, 6)
def thousand_small_from_yeon(bench, v):
    peer = bench.start()
    with kernel_listener(v) as listener:
        port = listener.getsockname()[1]
        for i in range(1000):
            size = 1 + i % 300
            s = peer.connect(v, port)
            peer.do("send", s, size)
            peer.do("recv", s, -1)
            with listener.accept()[0] as k:
                kernel_recv(k, size)
                k.sendall(pattern(0, size))
            check(peer.done(s)[1:] == [size, 1], "not all arrived")
            peer.do("close", s)
    have = peer.settle(connections=0)
    check(have["tcp_opened_active"] == 1000, "opened %d" % have["tcp_opened_active"])


@test(*EACH)
def half_close_by_kernel(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    k.shutdown(socket.SHUT_WR)
    peer.do("recv", s, -1)
    check(peer.done(s) == [0, 0, 1], "no end of stream")
    check(peer.table("info", s)["state"] == "CLOSE-WAIT", "state")
    peer.do("send", s, 500000)
    kernel_recv(k, 500000)
    peer.do("close", s)
    check(k.recv(1) == b"", "no end of stream")
    k.close()
    peer.settle(connections=0, time_wait=0)


@test(*EACH)
def half_close_by_yeon(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("shut", s)
    check(k.recv(1) == b"", "no end of stream")
    time.sleep(0.2)
    check(peer.table("info", s)["state"] == "FIN-WAIT-2", "state")
    peer.do("recv", s, -1)
    kernel_send(k, 500000)
    k.close()
    check(peer.done(s) == [0, 500000, 1], "not all arrived")
    peer.do("close", s)
    peer.settle(connections=0, time_wait=1)


@test(4, 6)
def closed_port_of_yeon(bench, v):
    bench.start()
    for _ in range(3):
        try:
            kernel_connect(v, 4444)
        except ConnectionRefusedError:
            continue
        raise Failed("the kernel was not refused")


@test(4, 6)
def closed_port_of_kernel(bench, v):
    peer = bench.start()
    for _ in range(3):
        s = peer.do("socket", "tcp%d" % v)[0]
        peer.refused("YEON_ERR_REFUSED", "connect", s, address(THEIRS[v], 4444))
        peer.do("close", s)
    peer.settle(connections=0)


@test(*EACH)
def reset_by_kernel(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    k.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    k.close()
    peer.do("recv", s, -1)
    peer.refused("YEON_ERR_RESET", "done", s)
    peer.do("close", s)
    peer.settle(connections=0, time_wait=0)


@test(*EACH)
def reset_by_yeon(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("abort", s)
    try:
        k.recv(1)
    except ConnectionResetError:
        k.close()
        peer.settle(connections=0, time_wait=0)
        return
    raise Failed("the kernel's end was not reset")


@test(*EACH)
def unread_bytes_reset(bench, v, who):
    """Closing with bytes that nobody read must tell the peer that they are lost."""
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    k.sendall(b"x" * 1000)
    time.sleep(0.2)
    peer.do("close", s)
    try:
        k.recv(1)
    except ConnectionResetError:
        k.close()
        return
    raise Failed("the kernel's end was not reset")


@test(*EACH)
def kernel_closes_first(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    mine = k.getsockname()[1]
    k.close()
    peer.do("recv", s, -1)
    peer.done(s)
    peer.do("close", s)
    peer.settle(connections=0, time_wait=0)
    eventually(lambda: run("ss", "-tanOH", "state", "time-wait", "sport = :%d" % mine).strip(), "the kernel has no TIME-WAIT")


@test(*EACH)
def yeon_closes_first(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    mine = k.getsockname()[1]
    peer.do("close", s)
    check(k.recv(1) == b"", "no end of stream")
    k.close()
    peer.settle(connections=0, time_wait=1)
    eventually(lambda: not run("ss", "-tanOH", "sport = :%d" % mine).strip(), "the kernel still has the connection")


@test(4, 6)
def both_close_at_once(bench, v):
    peer = bench.start("--delay", "100")
    k, s = pair(peer, v, True)
    k.shutdown(socket.SHUT_WR)
    peer.do("close", s)
    check(k.recv(1) == b"", "no end of stream")
    k.close()
    peer.settle(connections=0, time_wait=1)


@test(4, 6)
def port_in_time_wait_is_used_again(bench, v):
    """The kernel connects again from the port whose connection yeon keeps in TIME-WAIT (RFC 6191)."""
    peer = bench.start()
    server = peer.listener(v, 7100)
    port = 0
    for _ in range(5):
        k = socket.socket(FAMILY[v], socket.SOCK_STREAM)
        k.settimeout(PATIENCE)
        k.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        k.bind((THEIRS[v], port))
        port = k.getsockname()[1]
        k.connect((OURS[v], 7100))
        s = peer.do("accept", server, 20000)[0]
        peer.do("send", s, 1000)
        kernel_recv(k, 1000)
        peer.do("close", s)
        check(k.recv(1) == b"", "no end of stream")
        k.close()
        peer.settle(connections=0)
    check(peer.counters()["tcp_time_wait_reused"] == 4, "reused %d times" % peer.counters()["tcp_time_wait_reused"])


@test(4, 6)
def kernel_keepalive_is_answered(bench, v):
    peer = bench.start()
    k, s = pair(peer, v, False)
    k.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    k.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    k.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    k.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
    before = peer.counters()["tcp_in"]
    time.sleep(4.5)
    check(peer.counters()["tcp_in"] >= before + 2, "no probes came")
    kernel_send(k, 1000)
    peer.do("recv", s, 1000)
    peer.done(s)
    k.close()
    peer.do("close", s)


@test(4, 6)
def yeon_keepalive(bench, v):
    """Probes are answered by a living kernel, and find out a dead cable."""
    peer = bench.start()
    k, s = pair(peer, v, True)
    for name, value in (("keepidle_ms", 1000), ("keepintvl_ms", 1000), ("keepcnt", 2), ("keepalive", 1)):
        peer.do("set", s, name, value)
    before = peer.counters()["tcp_out"]
    time.sleep(2.5)
    check(peer.counters()["tcp_out"] >= before + 1, "no probes went out")
    check(peer.table("info", s)["state"] == "ESTABLISHED", "given up in spite of answers")
    peer.do("cut")
    peer.do("recv", s, -1)
    peer.refused("YEON_ERR_TIMED_OUT", "done", s, 10000)
    peer.do("close", s)
    k.close()


@test(4, 6)
def kernel_reader_stalls(bench, v):
    """Zero window: the kernel's buffer fills up, yeon probes, and goes on when there is room."""
    peer = bench.start()
    with kernel_listener(v, rcvbuf=16384) as listener:
        s = peer.connect(v, listener.getsockname()[1])
        k = listener.accept()[0]
    k.settimeout(PATIENCE)
    peer.do("send", s, 3 << 20)
    time.sleep(3)
    check(int(peer.table("info", s)["snd_wnd"]) < 1500, "the window did not close: %s" % peer.table("info", s))
    kernel_recv(k, 3 << 20)
    peer.done(s)
    k.close()
    peer.do("close", s)


@test(4, 6)
def yeon_reader_stalls(bench, v):
    peer = bench.start()
    k, s = pair(peer, v, True)
    peer.do("set", s, "rcvbuf", 16384)
    with in_background(kernel_send, k, 3 << 20):
        time.sleep(3)
        check(int(peer.table("info", s)["rcv_wnd"]) < 1500, "the window did not close: %s" % peer.table("info", s))
        peer.do("recv", s, 3 << 20)
        peer.done(s)
    k.close()
    peer.do("close", s)


@test(*EACH)
def cable_pulled_and_put_back(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("send", s, SIZE)
    peer.do("recv", s, SIZE)

    def pull():
        time.sleep(0.01)
        peer.do("cut")
        time.sleep(1.5)
        peer.do("join")
    with in_background(kernel_send, k, SIZE):
        with in_background(kernel_recv, k, SIZE):
            pull()
        check(peer.done(s)[:2] == [SIZE, SIZE], "not all arrived")
    check(peer.counters()["swallowed"] > 0, "the cut came too late to matter")
    k.close()
    peer.do("close", s)


@test(*EACH)
def two_percent_loss(bench, v, who):
    peer = bench.start("--loss", "2")
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("send", s, 6 << 20)
    peer.do("recv", s, 6 << 20)
    with in_background(kernel_send, k, 6 << 20):
        kernel_recv(k, 6 << 20)
        check(peer.done(s)[:2] == [6 << 20, 6 << 20], "not all arrived")
    check(int(peer.table("info", s)["retrans"]) > 0, "nothing was lost?")
    k.close()
    peer.do("close", s)


@test(4, 6)
def user_timeout(bench, v):
    """A dead cable, bytes under way, and an application that will not wait for ever."""
    peer = bench.start()
    k, s = pair(peer, v, True)
    peer.do("set", s, "user_timeout_ms", 2000)
    peer.do("cut")
    peer.do("send", s, 1000)
    peer.do("recv", s, -1)
    begin = time.monotonic()
    peer.refused("YEON_ERR_TIMED_OUT", "done", s, 20000)
    check(1.5 < time.monotonic() - begin < 8, "after %.1f s" % (time.monotonic() - begin))
    peer.do("close", s)
    k.close()


@test(4, 6)
def urgent_byte(bench, v):
    """An urgent byte from the kernel does not disturb the stream around it."""
    peer = bench.start()
    k, s = pair(peer, v, False)
    k.sendall(pattern(0, 100))
    k.send(b"!", socket.MSG_OOB)
    k.sendall(pattern(100, 100))
    peer.do("recv", s, 200)
    check(peer.done(s)[1] == 200, "the stream without the urgent byte")
    k.close()
    peer.do("close", s)


@test(4, 6)
def many_at_once(bench, v):
    peer = bench.start()
    server = peer.listener(v, 7200, 400)
    kernel = [kernel_connect(v, 7200) for _ in range(300)]
    for i, k in enumerate(kernel):
        kernel_send(k, 1000 + i)
        k.shutdown(socket.SHUT_WR)
    ours = [peer.do("accept", server, 20000) for _ in kernel]
    by_port = {k.getsockname()[1]: k for k in kernel}
    for s, remote in ours:
        k = by_port[int(remote.rsplit(":", 1)[1])]
        size = 1000 + kernel.index(k)
        peer.do("recv", s, -1)
        check(peer.done(s) == [0, size, 1], "not all arrived")
        peer.do("send", s, 2000)
        kernel_recv(k, 2000)
        peer.do("close", s)
        k.close()
    peer.settle(connections=0)


@test(4, 6)
def backlog_is_bounded(bench, v):
    """More connections than the backlog holds: some wait, none of those accepted suffers."""
    peer = bench.start()
    server = peer.listener(v, 7300, 2)
    waiting = []
    for _ in range(12):
        k = socket.socket(FAMILY[v], socket.SOCK_STREAM)
        k.setblocking(False)
        k.connect_ex((OURS[v], 7300))
        waiting.append(k)
    time.sleep(0.5)
    for _ in range(2):
        s, remote = peer.do("accept", server, 20000)
        k = [k for k in waiting if k.getsockname()[1] == int(remote.rsplit(":", 1)[1])][0]
        k.settimeout(PATIENCE)
        peer.do("send", s, 5000)
        kernel_recv(k, 5000)
        peer.do("close", s)
    for k in waiting:
        k.close()


@test(4, 6)
def udp_echo(bench, v):
    """Datagrams both ways, small and so large that they travel in fragments."""
    peer = bench.start()
    s = peer.do("socket", "udp%d" % v)[0]
    peer.do("bind", s, address(OURS[v], 5353))
    with socket.socket(FAMILY[v], socket.SOCK_DGRAM) as k:
        k.settimeout(PATIENCE)
        k.bind((THEIRS[v], 0))
        for size in (0, 1, 100, 1400, 1472, 1473, 8000, 60000):
            k.sendto(pattern(0, size), (OURS[v], 5353))
            n, remote = peer.do("recvfrom", s)
            check(int(n) == size, "yeon got %s of %d" % (n, size))
            check(remote == address(THEIRS[v], k.getsockname()[1]), "from %s" % remote)
            peer.do("sendto", s, size, remote)
            got, sender = k.recvfrom(65536)
            check(got == pattern(0, size), "the kernel got %d of %d" % (len(got), size))
            check(sender[:2] == (OURS[v], 5353), "from %s" % (sender,))
    peer.do("close", s)


@test(4, 6)
def udp_port_unreachable(bench, v):
    peer = bench.start()
    with socket.socket(FAMILY[v], socket.SOCK_DGRAM) as k:
        k.settimeout(PATIENCE)
        k.connect((OURS[v], 4444))
        k.send(b"anybody?")
        try:
            k.recv(10)
            raise Failed("the kernel was not told")
        except ConnectionRefusedError:
            pass
    s = peer.do("socket", "udp%d" % v)[0]
    peer.do("connect", s, address(THEIRS[v], 4444))
    peer.do("sendto", s, 10)
    peer.refused("YEON_ERR_REFUSED", "recvfrom", s)
    peer.do("close", s)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@test(4, 6)
def ping(bench, v):
    bench.start()
    protocol = socket.IPPROTO_ICMP if v == 4 else socket.IPPROTO_ICMPV6
    ask, answer = (8, 0) if v == 4 else (128, 129)
    with socket.socket(FAMILY[v], socket.SOCK_RAW, protocol) as k:
        k.settimeout(5)
        for number, size in enumerate((0, 56, 1400, 6000)):
            body = struct.pack("!HH", 77, number) + pattern(0, size)
            head = struct.pack("!BBH", ask, 0, checksum(struct.pack("!BBH", ask, 0, 0) + body) if v == 4 else 0)
            k.sendto(head + body, (OURS[v], 0))
            while True:
                got = k.recv(65536)
                if v == 4:
                    got = got[(got[0] & 15) * 4:]
                if got[0] == answer:
                    break
            check(got[4:] == body, "echo of %d bytes came back different" % size)


@test(4, 6)
def garbage_does_no_harm(bench, v):
    """Broken packets of every protocol number beside a working connection."""
    peer = bench.start()
    k, s = pair(peer, v, False)
    luck = random.Random(5)
    for protocol in (1, 2, 6, 17, 47, 58, 132):
        with socket.socket(FAMILY[v], socket.SOCK_RAW, protocol) as raw:
            if v == 6 and protocol == 58:
                raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
            for size in (0, 1, 3, 7, 19, 20, 21, 40, 60, 100, 1000):
                for _ in range(20):
                    with contextlib.suppress(OSError):  # the kernel itself refuses some of it
                        raw.sendto(luck.randbytes(size), (OURS[v], 0))
    port = k.getsockname()[1]
    with socket.socket(FAMILY[v], socket.SOCK_RAW, 6) as raw:  # at the very connection, with flags and offsets at random
        for _ in range(500):
            segment = struct.pack("!HHIIBBHHH", port, 7000, luck.getrandbits(32), luck.getrandbits(32), luck.getrandbits(8), luck.getrandbits(8) & ~4,
                                  luck.getrandbits(16), luck.getrandbits(16), luck.getrandbits(16)) + luck.randbytes(luck.randrange(60))
            raw.sendto(segment, (OURS[v], 0))
    peer.do("send", s, 300000)
    peer.do("recv", s, 300000)
    with in_background(kernel_send, k, 300000):
        kernel_recv(k, 300000)
        peer.done(s)
    have = peer.counters()
    check(have["tcp_bad_checksum"] + have["tcp_bad_header"] > 0, "nothing of it was counted")
    k.close()
    peer.do("close", s)


@contextlib.contextmanager
def web(bench, *options):
    with tempfile.TemporaryDirectory() as root:
        with open(os.path.join(root, "big.bin"), "wb") as f:
            for i in range(20):
                f.write(pattern(i << 20, 1 << 20))
        with open(os.path.join(root, "a b%.txt"), "w", encoding="utf-8") as f:
            f.write("hello\n")
        os.makedirs(os.path.join(root, "sub", "own"))
        with open(os.path.join(root, "sub", "own", "index.html"), "w", encoding="utf-8") as f:
            f.write("<p>own</p>")
        with open(os.path.join(root, ".secret"), "w", encoding="utf-8") as f:
            f.write("no")
        with open(os.path.join(root, "empty"), "w", encoding="utf-8"):
            pass
        log = tempfile.TemporaryFile(mode="w+")
        server = subprocess.Popen([bench.serve, *bench.device_options(), "--addr", OURS[4] + "/24", "--addr", OURS[6] + "/64", "--quiet",
                                   *options, root], stderr=log)
        try:
            bench.configure()
            yield
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            bench.tidy()
        log.seek(0)
        check(server.returncode == 0, "serve ended with %d: %s" % (server.returncode, log.read()[-2000:]))


def get(connection, method, path, **fields):
    connection.request(method, path, headers=fields)
    answer = connection.getresponse()
    return answer.status, {k.lower(): x for k, x in answer.getheaders()}, answer.read()


@test(4, 6)
def http_server(bench, v):
    with web(bench):
        c = http.client.HTTPConnection(OURS[v], 80, timeout=PATIENCE)
        status, fields, body = get(c, "GET", "/big.bin")
        check(status == 200 and len(body) == 20 << 20 and body[:1 << 20] == pattern(0, 1 << 20), "GET")
        status, fields, body = get(c, "HEAD", "/big.bin")
        check(status == 200 and body == b"" and fields["content-length"] == str(20 << 20), "HEAD")
        for value, first, last in (("bytes=100-199", 100, 199), ("bytes=20971500-", 20971500, 20971519), ("bytes=-20", 20971500, 20971519)):
            status, fields, part = get(c, "GET", "/big.bin", Range=value)
            check(status == 206 and fields["content-range"] == "bytes %d-%d/20971520" % (first, last), "range %s: %d %s" % (value, status, fields))
            check(part == pattern(first, 1)[:0] + b"".join(pattern(i, 1) for i in range(first, last + 1)), "bytes of %s" % value)
        check(get(c, "GET", "/big.bin", Range="bytes=20971520-")[0] == 416, "416")
        check(get(c, "GET", "/big.bin", Range="bytes=5-2")[0] == 200, "a senseless range is ignored")
        check(get(c, "GET", "/a%20b%25.txt")[2] == b"hello\n", "percent-decoding")
        check(get(c, "GET", "/nowhere")[0] == 404, "404")
        check(get(c, "GET", "/big.bin/")[0] == 404, "a file is no directory")
        check(get(c, "DELETE", "/big.bin")[0] == 405, "405")
        check(get(c, "GET", "/empty")[::2] == (200, b""), "empty file")
        check(get(c, "GET", "/empty", Range="bytes=0-0")[0] == 416, "range of an empty file")
        for path in ("/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/sub/../../etc/passwd", "/.secret"):
            check(get(c, "GET", path)[0] == 403, path)
        check(get(c, "GET", "/sub/own/")[2] == b"<p>own</p>", "index.html")
        status, fields, body = get(c, "GET", "/sub/own")
        check(status == 301 and fields["location"] == "/sub/own/", "301")
        status, fields, body = get(c, "GET", "/")
        check(status == 200 and b"a%20b%25.txt" in body and b".secret" not in body, "listing")
        check(get(c, "GET", "/%zz")[0] == 400, "400")
        c.close()
        for junk in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 100 + b"\r\n\r\n", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n"):
            with kernel_connect(v, 80) as k:
                k.sendall(junk)
                answer = k.recv(4096)
                check(answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505")), "%r: %r" % (junk[:20], answer[:40]))


@test(4)
def http_many_clients(bench, v):
    with web(bench):
        trouble = []

        def client(number):
            try:
                c = http.client.HTTPConnection(OURS[v], 80, timeout=PATIENCE)
                for _ in range(5):
                    first = number * 1000
                    status, _, body = get(c, "GET", "/big.bin", Range="bytes=%d-%d" % (first, first + 99999))
                    if status != 206 or body[:1000] != pattern(first, 1000) or len(body) != 100000:
                        trouble.append("client %d: %d, %d bytes" % (number, status, len(body)))
                c.close()
            except (OSError, http.client.HTTPException) as e:
                trouble.append("client %d: %r" % (number, e))
        threads = [threading.Thread(target=client, args=(i,), daemon=True) for i in range(100)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(PATIENCE)
        check(not trouble, "; ".join(trouble[:3]))


class Canned(threading.Thread):
    """A server on the kernel's side that gives one prepared answer to each connection, in pieces, and notes what it was asked."""

    def __init__(self, v, *pieces, reset=False):
        super().__init__(daemon=True)
        self.listener = kernel_listener(v)
        self.port = self.listener.getsockname()[1]
        self.pieces, self.reset, self.asked = pieces, reset, b""
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            k = self.listener.accept()[0]
            k.settimeout(PATIENCE)
            while b"\r\n\r\n" not in self.asked:
                self.asked += k.recv(4096)
            for piece in self.pieces:
                k.sendall(piece)
                time.sleep(0.02)
            if self.reset:
                k.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            k.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes an accept that nobody came to
        self.join(PATIENCE)
        self.listener.close()


def fetch(bench, v, port, path="/x", *options):
    """Exit status, standard output, standard error."""
    bench.prepare()
    command = [bench.fetch, *bench.device_options(), "--addr", OURS[4] + "/24", "--addr", OURS[6] + "/64", *options,
               "http://%s%s" % (address(THEIRS[v], port), path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE * 2, check=False)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def fetched(bench, v, server, *options):
    status, out, log = fetch(bench, v, server.port, "/x", "-o", "-", *options)
    return status, out, log


@test(4, 6)
def fetch_downloads(bench, v):
    bench.prepare()
    body = pattern(0, 1 << 20) * 3
    with Canned(v, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body) as server:
        status, out, log = fetched(bench, v, server)
    check(status == 0 and out == body, "%d: %s" % (status, log))
    host = address(THEIRS[v], server.port).encode()
    check(server.asked.startswith(b"GET /x HTTP/1.1\r\nHost: %s\r\n" % host), repr(server.asked))
    chunked = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhel", b"lo\r", b"\n6;x=y\r\n world\r\n0\r\nTrailer: 1\r\n\r\n")
    with Canned(v, *chunked) as server:
        status, out, log = fetched(bench, v, server)
    check(status == 0 and out == b"hello world", "chunked: %d %r %s" % (status, out, log))
    with Canned(v, b"HTTP/1.0 200 OK\r\n\r\n", b"to the ", b"end") as server:
        status, out, log = fetched(bench, v, server)
    check(status == 0 and out == b"to the end", "no length: %d %r %s" % (status, out, log))


@test(4)
def fetch_resumes(bench, v):
    bench.prepare()
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "file")
        with open(path, "wb") as f:
            f.write(pattern(0, 1000))
        with Canned(v, b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1000-4999/5000\r\nContent-Length: 4000\r\n\r\n", pattern(1000, 4000)) as server:
            status, _, log = fetch(bench, v, server.port, "/x", "-o", path, "--resume")
        check(b"Range: bytes=1000-\r\n" in server.asked, "no range was asked for")
        with open(path, "rb") as f:
            check(status == 0 and f.read() == pattern(0, 5000), "%d: %s" % (status, log))
        with Canned(v, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", pattern(0, 10)) as server:  # it does not do ranges
            status, _, log = fetch(bench, v, server.port, "/x", "-o", path, "--resume")
        with open(path, "rb") as f:
            check(status == 0 and f.read() == pattern(0, 10), "%d: %s" % (status, log))
        with Canned(v, b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 3-9/10\r\nContent-Length: 7\r\n\r\n", b"x" * 7) as server:
            status, _, log = fetch(bench, v, server.port, "/x", "-o", path, "--resume")
        check(status == 6, "another part than asked for: %d" % status)


@test(4)
def fetch_exit_status(bench, v):
    bench.prepare()
    for answer, want in ((b"HTTP/1.1 404 Not Found\r\n\r\n", 6), (b"HTTP/1.1 301 Moved\r\nLocation: http://a/\r\n\r\n", 6), (b"nonsense\r\n\r\n", 6),
                         (b"", 6), (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", 5), (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 6),
                         (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 6), (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 4000, 6)):
        with Canned(v, answer) as server:
            status, _, log = fetched(bench, v, server)
        check(status == want, "%r: %d, not %d: %s" % (answer[:40], status, want, log))
        check(log.startswith("fetch: ") and len(log) < 400, "no friendly line: %r" % log)
    with Canned(v, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", reset=True) as server:
        check(fetched(bench, v, server)[0] == 5, "reset")
    check(fetch(bench, v, 4444, "/x", "-o", "-")[0] == 4, "refused connection")
    with Canned(v, b"HTTP/1.1 200 OK\r\n\r\n") as server:
        check(fetch(bench, v, server.port, "/x", "-o", "/nowhere/at/all")[0] == 7, "no such directory")
    for words in ([], ["ftp://10.9.0.1/"], ["http://example.org/"], ["--tun"], ["--loss", "200", "http://10.9.0.1/"], ["--nonsense", "http://10.9.0.1/"]):
        done = subprocess.run([bench.fetch, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        check(done.returncode == 2 and done.stderr, "%s: %d" % (words, done.returncode))


@test(4, 6)
def fetch_shows_the_cut(bench, v):
    """The cable pulled in the middle, a ladder and a capture of it."""
    bench.prepare()
    body = pattern(0, 1 << 20) * 8
    with tempfile.TemporaryDirectory() as place:
        ladder, pcap = os.path.join(place, "ladder"), os.path.join(place, "pcap")
        with Canned(v, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body) as server:
            status, out, log = fetched(bench, v, server, "--cut-after", "4M", "--cut-for", "1", "--ladder", ladder, "--pcap", pcap)
        check(status == 0 and out == body, "%d: %s" % (status, log))
        check("cable pulled after" in log and "cable back after " in log, log)
        with open(ladder, encoding="utf-8") as f:
            text = f.read()
        for word in ("SYN-SENT", "ESTABLISHED", "cable cut", "cable joined", "FIN"):
            check(word in text, "no '%s' in the ladder" % word)
        check(os.path.getsize(pcap) > len(body), "the capture is too small")
        if shutil.which("tshark"):
            seen = subprocess.run(["tshark", "-r", pcap, "-Y", "tcp.flags.syn==1", "-T", "fields", "-e", "tcp.port"], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, check=False, env={**os.environ, "HOME": place})
            check(seen.returncode == 0 and len(seen.stdout.splitlines()) >= 2, "tshark: %s %s" % (seen.stdout, seen.stderr[-500:]))


class Bench:
    """The namespace and what is in it."""

    def __init__(self, mode, peer, serve, fetch):
        self.kind = mode.split("-")[0]
        self.peer, self.serve, self.fetch = peer, serve, fetch
        self.running, self.kept = None, False
        run("ip", "link", "set", "lo", "up")
        for name, value in (("net/ipv4/tcp_congestion_control", "reno"), ("net/ipv6/conf/all/accept_dad", "0"), ("net/ipv6/conf/default/accept_dad", "0"),
                            ("net/ipv4/ping_group_range", "0 0"), ("net/ipv4/icmp_ratelimit", "0"), ("net/ipv6/icmp/ratelimit", "0")):
            try:
                with open("/proc/sys/" + name, "w", encoding="ascii") as f:
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
        eventually(lambda: "LOWER_UP" in run("ip", "link", "show", "yt0") and "qdisc noop" not in run("ip", "link", "show", "yt0")
                   and "fd09::/64" in run("ip", "-6", "route", "show", "dev", "yt0"), "yt0 does not come up")

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


def chosen(names):
    return [t for t in TESTS if not names or any(n in t[0] for n in names)]


def inside(mode, part, peer, serve, fetch, names):
    """One worker: every WORKERS-th test. A line to our parent for each."""
    bench = Bench(mode, peer, serve, fetch)
    for name, fn, args in chosen(names)[part::WORKERS]:
        begin, trouble = time.monotonic(), None
        try:
            fn(bench, *args)
        except (Failed, OSError, http.client.HTTPException, subprocess.SubprocessError, IndexError, KeyError, ValueError) as e:
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
    user = [] if os.getuid() != 0 else ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups"]
    if mode == "tun":
        return ["unshare", "--net"], "ip tuntap add mode tun name yt9"
    if mode == "tun-user":
        return user + ["unshare", "--user", "--map-root-user", "--net"], "ip tuntap add mode tun name yt9"
    return user + ["unshare", "--user", "--map-root-user", "--net"], "ip link add name yk9 type veth peer name yo9"


def why_not(mode, command, probe):
    if mode == "tun" and os.getuid() != 0:
        return "needs root"
    try:
        done = subprocess.run(command + ["sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; " + probe], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
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
    # Copies, because an ordinary user may not be able to look into the build directory.
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        here = [shutil.copy(p, place) for p in (os.path.abspath(__file__), *programs)]
        for p in here:
            os.chmod(p, 0o755)
        workers = [subprocess.Popen(command + [system_python(), here[0], "inside:%s:%d" % (mode, i), *here[1:], *names],
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd="/") for i in range(WORKERS)]
        try:
            return gather(mode, workers, names)
        finally:
            for w in workers:
                w.terminate()
            for w in workers:
                w.wait()


if __name__ == "__main__":
    sys.exit(main())
