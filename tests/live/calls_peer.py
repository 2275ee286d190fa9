"""One program, both ends in itself, that does what programs do to sockets and prints what each call gave: calls.py runs it over the kernel's loopback and in
a lab, and compares. Arguments: the names of the parts to run; without any, all."""
import array
import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
SO, IP, IP6, TCP = socket.SOL_SOCKET, socket.IPPROTO_IP, socket.IPPROTO_IPV6, socket.IPPROTO_TCP
SIOCINQ, SIOCOUTQ, SIOCGIFCONF = 0x541B, 0x5411, 0x8912
PARTS = []


def part(fn):
    PARTS.append(fn)
    return fn


def say(*words):
    print(*words, flush=True)


def tried(what, fn, *args):
    try:
        result = fn(*args)
    except OSError as e:
        result = errno.errorcode.get(e.errno, e) if e.errno else type(e).__name__
    if isinstance(result, socket.socket):
        result = "a socket"
    if isinstance(result, bytes) and len(result) > 30:
        result = "%d bytes" % len(result)
    say("%-34s %s" % (what, result))
    return result


def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def tcp(family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(SO, socket.SO_RCVTIMEO, struct.pack("ll", 10, 0))
    return s


def udp(family=socket.AF_INET, at=None):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(SO, socket.SO_RCVTIMEO, struct.pack("ll", 10, 0))
    if at is not None:
        s.bind(at)
    return s


def listener(family=socket.AF_INET, port=0):
    s = tcp(family)
    s.setsockopt(SO, socket.SO_REUSEADDR, 1)
    s.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
    s.listen(16)
    return s


def pair(family=socket.AF_INET):
    """Both ends of a connection."""
    with listener(family) as l:
        c = tcp(family)
        c.connect(l.getsockname()[:2])
        a = l.accept()[0]
        a.setsockopt(SO, socket.SO_RCVTIMEO, struct.pack("ll", 10, 0))
        return c, a


def readable(s, seconds=5):
    return bool(select.select([s], [], [], seconds)[0])


def events(s, seconds=2):
    p = select.poll()
    p.register(s, select.POLLIN | select.POLLOUT | select.POLLRDHUP)
    names = ((select.POLLIN, "IN"), (select.POLLOUT, "OUT"), (select.POLLERR, "ERR"), (select.POLLHUP, "HUP"), (select.POLLRDHUP, "RDHUP"))
    return [" ".join(n for bit, n in names if e & bit) for _, e in p.poll(seconds * 1000)]


def ioctl_int(s, number):
    value = array.array("i", [0])
    fcntl.ioctl(s, number, value)
    return value[0]


@part
def ports():
    l = listener(port=7300)
    c = tcp()
    c.connect(("127.0.0.1", 7300))
    a = l.accept()[0]
    l.close()

    def again(reuse):
        s = tcp()
        s.setsockopt(SO, socket.SO_REUSEADDR, reuse)
        try:
            s.bind(("127.0.0.1", 7300))
            s.listen(1)
        finally:
            s.close()
    tried("accepted is open", again, 0)
    tried("accepted is open, REUSEADDR", again, 1)
    a.close()
    c.recv(1)
    c.close()
    time.sleep(0.1)
    tried("TIME-WAIT", again, 0)
    tried("TIME-WAIT, REUSEADDR", again, 1)
    l = listener(port=7301)
    s = tcp()
    s.setsockopt(SO, socket.SO_REUSEADDR, 1)
    tried("listened on, REUSEADDR", s.bind, ("127.0.0.1", 7301))
    tried("listened on, another address", tcp().bind, ("127.0.0.2", 7301))
    tried("listened on, any address", tcp().bind, ("0.0.0.0", 7301))
    two = [tcp(), tcp()]
    for s in two:
        s.setsockopt(SO, socket.SO_REUSEADDR, 1)
        tried("both bind", s.bind, ("127.0.0.1", 7302))
    tried("one listens", two[0].listen, 1)
    tried("the other listens", two[1].listen, 1)
    u, v = udp(at=("127.0.0.1", 7303)), udp()
    tried("UDP: bound", v.bind, ("127.0.0.1", 7303))
    u.close()
    tried("UDP: closed", v.bind, ("127.0.0.1", 7303))
    tried("UDP: bound twice", v.bind, ("127.0.0.1", 7304))
    tried("bind with port 0 twice", lambda: l.bind(("127.0.0.1", 0)))
    s = tcp()
    tried("listen unbound", s.listen, 1)
    say("it has a port", s.getsockname()[1] > 0)
    tried("listen again", s.listen, 5)
    tried("bind, wrong family", lambda: tcp().bind(("::1", 0)))
    for bytes_, what in ((struct.pack("<HH4s", 10, 0, bytes(4)), "short"), (struct.pack("<HH4s8x", 10, 0, bytes(4)), "AF_INET6 for AF_INET")):
        tried("bind: " + what, lambda b=bytes_: called(libc.bind(tcp().fileno(), b, len(b))))


@part
def reuseport():
    at = ("127.0.0.1", 7310)
    sockets = []
    for reuse in (1, 1, 0):
        s = tcp()
        s.setsockopt(SO, socket.SO_REUSEPORT, reuse)
        if tried("bind with SO_REUSEPORT %d" % reuse, s.bind, at) is None:
            s.listen(64)
            sockets.append(s)
    cs = [socket.create_connection(at) for _ in range(40)]
    time.sleep(0.2)
    got = [0, 0]
    for i, s in enumerate(sockets):
        s.setblocking(False)
        while True:
            try:
                s.accept()[0].close()
                got[i] += 1
            except BlockingIOError:
                break
    say("all accepted", sum(got), "both had some", all(got))
    del cs
    us = []
    for _ in range(2):
        u = udp()
        u.setsockopt(SO, socket.SO_REUSEPORT, 1)
        tried("UDP: bind with SO_REUSEPORT", u.bind, at)
        us.append(u)
    for i in range(40):
        udp().sendto(b"x", at)
    time.sleep(0.2)
    n = 0
    for u in us:
        while readable(u, 0):
            u.recv(9)
            n += 1
    say("UDP: all came", n)


@part
def connecting():
    l = listener()
    at = l.getsockname()
    c = tcp()
    tried("connect", c.connect, at)
    tried("again", c.connect, at)
    tried("AF_UNSPEC", lambda: called(libc.connect(c.fileno(), bytes(16), 16)))
    l.accept()
    tried("peer", c.getpeername)
    tried("connect anew", c.connect, at)
    n = tcp()
    n.setblocking(False)
    say("non-blocking", errno.errorcode.get(n.connect_ex(at), 0) in ("EINPROGRESS", 0))
    say(events(n))
    tried("its second connect", n.connect, at)
    tried("its third", n.connect, at)
    tried("sent to, with an address", lambda: n.sendto(b"x", at))
    tried("wrong family", lambda: called(libc.connect(tcp().fileno(), struct.pack("<HH4s8x", 99, 0, bytes(4)), 16)))
    tried("short address", lambda: called(libc.connect(tcp().fileno(), struct.pack("<HH", 2, 0), 4)))
    tried("port 0", lambda: tcp().connect(("127.0.0.1", 0)))
    tried("to 0.0.0.0", lambda: tcp().connect(("0.0.0.0", at[1])))
    tried("accept of no listener", lambda: tcp().accept())
    tried("getpeername", lambda: tcp().getpeername())
    say(tcp().getsockname())
    tried("listen of a connected one", lambda: c.listen(1))
    tried("bad flags for accept4", lambda: called(libc.accept4(l.fileno(), None, None, 0x1)))
    u = udp(at=("127.0.0.1", 0))
    tried("UDP: listen", u.listen, 1)
    tried("UDP: accept", u.accept)
    tried("no socket", lambda: called(libc.getsockname(0, ctypes.create_string_buffer(16), ctypes.byref(ctypes.c_int(16)))))
    tried("bad descriptor", lambda: called(libc.listen(999, 1)))
    tried("bad pointer", lambda: called(libc.connect(tcp().fileno(), ctypes.c_void_p(8), 16)))


@part
def accepting():
    l = listener()
    at = l.getsockname()
    cs = [socket.create_connection(at) for _ in range(4)]
    time.sleep(0.1)
    fds = [called(libc.accept4(l.fileno(), None, None, flags)) for flags in (0, socket.SOCK_NONBLOCK, socket.SOCK_CLOEXEC)]
    fds.append(called(libc.accept(l.fileno(), None, None)))
    for fd in fds:
        say("nonblock", bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK), "cloexec", fcntl.fcntl(fd, fcntl.F_GETFD))
        os.close(fd)
    l.setblocking(False)
    tried("nothing waits", l.accept)
    say("readable", readable(l, 0))
    c = socket.create_connection(at)
    say("readable", readable(l), events(l))
    room = ctypes.create_string_buffer(b"\xff" * 16, 16)
    size = ctypes.c_int(4)
    fd = called(libc.accept(l.fileno(), room, ctypes.byref(size)))
    say("a short address", room.raw[:4] == struct.pack("<H", 2) + struct.pack(">H", c.getsockname()[1]), room.raw[4:8] == b"\xff" * 4, size.value)
    s = socket.socket(fileno=fd)
    say(s.getsockname() == at, s.getpeername() == c.getsockname())
    for name in ("TCP_NODELAY", "TCP_KEEPIDLE"):
        l.setsockopt(TCP, getattr(socket, name), 1)
    l.setsockopt(SO, socket.SO_KEEPALIVE, 1)
    c2 = socket.create_connection(at)
    readable(l)
    s = l.accept()[0]
    say("handed down", s.getsockopt(TCP, socket.TCP_NODELAY), s.getsockopt(TCP, socket.TCP_KEEPIDLE), s.getsockopt(SO, socket.SO_KEEPALIVE))
    l.setblocking(True)
    l.setsockopt(SO, socket.SO_RCVTIMEO, struct.pack("ll", 0, 100000))
    tried("accept with a time-out", l.accept)
    l.setsockopt(SO, socket.SO_RCVTIMEO, struct.pack("ll", 0, 0))
    waiter = threading.Thread(target=lambda: tried("accept while shut down", l.accept))
    waiter.start()
    time.sleep(0.2)
    l.shutdown(socket.SHUT_RDWR)
    waiter.join(5)
    tried("refused from then on", lambda: socket.create_connection(at))
    del cs, c2


