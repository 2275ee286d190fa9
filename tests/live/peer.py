"""Both ends of the tests in errors.py: peer.py server WHAT, and peer.py client WHAT HOST. A client prints what each call gave it, by errno's name, so that
a lab and the kernel's loopback can be compared line by line."""
import ctypes
import errno
import os
import select
import signal
import socket
import struct
import sys
import time

PORT, CLOSED = 7100, 7199
RST = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s


def say(*words):
    print(*words, flush=True)


def tried(what, fn, *args):
    """One line: what a call gave."""
    try:
        result = fn(*args)
    except OSError as e:
        result = errno.errorcode.get(e.errno, e)
    if isinstance(result, bytes) and len(result) > 20:
        result = "%d bytes" % len(result)
    say(what, "->", result)
    return result


def listen(backlog=64):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("0.0.0.0", PORT))
    s.listen(backlog)
    return s


def connected(host, family=socket.AF_INET):
    s = socket.socket(family)
    s.settimeout(30)
    s.connect((host, PORT))
    s.settimeout(None)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 100, 0))
    return s


def pending_error(s):
    n = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return errno.errorcode.get(n, n)


# ---- servers ----

def serve_forever(fn):
    s = listen()
    say("ready pid", os.getpid())
    kept = []
    while True:
        c, _ = s.accept()
        kept.append(c)
        fn(c)


def server_keep():
    """Takes connections and bytes, answers the first of them, and never closes."""
    s = listen()
    p = select.poll()
    p.register(s, select.POLLIN)
    known = {}
    say("ready pid", os.getpid())
    while True:
        for fd, _ in p.poll():
            if fd == s.fileno():
                c, _ = s.accept()
                known[c.fileno()] = c
                p.register(c, select.POLLIN)
                continue
            try:
                data = known[fd].recv(65536)
            except OSError:
                data = b""
            if data:
                known[fd].send(data[:1])
            else:
                p.unregister(fd)


def server_pour():
    """Sends for ever and reads nothing."""
    s = listen()
    say("ready pid", os.getpid())
    c, _ = s.accept()
    block = b"z" * 65536
    while True:
        c.sendall(block)


def server_deaf():
    """Takes connections, and lets what comes lie unread."""
    serve_forever(lambda c: None)


def server_close():
    """By the first byte that comes: c closes, r resets, u closes with something unread."""
    def fn(c):
        order = c.recv(1)
        if order == b"r":
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
        if order == b"u":
            time.sleep(0.3)
        c.close()
    serve_forever(fn)


def server_echo():
    def fn(c):
        data = b""
        while piece := c.recv(65536):
            data += piece
        c.sendall(data)
        c.close()
    serve_forever(fn)


# ---- clients: the same words here and over the kernel ----

def client_refused(host):
    s = socket.socket()
    for _ in range(2):
        tried("connect", s.connect, (host, CLOSED))
    say("SO_ERROR", pending_error(s))
    s = socket.socket()
    s.setblocking(False)
    say("connect", errno.errorcode.get(s.connect_ex((host, CLOSED))))
    p = select.poll()
    p.register(s, select.POLLOUT)
    events = p.poll(10000)
    say("poll", [bool(e & select.POLLERR) for _, e in events])
    say("SO_ERROR", pending_error(s), pending_error(s))
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 5, 0))
    u.connect((host, CLOSED))
    tried("udp send", u.send, b"x")
    time.sleep(0.3)
    tried("udp send", u.send, b"x")
    time.sleep(0.3)
    tried("udp recv", u.recv, 10)