@part
def shutdowns():
    tried("of one not connected", lambda: tcp().shutdown(socket.SHUT_RDWR))
    tried("UDP, not connected", lambda: udp().shutdown(socket.SHUT_RDWR))
    c, a = pair()
    tried("nonsense", lambda: c.shutdown(7))
    tried("WR", c.shutdown, socket.SHUT_WR)
    tried("the peer reads", a.recv, 9)
    say(events(a))
    tried("send", lambda: c.send(b"x"))
    tried("the other way goes on", a.send, b"back")
    tried("recv", c.recv, 9)
    tried("WR again", c.shutdown, socket.SHUT_WR)
    a.shutdown(socket.SHUT_WR)
    tried("recv", c.recv, 9)
    time.sleep(0.2)
    say(events(c))
    c, a = pair()
    a.send(b"waiting")
    readable(c)
    tried("RD", c.shutdown, socket.SHUT_RD)
    tried("what was there", c.recv, 9)
    tried("then", c.recv, 9)
    tried("send still goes", c.send, b"x")
    c, a = pair()
    waiter = threading.Thread(target=lambda: tried("recv while RDWR", c.recv, 1))
    waiter.start()
    time.sleep(0.2)
    c.shutdown(socket.SHUT_RDWR)
    waiter.join(5)
    tried("the peer", a.recv, 1)
    say(sorted(events(c)))
    tried("its name", lambda: len(c.getsockname()))
    u = udp(at=("127.0.0.1", 0))
    u.connect(u.getsockname())
    tried("UDP, connected", u.shutdown, socket.SHUT_WR)
    tried("UDP send", lambda: u.send(b"x", socket.MSG_NOSIGNAL))
    u = udp(at=("127.0.0.1", 0))
    waiter = threading.Thread(target=lambda: tried("UDP recvfrom while RDWR", lambda: u.recvfrom(9)[0]))
    waiter.start()
    time.sleep(0.2)
    try:
        u.shutdown(socket.SHUT_RDWR)
    except OSError as e:
        error = errno.errorcode[e.errno]
    waiter.join(5)
    say(error)


@part
def stream_flags():
    c, a = pair()
    c.send(b"0123456789")
    readable(a)
    tried("PEEK", lambda: a.recv(4, socket.MSG_PEEK))
    tried("PEEK again", lambda: a.recv(99, socket.MSG_PEEK))
    say("FIONREAD", ioctl_int(a, SIOCINQ))
    tried("recv", a.recv, 4)
    say("FIONREAD", ioctl_int(a, SIOCINQ))
    tried("TRUNC discards", lambda: called(libc.recv(a.fileno(), None, 3, socket.MSG_TRUNC)))
    tried("the rest", a.recv, 99)
    tried("DONTWAIT", lambda: a.recv(9, socket.MSG_DONTWAIT))
    threading.Timer(0.2, lambda: (c.send(b"lo"), time.sleep(0.2), c.send(b"ng"))).start()
    c.send(b"so")
    tried("WAITALL", lambda: a.recv(6, socket.MSG_WAITALL))
    c.send(b"abc")
    c.shutdown(socket.SHUT_WR)
    tried("WAITALL at the end", lambda: a.recv(6, socket.MSG_WAITALL))
    c, a = pair()
    tried("sendmsg, several pieces", lambda: c.sendmsg([b"one ", b"", b"two ", b"three"]))
    readable(a)
    one, two = bytearray(4), bytearray(20)
    tried("recvmsg_into", lambda: a.recvmsg_into([one, two])[0:3:2])
    say(bytes(one), bytes(two[:9]))
    tried("writev", lambda: os.writev(c.fileno(), [b"x" * 10, b"y"]))
    readable(a)
    tried("readv", lambda: os.readv(a.fileno(), [bytearray(3), bytearray(30)]))
    tried("MSG_MORE", lambda: c.send(b"half ", socket.MSG_MORE))
    tried("its other half", lambda: c.send(b"whole"))
    time.sleep(0.3)
    tried("both", a.recv, 99)
    tried("recvfrom's address", lambda: (c.send(b"z"), a.recvfrom(9))[1])
    tried("send of nothing", c.send, b"")
    tried("recv of nothing", a.recv, 0)
    tried("bad pointer", lambda: called(libc.send(c.fileno(), ctypes.c_void_p(8), 8, 0)))
    a.setsockopt(SO, socket.SO_RCVTIMEO, struct.pack("ll", 0, 150000))
    begin = time.monotonic()
    tried("SO_RCVTIMEO", a.recv, 9)
    say(0.1 < time.monotonic() - begin < 1)
    c.setsockopt(SO, socket.SO_SNDTIMEO, struct.pack("ll", 0, 150000))
    say(struct.unpack("ll", c.getsockopt(SO, socket.SO_SNDTIMEO, 16))[0])
    begin = time.monotonic()
    try:
        while True:
            c.send(bytes(1 << 20))
    except OSError as e:
        say("SO_SNDTIMEO", errno.errorcode[e.errno], time.monotonic() - begin < 5)
    say("SIOCOUTQ", ioctl_int(c, SIOCOUTQ) > 0)
    c, a = pair()
    c.send(b"x")
    c.close()
    tried("data, then the end", lambda: a.recv(9, socket.MSG_WAITALL))
    tried("the end stays", lambda: (a.recv(9), a.recv(9)))
    s = tcp()
    s.setsockopt(SO, socket.SO_RCVTIMEO, struct.pack("ll", 0, 100000))
    tried("unconnected recv", lambda: s.recv(9))
    tried("unconnected send", lambda: tcp().send(b"x", socket.MSG_NOSIGNAL))