def client_calls(host):
    a = socket.socket()
    tried("getpeername", a.getpeername)
    tried("accept", a.accept)
    tried("bind elsewhere", a.bind, ("192.0.2.9", 0))
    tried("bind", a.bind, ("0.0.0.0", 7150))
    tried("bind again", a.bind, ("0.0.0.0", 7151))
    b = socket.socket()
    tried("bind taken", b.bind, ("0.0.0.0", 7150))
    tried("listen", a.listen, 5)
    tried("connect of a listener", a.connect, (host, PORT))
    tried("bind low", b.bind, ("0.0.0.0", 22)) if os.path.exists("/never") else None
    c = connected(host)
    tried("connect again", c.connect, (host, PORT))
    tried("listen when connected", c.listen, 1)
    tried("sockname family", lambda: len(c.getsockname()))
    tried("peer port", lambda: c.getpeername()[1])
    tried("recv", lambda: c.recv(10, socket.MSG_DONTWAIT))
    tried("send", c.send, b"hello")
    time.sleep(0.3)
    tried("peek", lambda: c.recv(10, socket.MSG_PEEK))
    tried("recv", lambda: c.recv(10))
    c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 200000))
    tried("recv with a time-out", lambda: c.recv(10))
    tried("shutdown", c.shutdown, socket.SHUT_WR)
    tried("send after it", lambda: c.send(b"x", socket.MSG_NOSIGNAL))
    for name in ("SO_KEEPALIVE", "SO_REUSEADDR", "SO_TYPE", "SO_ACCEPTCONN"):
        say(name, bool(c.getsockopt(socket.SOL_SOCKET, getattr(socket, name))))
    for name, value in (("TCP_NODELAY", 1), ("TCP_KEEPIDLE", 7), ("TCP_KEEPINTVL", 3), ("TCP_KEEPCNT", 4), ("TCP_USER_TIMEOUT", 5000)):
        c.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        say(name, c.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)))
    tried("no such option", lambda: c.setsockopt(socket.IPPROTO_TCP, 999, 1))
    tried("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
    tried("bluetooth", lambda: socket.socket(31, socket.SOCK_STREAM))


def client_ends(host):
    c = connected(host)  # an orderly end, and what a writer then gets
    c.send(b"c")
    tried("recv", lambda: c.recv(10))
    time.sleep(0.3)
    tried("send", c.send, b"one")
    time.sleep(0.5)
    tried("send", lambda: c.send(b"two"))
    tried("recv", lambda: c.recv(10))
    for order in (b"r", b"u more"):  # a reset
        c = connected(host)
        c.send(order)
        time.sleep(0.6)
        tried("recv", lambda: c.recv(10))
        tried("recv", lambda: c.recv(10))
        tried("send", lambda: c.send(b"x"))
        tried("send", lambda: c.send(b"x"))
    c = connected(host)
    c.send(b"r")
    time.sleep(0.6)
    tried("send", lambda: c.send(b"x"))
    tried("send", lambda: c.send(b"x"))
    tried("recv", lambda: c.recv(1))
    c = connected(host)
    c.send(b"r")
    time.sleep(0.6)
    p = select.poll()
    p.register(c, select.POLLIN)
    say("poll", [bool(e & select.POLLERR) for _, e in p.poll(3000)], [bool(e & select.POLLHUP) for _, e in p.poll(3000)])
    say("SO_ERROR", pending_error(c), pending_error(c))
    tried("recv", lambda: c.recv(10))


def client_sigpipe(host):
    """A child that has not ignored SIGPIPE dies of it."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        c = connected(host)
        c.send(b"r")
        time.sleep(0.5)
        for _ in range(3):
            try:
                c.send(b"x")
            except OSError:
                pass
        os._exit(0)
    _, status = os.waitpid(child, 0)
    say("signal", signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "none")


def client_half(host):
    c = connected(host)
    data = bytes(range(256)) * 2000
    c.sendall(data)
    c.shutdown(socket.SHUT_WR)
    got = b""
    while piece := c.recv(65536):
        got += piece
    say("the same", got == data)


def client_dups(host):
    """A connection handed on by dup, fork and SCM_RIGHTS goes on as long as somebody has it."""
    c = connected(host)
    d = os.dup(c.fileno())
    c.close()
    a, b = socket.socketpair()
    socket.send_fds(a, [b"!"], [d])
    os.close(d)
    child = os.fork()
    if child == 0:
        _, fds, _, _ = socket.recv_fds(b, 1, 1)
        with socket.socket(fileno=fds[0]) as s:
            s.send(b"x")
            tried("peer", lambda: s.getpeername()[1])  # before the end, which comes when it comes
            s.shutdown(socket.SHUT_WR)
            tried("recv", lambda: s.recv(10))
        os._exit(0)
    os.waitpid(child, 0)


def client_killed(host):
    """Reads on while the server is killed."""
    c = connected(host)
    say("begun")
    n = 0
    end = None
    while end is None:
        try:
            piece = c.recv(65536)
            n += len(piece)
            if not piece:
                end = "end of stream"
            time.sleep(0.001)
        except OSError as e:
            end = errno.errorcode[e.errno]
    say("some came", n > 100000, "then", end)


def client_killed_unread(host):
    """Has sent what the server never read, and waits."""
    c = connected(host)
    c.send(b"x" * 5000)
    say("begun")
    tried("recv", lambda: c.recv(10))
    tried("send", lambda: c.send(b"x"))


# ---- clients in a lab alone: how long, and what then ----

def timed(begin, s):
    """Waits for the end of s by poll, then tells what every call gives."""
    p = select.poll()
    p.register(s, select.POLLIN)
    p.poll(100000)
    say("after %.2f s" % (time.monotonic() - begin))
    if len(sys.argv) > 4:
        say("SO_ERROR", pending_error(s))
    tried("recv", lambda: s.recv(10))
    tried("recv", lambda: s.recv(10))
    tried("send", lambda: s.send(b"x"))


def go():
    """Waits for the test to have cut the cable."""
    say("begun")
    while not os.path.exists("cut"):
        time.sleep(0.005)


def client_sends(host):
    """Data under way in a cut."""
    c = connected(host)
    c.send(b"a")
    c.recv(1)
    go()
    begin = time.monotonic()
    c.send(b"b")
    timed(begin, c)


def client_user_timeout(host):
    c = connected(host)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 3000)
    c.send(b"a")
    c.recv(1)
    go()
    begin = time.monotonic()
    c.send(b"b")
    timed(begin, c)


def client_keepalive(host):
    c = connected(host)
    for name, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 3)):
        c.setsockopt(socket.IPPROTO_TCP, name, value)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    c.send(b"a")
    c.recv(1)
    begin = time.monotonic()
    go()
    timed(begin, c)


def client_no_answer(host):
    go()
    c = socket.socket()
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
    begin = time.monotonic()
    tried("connect", c.connect, (host, PORT))
    say("after %.2f s" % (time.monotonic() - begin))


def client_nowhere(host):
    del host
    for to in ("192.0.2.1", "10.0.0.77", "2001:db8::1", "fd00::77"):
        c = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET)
        begin = time.monotonic()
        tried("tcp " + to, c.connect, (to, PORT))
        if time.monotonic() - begin > 5:
            say("too late")
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tried("udp 192.0.2.1", u.sendto, b"x", ("192.0.2.1", 9))


def client_half_open(host):
    c = connected(host)
    c.send(b"a")
    c.recv(1)
    say("begun")
    while not os.path.exists("joined"):
        time.sleep(0.005)
    tried("send", c.send, b"b")
    tried("recv", lambda: c.recv(10))
    say("SO_ERROR", pending_error(c))


def client_unsupported(host):
    libc = ctypes.CDLL(None, use_errno=True)

    def raw(number, *args):
        return errno.errorcode[ctypes.get_errno()] if libc.syscall(number, *args) < 0 else "worked"
    c = connected(host)
    say("raw socket", tried("", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)))
    say("packet socket", tried("", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)))
    say("family", tried("", lambda: socket.socket(socket.AF_BLUETOOTH, socket.SOCK_STREAM)))
    say("sctp", tried("", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)))
    say("option", tried("", lambda: c.setsockopt(socket.IPPROTO_TCP, 999, 1)))
    say("urgent", tried("", lambda: c.send(b"x", socket.MSG_OOB)))
    say("io_uring", raw(425, 8, None))
    say("pidfd_getfd", raw(438, -1, 0, 0))


globals()[sys.argv[1] + "_" + sys.argv[2]](*sys.argv[3:4])