@part
def lowat():
    c, a = pair()
    a.setsockopt(SO, socket.SO_RCVLOWAT, 10)
    say(a.getsockopt(SO, socket.SO_RCVLOWAT), a.getsockopt(SO, socket.SO_SNDLOWAT))
    c.send(b"12345")
    say("readable", readable(a, 0.3))
    c.send(b"67890")
    say("readable", readable(a, 2))


@part
def urgent():
    c, a = pair()
    tried("send", lambda: c.send(b"x", socket.MSG_OOB))
    tried("recv", lambda: a.recv(1, socket.MSG_OOB))
    tried("sendmsg", lambda: c.sendmsg([b"x"], [], socket.MSG_OOB))
    u = udp(at=("127.0.0.1", 0))
    tried("UDP sendto", lambda: u.sendto(b"x", socket.MSG_OOB, u.getsockname()))
    tried("UDP recvfrom", lambda: u.recvfrom(1, socket.MSG_OOB | socket.MSG_DONTWAIT))


@part
def fast_open():
    fast = 0x20000000  # MSG_FASTOPEN, which this python may not know
    with listener() as l:
        c, d, e = tcp(), tcp(), tcp()
        tried("sendto", lambda: c.sendto(b"x", fast, l.getsockname()))
        tried("again", lambda: c.sendto(b"x", fast, l.getsockname()))
        tried("sendmsg", lambda: d.sendmsg([b"x"], [], fast, l.getsockname()))
        tried("TCP_FASTOPEN_CONNECT", lambda: e.getsockopt(TCP, 30))
        tried("set", lambda: e.setsockopt(TCP, 30, 1))
        tried("is", lambda: e.getsockopt(TCP, 30))
        tried("to 2", lambda: e.setsockopt(TCP, 30, 2))
        tried("connect", lambda: e.connect(l.getsockname()))
        tried("once connected", lambda: e.setsockopt(TCP, 30, 1))
        tried("peer", lambda: e.getpeername() == l.getsockname())
        tried("send", e.send, b"yz")
        came = [l.accept()[0] for _ in range(3)]
        tried("came", lambda: [x.recv(9) for x in came])
        tried("nowhere", lambda: tcp().sendto(b"x", fast, ("127.0.0.1", 1)))
        tried("key", lambda: l.setsockopt(TCP, 33, bytes(range(16))))
        tried("wrong key", lambda: l.setsockopt(TCP, 33, bytes(15)))
        f = tcp()
        f.setblocking(False)
        tried("not blocking", lambda: f.sendto(b"x", fast, l.getsockname()))
        tried("urgent too", lambda: tcp().sendto(b"x", fast, ("0.0.0.0", 0)))


@part
def datagrams():
    a, b = udp(at=("127.0.0.1", 0)), udp(at=("127.0.0.1", 0))
    to = b.getsockname()
    tried("sendto", a.sendto, b"hello", to)
    tried("PEEK", lambda: b.recvfrom(2, socket.MSG_PEEK)[0])
    tried("PEEK TRUNC", lambda: called(libc.recv(b.fileno(), ctypes.create_string_buffer(2), 2, socket.MSG_PEEK | socket.MSG_TRUNC)))
    tried("recvmsg, too short", lambda: b.recvmsg(2)[0::2])
    tried("DONTWAIT", lambda: b.recvfrom(9, socket.MSG_DONTWAIT))
    tried("an empty one", a.sendto, b"", to)
    tried("comes", lambda: b.recvfrom(9)[0])
    tried("sendmsg, pieces and address", lambda: a.sendmsg([b"one ", b"two ", b"three"], [], 0, to))
    one, two = bytearray(4), bytearray(20)
    tried("recvmsg_into", lambda: b.recvmsg_into([one, two])[0])
    say(bytes(one), bytes(two[:9]))
    tried("send without a peer", lambda: udp().sendmsg([b"x"]))
    tried("getpeername", a.getpeername)
    tried("connect", a.connect, to)
    tried("peer", lambda: a.getpeername() == to)
    tried("send", a.send, b"by send")
    tried("write", lambda: os.write(a.fileno(), b"by write"))
    tried("recv", b.recv, 99)
    tried("read", lambda: os.read(b.fileno(), 99))
    c = udp()
    c.sendto(b"a stranger's", a.getsockname())
    tried("not from the peer", lambda: a.recv(99, socket.MSG_DONTWAIT))
    tried("sendto elsewhere", lambda: a.sendto(b"x", c.getsockname()))
    tried("connect to another", a.connect, c.getsockname())
    tried("AF_UNSPEC", lambda: called(libc.connect(a.fileno(), bytes(16), 16)))
    tried("peer", a.getpeername)
    tried("65507 bytes", lambda: a.sendto(bytes(65507), to))
    tried("come", lambda: len(b.recv(70000)))
    tried("65508 bytes", lambda: a.sendto(bytes(65508), to))
    tried("port 0", lambda: a.sendto(b"x", ("127.0.0.1", 0)))
    tried("broadcast", lambda: a.sendto(b"x", ("255.255.255.255", 9)))
    tried("short address", lambda: called(libc.sendto(a.fileno(), b"x", 1, 0, struct.pack("<HH", 2, 0), 4)))
    tried("wrong family", lambda: called(libc.sendto(a.fileno(), b"x", 1, 0, struct.pack("<HH4s8x", 77, 9, bytes(4)), 16)))
    b.setsockopt(SO, socket.SO_RCVTIMEO, struct.pack("ll", 0, 100000))
    tried("SO_RCVTIMEO, recv", lambda: b.recv(9))
    tried("SO_RCVTIMEO, recvfrom", lambda: b.recvfrom(9))
    say(events(b))


@part
def udp_ends():
    """Shut down for writing, with empty datagrams about: nothing more comes, and nobody spins."""
    a, b = udp(at=("127.0.0.1", 0)), udp(at=("127.0.0.1", 0))
    a.connect(b.getsockname())
    b.connect(a.getsockname())
    for text in (b"", b"one", b""):
        a.send(text)
    time.sleep(0.2)
    a.shutdown(socket.SHUT_WR)
    b.send(b"back")
    tried("still reads", a.recv, 9)
    got = []
    while readable(b, 0.3) and len(got) < 10:
        got.append(b.recv(9))
    say(got)
    u = udp()
    try:
        u.shutdown(socket.SHUT_WR)
    except OSError as e:
        say(errno.errorcode[e.errno])


@part
def many():
    a, b = udp(at=("127.0.0.1", 0)), udp(at=("127.0.0.1", 0))
    a.connect(b.getsockname())

    class Iov(ctypes.Structure):
        _fields_ = [("base", ctypes.c_char_p), ("len", ctypes.c_size_t)]

    class Msg(ctypes.Structure):
        _fields_ = [("name", ctypes.c_void_p), ("name_len", ctypes.c_uint), ("iov", ctypes.POINTER(Iov)), ("n_iov", ctypes.c_size_t), ("control", ctypes.c_void_p),
                    ("control_len", ctypes.c_size_t), ("flags", ctypes.c_int), ("len", ctypes.c_uint), ("pad", ctypes.c_int)]
    texts = [b"first", b"the second", b"third"]
    iov = (Iov * 3)(*[Iov(t, len(t)) for t in texts])
    msgs = (Msg * 3)(*[Msg(None, 0, ctypes.pointer(iov[i]), 1, None, 0, 0, 0, 0) for i in range(3)])
    at = 0
    while at < 3:
        at += called(libc.sendmmsg(a.fileno(), ctypes.byref(msgs, at * ctypes.sizeof(Msg)), 3 - at, 0))
    say("sent", [m.len for m in msgs])
    rooms = [ctypes.create_string_buffer(20) for _ in range(3)]
    names = [ctypes.create_string_buffer(16) for _ in range(3)]
    iov = (Iov * 3)(*[Iov(ctypes.cast(r, ctypes.c_char_p), 8) for r in rooms])
    msgs = (Msg * 3)(*[Msg(ctypes.cast(names[i], ctypes.c_void_p), 16, ctypes.pointer(iov[i]), 1, None, 0, 0, 0, 0) for i in range(3)])
    at = 0
    while at < 3:
        at += called(libc.recvmmsg(b.fileno(), ctypes.byref(msgs, at * ctypes.sizeof(Msg)), 3 - at, 0, None))
    say("got", [(m.len, m.flags, m.name_len) for m in msgs], [r.value for r in rooms])
    say(all(n.raw[:2] == b"\x02\x00" for n in names))
    tried("nothing there", lambda: called(libc.recvmmsg(b.fileno(), msgs, 3, socket.MSG_DONTWAIT, None)))
    time_out = (ctypes.c_long * 2)(0, 100000000)
    u = udp()
    a.send(b"x")
    tried("with a time-out", lambda: called(libc.recvmmsg(b.fileno(), msgs, 1, 0, time_out)))
    del u


@part
def packet_info():
    b = udp(at=("0.0.0.0", 7350))
    b.setsockopt(IP, 8, 1)  # IP_PKTINFO
    say(b.getsockopt(IP, 8))
    a = udp()
    a.sendto(b"x", ("127.0.0.1", 7350))
    data, control, flags, _ = b.recvmsg(9, 200)
    say(data, [(c[0], c[1], c[2][4:12] if c[:2] == (0, 8) else c[2]) for c in control], flags)
    tried("IP_RECVTOS", lambda: b.setsockopt(IP, socket.IP_RECVTOS, 1))
    tried("IP_RECVTTL", lambda: b.setsockopt(IP, 12, 1))
    a.setsockopt(IP, socket.IP_TTL, 33)
    a.setsockopt(IP, socket.IP_TOS, 0x10)
    a.sendto(b"x", ("127.0.0.1", 7350))
    data, control, flags, _ = b.recvmsg(9, 200)
    say("TOS, TTL", data, sorted((c[0], c[1]) for c in control), flags)
    tried("send with one", lambda: b.sendmsg([b"back"], [(IP, 8, struct.pack("I4s4s", 0, socket.inet_aton("127.0.0.1"), bytes(4)))], 0, a.getsockname()))
    tried("back", lambda: a.recvfrom(9))
    six = udp(socket.AF_INET6, ("::", 7351))
    tried("IPV6_RECVPKTINFO", lambda: six.setsockopt(IP6, socket.IPV6_RECVPKTINFO, 1))
    udp(socket.AF_INET6).sendto(b"x", ("::1", 7351))
    data, control, flags, _ = six.recvmsg(9, 200)
    say(data, [(c[0], c[1], c[2][:16]) for c in control], flags)
    tried("SO_TIMESTAMP", lambda: b.setsockopt(SO, 29, 1))
    a.sendto(b"x", ("127.0.0.1", 7350))
    data, control, flags, _ = b.recvmsg(9, 300)
    say("time stamp", [c[1] for c in control if c[0] == SO])
    a.sendto(b"x", ("127.0.0.1", 7350))
    tried("control too short", lambda: b.recvmsg(9, 4)[2] & socket.MSG_CTRUNC)
    a.sendto(b"x", ("127.0.0.1", 7350))
    b.setsockopt(SO, 29, 0)
    tried("control cut off", lambda: b.recvmsg(9, 20)[1:3])
    tried("an unknown one", lambda: a.sendmsg([b"x"], [(IP, 99, b"xxxx")], 0, ("127.0.0.1", 7350)))


@part
def six():
    s = tcp(socket.AF_INET6)
    say("V6ONLY", s.getsockopt(IP6, socket.IPV6_V6ONLY))
    s.bind(("::", 7360))
    s.listen(5)
    tried("IPv4 bind under it", lambda: tcp().bind(("0.0.0.0", 7360)))
    c = socket.create_connection(("127.0.0.1", 7360))
    a, at = s.accept()
    say(at[0], a.getsockname()[0])
    tried("V6ONLY, too late", lambda: s.setsockopt(IP6, socket.IPV6_V6ONLY, 1))
    only = tcp(socket.AF_INET6)
    only.setsockopt(IP6, socket.IPV6_V6ONLY, 1)
    only.bind(("::", 7361))
    only.listen(5)
    tried("IPv4 to it", lambda: socket.create_connection(("127.0.0.1", 7361)))
    tried("IPv4 bind beside it", lambda: tcp().bind(("0.0.0.0", 7361)))
    tried("mapped", lambda: tcp(socket.AF_INET6).connect(("::ffff:127.0.0.1", 7360)))
    tried("IPv4 address", lambda: called(libc.connect(tcp(socket.AF_INET6).fileno(), struct.pack(">BBH4s8x", 2, 0, 7360, socket.inet_aton("127.0.0.1")), 16)))
    u = udp(socket.AF_INET6, ("::", 0))
    tried("UDP mapped", lambda: u.sendto(b"x", ("::ffff:127.0.0.1", u.getsockname()[1])))
    tried("from", lambda: u.recvfrom(9)[1][0])
    del c


@part
def options():
    s, u = tcp(), udp()
    for name in ("SO_DEBUG", "SO_REUSEADDR", "SO_TYPE", "SO_ERROR", "SO_DONTROUTE", "SO_BROADCAST", "SO_KEEPALIVE", "SO_OOBINLINE", "SO_PRIORITY", "SO_REUSEPORT",
                 "SO_ACCEPTCONN", "SO_PROTOCOL", "SO_DOMAIN", "SO_RCVLOWAT", "SO_SNDLOWAT", "SO_MARK", "SO_INCOMING_CPU"):
        if name != "SO_INCOMING_CPU":
            tried(name, lambda n=name: (s.getsockopt(SO, getattr(socket, n)), u.getsockopt(SO, getattr(socket, n))))
    for name in ("TCP_NODELAY", "TCP_CORK", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_SYNCNT", "TCP_LINGER2", "TCP_DEFER_ACCEPT", "TCP_USER_TIMEOUT",
                 "TCP_FASTOPEN"):
        tried(name, lambda n=name: s.getsockopt(TCP, getattr(socket, n)))
    for name in ("IP_TOS", "IP_TTL", "IP_MULTICAST_LOOP", "IP_RECVTOS"):
        tried(name, lambda n=name: (s.getsockopt(IP, getattr(socket, n)), u.getsockopt(IP, getattr(socket, n))))
    six_ = udp(socket.AF_INET6)
    for name in ("IPV6_V6ONLY", "IPV6_UNICAST_HOPS", "IPV6_MULTICAST_HOPS", "IPV6_MULTICAST_LOOP", "IPV6_TCLASS", "IPV6_RECVPKTINFO", "IPV6_RECVTCLASS", "IPV6_RECVHOPLIMIT"):
        tried(name, lambda n=name: six_.getsockopt(IP6, getattr(socket, n)))
    for level, name, value in ((SO, "SO_KEEPALIVE", 5), (SO, "SO_REUSEADDR", 7), (SO, "SO_BROADCAST", 3), (TCP, "TCP_KEEPIDLE", 33), (TCP, "TCP_NODELAY", 9), (IP, "IP_TTL", 9), (IP, "IP_TOS", 8),
                               (SO, "SO_PRIORITY", 3), (IP, "IP_TTL", 300), (IP, "IP_TTL", -1), (TCP, "TCP_KEEPIDLE", 0), (TCP, "TCP_KEEPCNT", 200), (TCP, "TCP_MAXSEG", 10), (TCP, "TCP_SYNCNT", 0),
                               (TCP, "TCP_USER_TIMEOUT", -1), (TCP, "TCP_CORK", 1)):
        o = getattr(socket, name)
        for t in (s, u):
            if t is s or level != TCP:
                tried("%s = %d" % (name, value), lambda: (t.setsockopt(level, o, value), t.getsockopt(level, o))[1])
    tried("TCP option of UDP", lambda: u.setsockopt(TCP, socket.TCP_NODELAY, 1))
    tried("TCP_INFO of UDP", lambda: u.getsockopt(TCP, socket.TCP_INFO, 100))
    tried("IPv6 option of IPv4", lambda: s.setsockopt(IP6, socket.IPV6_V6ONLY, 1))
    tried("no such level", lambda: s.setsockopt(77, 1, 1))
    tried("no such option", lambda: s.getsockopt(SO, 999))
    tried("too short", lambda: s.setsockopt(SO, socket.SO_KEEPALIVE, b"x"))
    tried("linger too short", lambda: s.setsockopt(SO, socket.SO_LINGER, b"xxxx"))
    tried("linger", lambda: (s.setsockopt(SO, socket.SO_LINGER, struct.pack("ii", 1, 5)), struct.unpack("ii", s.getsockopt(SO, socket.SO_LINGER, 8)))[1])
    tried("SO_BINDTODEVICE, none", lambda: s.setsockopt(SO, socket.SO_BINDTODEVICE, b"\0"))
    tried("SO_BINDTODEVICE, unknown", lambda: s.setsockopt(SO, socket.SO_BINDTODEVICE, b"nosuch0\0"))
    tried("SO_BINDTODEVICE, read", lambda: s.getsockopt(SO, socket.SO_BINDTODEVICE, 16))
    tried("SO_MARK", lambda: s.setsockopt(SO, socket.SO_MARK, 1))
    tried("read-only", lambda: s.setsockopt(SO, socket.SO_TYPE, 1))
    tried("SO_SNDBUF", lambda: (s.setsockopt(SO, socket.SO_SNDBUF, 20000), s.getsockopt(SO, socket.SO_SNDBUF))[1])
    tried("SO_RCVBUF", lambda: (u.setsockopt(SO, socket.SO_RCVBUF, 20000), u.getsockopt(SO, socket.SO_RCVBUF))[1])
    tried("SO_RCVBUF, tiny", lambda: (u.setsockopt(SO, socket.SO_RCVBUF, 1), u.getsockopt(SO, socket.SO_RCVBUF))[1])
    tried("TCP_INFO, short", lambda: len(s.getsockopt(TCP, socket.TCP_INFO, 8)))
    tried("an int into 1 byte", lambda: s.getsockopt(SO, socket.SO_TYPE, 1))
    tried("TCP_CONGESTION", lambda: s.setsockopt(TCP, socket.TCP_CONGESTION, b"nosuch"))
    tried("bad pointer", lambda: called(libc.setsockopt(s.fileno(), SO, socket.SO_KEEPALIVE, ctypes.c_void_p(8), 4)))
    tried("negative length", lambda: called(libc.setsockopt(s.fileno(), SO, socket.SO_KEEPALIVE, b"xxxx", -1)))
    c, a = pair()
    c.setsockopt(TCP, socket.TCP_CORK, 1)
    c.send(b"corked")
    say("corked", readable(a, 0.1))
    c.setsockopt(TCP, socket.TCP_CORK, 0)
    say("uncorked", readable(a))
    say("state", c.getsockopt(TCP, socket.TCP_INFO, 8)[0])
    a.close()
    time.sleep(0.2)
    say("state", c.getsockopt(TCP, socket.TCP_INFO, 8)[0])
    c.recv(9)
    tried("option after the end", lambda: c.setsockopt(TCP, socket.TCP_NODELAY, 1))


@part
def sockets():
    for domain, kind, protocol in ((2, 1, 6), (2, 1, 17), (2, 2, 6), (2, 2, 17), (2, 5, 0), (2, 3, 255), (10, 3, 58), (2, 1, 132), (2, 99, 0), (99, 1, 0), (-1, 1, 0), (17, 3, 0),
                                   (2, 1 | os.O_NONBLOCK | os.O_CLOEXEC, 0), (2, 1 | 0x4000, 0), (2, 1 | 0x100000, 0), (10, 2, 17), (2, 0, 0), (2, 1, 300)):
        fd = tried("socket(%d, %#x, %d)" % (domain, kind, protocol), lambda: called(libc.socket(domain, kind, protocol)) > 2)
        del fd
    fd = libc.socket(2, 1 | os.O_NONBLOCK, 0)
    say("nonblock", bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK))
    x = socket.socket(socket.AF_UNIX)
    tried("AF_UNIX", lambda: (x.bind("\0abstract-%d" % os.getpid()), x.listen(1)))
    one, two = socket.socketpair()
    one.send(b"x")
    tried("socketpair", two.recv, 1)
    tried("socketpair of AF_INET", lambda: socket.socketpair(socket.AF_INET, socket.SOCK_STREAM))


@part
def waiting():
    c, a = pair()
    e = select.epoll()
    e.register(a, select.EPOLLIN | select.EPOLLET)
    say(len(e.poll(0.1)))
    c.send(b"x")
    say(len(e.poll(2)), len(e.poll(0.1)))
    c.send(b"y")
    say(len(e.poll(2)))
    e.modify(a, select.EPOLLIN | select.EPOLLONESHOT)
    say(len(e.poll(2)), len(e.poll(0.1)))
    say(events(c), events(a))
    say("new", events(tcp()), events(udp()))
    l = listener()
    say("listener", events(l, 0.1))
    c.close()
    time.sleep(0.2)
    say("closed", [sorted(x.split()) for x in events(a)])
    s = tcp()
    s.setblocking(False)
    s.connect_ex(("127.0.0.1", 7399))
    say("refused", [sorted(x.split()) for x in events(s)])


@part
def signals():
    c, a = pair()
    signal.signal(signal.SIGALRM, lambda *_: None)
    for restart in (False, True):
        signal.siginterrupt(signal.SIGALRM, not restart)
        a.setsockopt(SO, socket.SO_RCVTIMEO, struct.pack("ll", 0, 0))
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        threading.Timer(0.3, c.send, [b"x"]).start()
        buf = ctypes.create_string_buffer(9)
        tried("recv, SA_RESTART %s" % restart, lambda: called(libc.recv(a.fileno(), buf, 9, 0)))
        time.sleep(0.4)
        a.setblocking(False)
        tried("left", lambda: a.recv(9))
        a.setblocking(True)
        u = udp(at=("127.0.0.1", 0))
        u.setsockopt(SO, socket.SO_RCVTIMEO, struct.pack("ll", 0, 0))
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        threading.Timer(0.3, u.sendto, [b"x", u.getsockname()]).start()
        size = ctypes.c_int(16)
        tried("recvfrom, SA_RESTART %s" % restart, lambda: called(libc.recvfrom(u.fileno(), buf, 9, 0, ctypes.create_string_buffer(16), ctypes.byref(size))))
        time.sleep(0.4)
        l = listener()
        l.setsockopt(SO, socket.SO_RCVTIMEO, struct.pack("ll", 0, 0))
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        threading.Timer(0.3, lambda: socket.create_connection(l.getsockname())).start()
        tried("accept, SA_RESTART %s" % restart, lambda: called(libc.accept(l.fileno(), None, None)) > 0)
        time.sleep(0.4)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        c.shutdown(socket.SHUT_WR)
        try:
            c.send(b"x", socket.MSG_NOSIGNAL)
        except OSError as e:
            say("MSG_NOSIGNAL", errno.errorcode[e.errno])
        c.send(b"x")
        os._exit(0)
    say("without", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def main():
    for fn in PARTS:
        if not sys.argv[1:] or fn.__name__ in sys.argv[1:]:
            say("==", fn.__name__)
            try:
                fn()
            except OSError as e:
                say("ended by", repr(e))


main()
