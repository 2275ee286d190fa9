"""What a program sees when things go wrong, what it must not be able to do, and what must not be left behind."""
import os
import re
import socket
import subprocess
import threading
import time

from bench import Failed, Skip, expect, test

# A server that does to a connection what its first byte says.
SERVER = r"""
import os, socket, struct, sys, time
l = socket.create_server(('0.0.0.0', 7100), backlog=64)
keep = []
while 1:
    c, a = l.accept()
    m = c.recv(1)
    if m == b'r' or m == b'd':
        if m == b'd':
            c.sendall(b'data')
            time.sleep(.2)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        c.close()
    elif m == b'u':
        time.sleep(.2)
        c.close()
    else:
        keep.append(c)
"""

CLIENT = r"""
import errno, os, select, socket, subprocess, sys, time
def tell(what, f):
    try: print(what, f())
    except OSError as e: print(what, errno.errorcode.get(e.errno, repr(e)))
def connected(first):
    c = socket.create_connection(('10.0.0.2', 7100)); c.sendall(first); return c
def so_error(c): return errno.errorcode.get(c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)
bare = {k: v for k, v in os.environ.items() if k != 'LD_PRELOAD'}  # a sanitizer of ours would not stand the helper
def cable(*words): subprocess.run([%(yeon)r, 'cable', '--lab', 't', *words], check=True, env=bare)
"""


def talk(bench, client, **options):
    """The client's lines, against SERVER."""
    bench.start()
    bench.write("s.py", SERVER)
    bench.write("c.py", CLIENT % {"yeon": bench.yeon} + client)
    return bench.run(("server", ["python3", "s.py"]), ("client", ["python3", "c.py"]), **options).splitlines()


@test("a reset is ECONNRESET, then the end; what had come before it is read first")
def reset(bench):
    expect("lines", talk(bench, """
c = connected(b'r'); tell('read', lambda: c.recv(9)); tell('again', lambda: c.recv(9))
c = connected(b'd'); time.sleep(.5); tell('data', lambda: c.recv(9)); tell('then', lambda: c.recv(9))
c = connected(b'uxxxx'); tell('closed with bytes unread', lambda: c.recv(9))
c = connected(b'r'); time.sleep(.3); tell('SO_ERROR', lambda: so_error(c)); tell('once', lambda: so_error(c))
"""), ["read ECONNRESET", "again b''", "data b'data'", "then ECONNRESET", "closed with bytes unread ECONNRESET", "SO_ERROR ECONNRESET", "once 0"])


# A server that answers without having read, and goes, in four ways: the question is there unread, or comes after the close; linger 0; the process ends.
ANSWERER = r"""
import os, signal, socket, struct, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
l = socket.create_server(('0.0.0.0', 7100), backlog=512)
n = 0
while 1:
    c, a = l.accept()
    n += 1
    if n % 4 == 0: time.sleep(.003)
    if n % 4 == 2: c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    if n % 4 != 3 or os.fork() == 0:
        c.sendall(b'x' * 700)
        if n % 4 == 3: os._exit(0)
    c.close()
"""

ASKERS = r"""
import collections, concurrent.futures, socket, sys
def ask(number):
    got = 0
    try:
        c = socket.create_connection((sys.argv[1], 7100))
        try: c.sendall(b'PING')
        except OSError: pass  # it has been reset by then
        while got < 700:
            more = len(c.recv(2000))
            if more == 0: break
            got += more
    except OSError as e: return '%d, %s' % (got, e)
    return got
with concurrent.futures.ThreadPoolExecutor(30) as pool: print(dict(collections.Counter(pool.map(ask, range(300)))))
"""


@test("what was written before a close that resets arrives before the reset")
def written_before(bench):
    bench.start()
    bench.write("s.py", ANSWERER)
    bench.write("c.py", ASKERS)
    expect("bytes that 300 clients got", bench.run(("server", ["python3", "s.py"]), ("client", ["python3", "c.py", "10.0.0.2"])), "{700: 300}\n")


@test("writing after a reset is ECONNRESET once, then EPIPE")
def write_after_reset(bench):
    expect("lines", talk(bench, "c = connected(b'r'); time.sleep(.3)\ntell('write', lambda: c.send(b'x')); tell('again', lambda: c.send(b'x'))"),
           ["write ECONNRESET", "again EPIPE"])


@test("errors of connect, blocking and not")
def connect_errors(bench):
    expect("lines", talk(bench, """
tell('refused', lambda: socket.socket().connect(('10.0.0.2', 1)))
c = socket.socket(); c.setblocking(False); tell('at once', lambda: c.connect(('10.0.0.2', 1)))
p = select.poll(); p.register(c, select.POLLOUT); print(bool(p.poll(2000)[0][1] & select.POLLERR)); tell('SO_ERROR', lambda: so_error(c))
tell('nobody there', lambda: socket.socket().connect(('10.0.0.77', 1)))
tell('no route', lambda: socket.socket().connect(('192.0.2.1', 1)))
tell('not ours', lambda: socket.socket().bind(('10.0.0.2', 0)))
c = socket.socket(); tell('no peer', c.getpeername); c.connect(('10.0.0.2', 7100)); tell('twice', lambda: c.connect(('10.0.0.2', 7100)))
print(c.getpeername(), c.getsockname()[0])
a = socket.socket(); a.bind(('', 5)); a.listen(); tell('in use', lambda: socket.socket().bind(('', 5)))
c = socket.socket(); c.settimeout(.3); cable('cut'); b = time.time(); tell('cut', lambda: c.connect(('10.0.0.2', 7100))); print(time.time() - b < 1)
"""), ["refused ECONNREFUSED", "at once EINPROGRESS", "True", "SO_ERROR ECONNREFUSED", "nobody there EHOSTUNREACH", "no route ENETUNREACH",
       "not ours EADDRNOTAVAIL", "no peer ENOTCONN", "twice EISCONN", "('10.0.0.2', 7100) 10.0.0.1", "in use EADDRINUSE",
       "cut TimeoutError('timed out')", "True"])


@test("a non-blocking connect is not writable before the handshake is over, and an edge tells when it is")
def not_writable(bench):
    expect("lines", talk(bench, """
cable('set', 'delay', '150ms')
c = socket.socket(); c.setblocking(False); tell('at once', lambda: c.connect(('10.0.0.2', 7100)))
e = select.epoll(); e.register(c, select.EPOLLOUT | select.EPOLLET)
tell('write', lambda: c.send(b'x')); print(e.poll(.1)); b = time.time(); print(e.poll(2)[0][1] == select.EPOLLOUT, .1 < time.time() - b < .4)
print(so_error(c), c.send(b'k'))
"""), ["at once EINPROGRESS", "write EAGAIN", "[]", "True True", "0 1"])


@test("TCP_USER_TIMEOUT and keepalive find a cut, with ETIMEDOUT at the call")
def timeouts(bench):
    lines = talk(bench, """
def idle(set):
    c = connected(b'k'); set(c); time.sleep(.2); return c
def keepalive(c):
    for level, name, value in ((1, 9, 1), (6, 4, 1), (6, 5, 1), (6, 6, 2)): c.setsockopt(level, name, value)
u = idle(lambda c: c.setsockopt(6, 18, 1500)); k = idle(keepalive)
print([k.getsockopt(6, n) for n in (4, 5, 6)], u.getsockopt(6, 18))
cable('cut'); b = time.time(); u.send(b'x')
tell('user timeout', lambda: u.recv(1)); print(1.2 < time.time() - b < 3.2)
tell('keepalive', lambda: k.recv(1)); print(2.5 < time.time() - b < 5)
""")
    expect("lines", lines, ["[1, 1, 2] 1500", "user timeout ETIMEDOUT", "True", "keepalive ETIMEDOUT", "True"])


@test("without the helper a static program sees ECONNRESET, and SO_ERROR tells the truth")
def without_helper(bench):
    bench.start()
    bench.write("s.py", SERVER)
    bench.write("c.py", CLIENT % {"yeon": bench.yeon} + """
c = connected(b'k'); c.setsockopt(6, 18, 1000); cable('cut'); c.send(b'x')
p = select.poll(); p.register(c, select.POLLIN); p.poll(9000); tell('read', lambda: c.recv(1)); tell('SO_ERROR', lambda: so_error(c))
""")
    lines = bench.line(("server", ["python3", "s.py"]), ("client", ["python3", "c.py"]))
    lines.insert(2, "--no-preload")
    out = subprocess.run(lines, env=bench.env, cwd=bench.dir, capture_output=True, text=True, timeout=30).stdout
    expect("output", out, "read ECONNRESET\nSO_ERROR ETIMEDOUT\n")


@test("a killed server is a reset; killed behind a cut it is half-open until the cable is joined")
def half_open(bench):
    bench.start()
    bench.write("s.py", "import socket, os, signal\nl = socket.create_server(('0.0.0.0', 7100))\nc, a = l.accept()\nc.recv(1)\n"
                "os.kill(os.getpid(), signal.SIGKILL)\n")
    bench.write("c.py", CLIENT % {"yeon": bench.yeon} + "c = connected(b'kxxx'); tell('read', lambda: c.recv(1))")
    expect("killed", bench.run(("server", ["python3", "s.py"]), ("client", ["python3", "c.py"])), "read ECONNRESET\n")
    bench.write("c.py", CLIENT % {"yeon": bench.yeon} + """
c = connected(b''); cable('cut', 'from', 'server'); c.sendall(b'kxxx'); time.sleep(.5); cable('cut'); time.sleep(.1)
c.settimeout(.5); tell('silence', lambda: c.recv(1)); c.settimeout(9); cable('join'); c.send(b'y'); tell('joined', lambda: c.recv(1))
""")
    expect("half-open", bench.run(("server", ["python3", "s.py"]), ("client", ["python3", "c.py"])),
           "silence TimeoutError('timed out')\njoined ECONNRESET\n")


@test("options read back as Linux gives them; an unknown one is ENOPROTOOPT and a line on the log")
def options(bench):
    expect("lines", talk(bench, """
c = connected(b'k'); g = c.getsockopt
c.setsockopt(1, socket.SO_RCVBUF, 50000); c.setsockopt(6, socket.TCP_NODELAY, 1)
print(g(1, socket.SO_RCVBUF), g(6, socket.TCP_NODELAY), g(1, socket.SO_TYPE), g(1, socket.SO_DOMAIN), g(1, socket.SO_PROTOCOL), g(1, socket.SO_ACCEPTCONN))
i = g(6, socket.TCP_INFO, 104); print(i[0], int.from_bytes(i[16:20], 'little'))
c.settimeout(.2); tell('time-out', lambda: c.recv(1)); c.setblocking(True)
c.setsockopt(1, socket.SO_RCVTIMEO, (0).to_bytes(8, 'little') + (100000).to_bytes(8, 'little')); tell('SO_RCVTIMEO', lambda: c.recv(1))
tell('unknown', lambda: c.setsockopt(6, 200, 1))
tell('raw', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)); tell('packet', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
tell('sctp', lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132))
"""), ["100000 1 1 2 6 0", "1 1448", "time-out TimeoutError('timed out')", "SO_RCVTIMEO EAGAIN", "unknown ENOPROTOOPT", "raw EPERM", "packet EPERM",
       "sctp EPROTONOSUPPORT"])
    log = open(bench.log).read()
    for what in ("level 6 option 200", "socket(2, 3, 1) refused", "socket(2, 1, 132) refused"):
        if what not in log:
            raise Failed("the log does not tell of %s: %s" % (what, log))


@test("UDP: unconnected, connected, peeked, truncated, several senders, both families")
def udp(bench):
    bench.start()
    bench.write("s.py", "import socket\ns = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\ns.bind(('::', 53))\nwhile 1:\n"
                " d, a = s.recvfrom(70000)\n s.sendto(d.upper() + a[0].encode(), a)\n")
    bench.write("c.py", CLIENT % {"yeon": bench.yeon} + """
def one(*a): s = socket.socket(*a); s.settimeout(2); return s
a, b = one(socket.AF_INET, socket.SOCK_DGRAM), one(socket.AF_INET6, socket.SOCK_DGRAM)
a.sendto(b'one', ('10.0.0.2', 53)); print(a.recvfrom(99)); b.sendto(b'two', ('fd00::2', 53)); print(b.recvfrom(99)[0], b.recvmsg.__name__)
a.connect(('10.0.0.2', 53)); a.send(b'three'); print(a.recv(99, socket.MSG_PEEK), a.recvmsg(4)[0::2]); tell('empty', lambda: (a.settimeout(.1), a.recv(9)))
a.send(b'z' * 20000); a.settimeout(2); print(len(a.recv(70000)))
for call in ('recv', 'recvfrom', 'recvmsg'):
    r = one(socket.AF_INET, socket.SOCK_DGRAM); r.connect(('10.0.0.2', 9)); r.send(b'x'); tell(call, lambda: getattr(r, call)(9)); tell('once', lambda: so_error(r))
l = one(socket.AF_INET, socket.SOCK_DGRAM); l.bind(('127.0.0.1', 0))
for i in range(12): s = one(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 9000 + i)); s.sendto(b'%d' % i, l.getsockname())
print(all(l.recvfrom(9) == (b'%d' % i, ('127.0.0.1', 9000 + i)) for i in range(12)))
""")
    out = bench.run(("server", ["python3", "s.py"]), ("client", ["python3", "c.py"])).splitlines()
    expect("lines", out, ["(b'ONE::ffff:10.0.0.1', ('10.0.0.2', 53))", "b'TWOfd00::1' recvmsg", "b'THREE::ffff:10.0.0.1' (b'THRE', 32)",
                          "empty TimeoutError('timed out')", "20015", *["recv ECONNREFUSED", "once 0", "recvfrom ECONNREFUSED", "once 0", "recvmsg ECONNREFUSED", "once 0"], "True"])


@test("a process that forks: the children accept from one listener, and a descriptor sent over AF_UNIX works")
def forks(bench):
    bench.start()
    bench.write("s.py", """
import os, socket
l = socket.create_server(('0.0.0.0', 7100)); a, b = socket.socketpair()
for i in range(3):
    if os.fork() == 0:
        while 1:
            c, _ = l.accept(); socket.send_fds(b, [b'%d' % i], [c.fileno()]); c.close()
while 1:
    m, fds, _, _ = socket.recv_fds(a, 9, 1); c = socket.socket(fileno=fds[0]); c.sendall(b'by %s from %s' % (m, c.getpeername()[0].encode())); c.close()
""")
    bench.write("c.py", CLIENT % {"yeon": bench.yeon} + """
got = []
for i in range(30): c = connected(b''); got.append(c.makefile('rb').read()); c.close()
print(len(got), all(g.endswith(b'from 10.0.0.1') for g in got))
""")
    expect("output", bench.run(("server", ["python3", "s.py"]), ("client", ["python3", "c.py"])), "30 True\n")


@test("nothing leads out: no INET socket of the machine's, inherited or sent, no io_uring, an empty network namespace")
def walls(bench):
    bench.start()
    inherited = socket.socket()
    os.set_inheritable(inherited.fileno(), True)
    path = bench.path("give")
    giver = socket.socket(socket.AF_UNIX)
    giver.bind(path)
    giver.listen()
    outside = socket.create_server(("127.0.0.1", 0)) if lo_is_up() else socket.socket()
    threading.Thread(target=lambda: socket.send_fds(giver.accept()[0], [b"x"], [outside.fileno()]), daemon=True).start()
    bench.write("c.py", CLIENT % {"yeon": bench.yeon} + """
import ctypes, fcntl, struct
libc = ctypes.CDLL(None, use_errno=True)
print(sum('socket' in os.readlink('/proc/self/fd/%%s' %% n) for n in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/%%s' %% n)))
print(libc.syscall(425, 8, 0), errno.errorcode[ctypes.get_errno()]); print(libc.syscall(438, 0, 0, 0), errno.errorcode[ctypes.get_errno()])
print([l.split(':')[0].strip() for l in open('/proc/net/dev')][2:], len(open('/proc/net/route').readlines()[1:]))
u = socket.socket(socket.AF_UNIX)
print('lo up', struct.unpack('16sH', fcntl.ioctl(u, 0x8913, struct.pack('16s24x', b'lo'))[:18])[1] & 1)  # SIOCGIFFLAGS; it has addresses, and is down
u.connect(%r); fd = socket.recv_fds(u, 9, 1)[1][0]
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fd); tell('sent: bind', lambda: s.bind(('127.0.0.1', 0))); tell('accept', s._accept)
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); c = socket.create_connection(s.getsockname()); print(c.getpeername() == s.getsockname())
print(open('/proc/net/tcp').read().count('\\n'))
""".replace("%%", "%").replace("%r", repr(path)))
    words = bench.line(("client", ["python3", "c.py"]))
    done = subprocess.run(words, env=bench.env, cwd=bench.dir, capture_output=True, text=True, timeout=30, pass_fds=[inherited.fileno()])
    expect("output", done.stdout.splitlines(), ["0", "-1 ENOSYS", "-1 EPERM", "['lo'] 0", "lo up 0", "sent: bind EPERM", "accept EPERM", "True", "1"])
    if "refused" not in open(bench.path("run.log")).read():
        raise Failed("the log does not tell of the refusals")


def lo_is_up():
    try:
        socket.create_server(("127.0.0.1", 0)).close()
        return True
    except OSError:
        return False


@test("back-pressure: a reader that does not read stops the writer at the size of the buffers")
def pressure(bench):
    lines = talk(bench, """
c = connected(b'k'); c.settimeout(1); n = 0
try:
    while 1: n += c.send(bytes(65536))
except TimeoutError: pass
print(n < 16000000, n > 100000)
""")
    expect("lines", lines, ["True True"])


@test("back-pressure: the pair grows where much is moved over a long way, for one transfer at a time, and never where SO_SNDBUF is set")
def wide(bench):
    bench.start()
    bench.cable("set", "delay", "5ms")
    bench.write("s.py", """
import socket, time
l = socket.create_server(('', 7100))
for i in range(3):
    c, left = l.accept()[0], 60000000
    while left > 0: left -= len(c.recv(min(left, 262144)))
    if i == 0: keep = c  # its pairs stay wide
time.sleep(9)
""")
    bench.write("c.py", """
import fcntl, socket, struct
def held(sndbuf):
    c = socket.create_connection(('10.0.0.2', 7100))
    if sndbuf: c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
    most, block = 0, bytes(262144)
    for i in range(230):
        c.sendall(block)
        most = max(most, struct.unpack('i', fcntl.ioctl(c, 0x5411, bytes(4)))[0])  # SIOCOUTQ: the kernel's memory in the pair
    return c, most
a, first = held(0); b, second = held(0); d, third = held(100000)
print(first > 300000, second < 300000, third < 300000, first, second, third)
""")
    with open("/proc/sys/net/core/wmem_max", encoding="ascii") as f:
        if int(f.read()) < 300000:
            raise Skip("the kernel allows no such buffers")
    done = bench.run(("server", ["python3", "s.py"]), ("client", ["python3", "c.py"]))
    if not done.startswith("True True True"):
        raise Failed(done)


@test("a supervisor that is killed takes its programs' sockets along; a lab that is killed ends the programs")
def killed(bench):
    bench.start()
    bench.write("s.py", SERVER)
    bench.write("c.py", CLIENT % {"yeon": bench.yeon} + "tell('connect', lambda: socket.create_connection(('10.0.0.2', 7100), 5))")
    words = bench.line(("server", ["sh", "-c", "python3 s.py; :"]))  # a grandchild, which no signal reaches
    server = subprocess.Popen(words, env=bench.env, cwd=bench.dir, stderr=subprocess.DEVNULL)
    wait_for(lambda: connects(bench))
    server.kill()
    server.wait()
    wait_for(lambda: not connects(bench))
    server = subprocess.Popen(words, env=bench.env, cwd=bench.dir, stderr=subprocess.DEVNULL)
    wait_for(lambda: connects(bench))
    bench.lab.kill()
    bench.lab.wait()
    server.wait(timeout=10)
    bench.lab = None


def connects(bench):
    return "connect <" in bench.run(("client", ["python3", "c.py"]))


def wait_for(fn):
    for _ in range(40):
        if fn():
            return
        time.sleep(0.1)
    raise Failed("it does not come to pass")


@test("data written just before the program and its supervisor end still arrives")
def last_words(bench):
    bench.start()
    bench.write("s.py", "import socket\nl = socket.create_server(('0.0.0.0', 7100))\nc, a = l.accept()\nn = 0\n"
                "while d := c.recv(65536): n += len(d)\nopen('got', 'w').write(str(n))\n")
    bench.write("c.py", "import socket\nc = socket.create_connection(('10.0.0.2', 7100))\nc.sendall(bytes(300000))\n")
    server = subprocess.Popen(bench.line(("server", ["python3", "s.py"])), env=bench.env, cwd=bench.dir)
    time.sleep(0.5)
    bench.cable("set", "rate", "2mbit")
    bench.run(("client", ["python3", "c.py"]))
    server.wait(timeout=20)
    expect("bytes", open(bench.path("got")).read(), "300000")


@test("signals: interrupted accept, recv and recvfrom; calls go on under a storm of them; a killed acceptor leaves its connection to the next")
def signals(bench):
    bench.start()
    bench.write("c.py", """
import signal, socket, time, threading, os
class A(Exception): pass
def h(*a): raise A
signal.signal(signal.SIGALRM, h)
def interrupted(what, f):
    signal.setitimer(signal.ITIMER_REAL, .3)
    try: f()
    except A: print(what)
l = socket.create_server(('127.0.0.1', 7000)); interrupted('accept', l.accept)
c = socket.create_connection(('127.0.0.1', 7000)); s, _ = l.accept(); interrupted('recv', lambda: s.recv(1))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('127.0.0.1', 0)); interrupted('recvfrom', lambda: u.recvfrom(1))
signal.signal(signal.SIGALRM, lambda *a: None); signal.siginterrupt(signal.SIGALRM, False); signal.setitimer(signal.ITIMER_REAL, .02, .005)
n = 0
for i in range(200):
    a = socket.create_connection(('127.0.0.1', 7000)); b, _ = l.accept(); n += a.getsockname() == b.getpeername(); a.close(); b.close()
signal.setitimer(signal.ITIMER_REAL, 0); print(n)
pid = os.fork()
if pid == 0: l.accept(); os._exit(0)
time.sleep(.2); os.kill(pid, 9); os.waitpid(pid, 0)
c = socket.create_connection(('127.0.0.1', 7000)); l.settimeout(2); print(l.accept()[0].getpeername() == c.getsockname())
""")
    expect("output", bench.run(("client", ["python3", "c.py"])), "accept\nrecv\nrecvfrom\n200\nTrue\n")


@test("a port is free as soon as its socket is closed: rebound hundreds of times, TCP and UDP, in one program and from one to the next")
def rebinds(bench):
    bench.start()
    bench.write("c.py", """
import os, signal, socket, sys
def tcp():
    l = socket.socket(); l.bind(('', 7000)); l.listen(); return l
def served():
    l = socket.socket(); l.setsockopt(1, 2, 1); l.bind(('', 7001)); l.listen()
    c = socket.create_connection(('127.0.0.1', 7001)); a = l.accept()[0]; a.send(b'x'); c.recv(1); c.close(); a.close(); return l
def udp():
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('', 7000))
    for i in range(20): u.sendto(b'x' * 1000, ('10.0.0.2', 9))
    return u
def connected():
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('', 7002)); u.connect(('10.0.0.2', 7777))
    for i in range(100): u.send(b'x' * 1000)
    return u
class A(Exception): pass
def h(*a): raise A
def interrupted():
    u = udp(); signal.signal(signal.SIGALRM, h); signal.setitimer(signal.ITIMER_REAL, .002)
    try:
        while 1: u.recvfrom(9)
    except A: return u
def child():
    pid = os.fork()
    if pid == 0: tcp(); os._exit(0)
    os.waitpid(pid, 0); return tcp()
for make, n in ((tcp, 500), (served, 200), (udp, 300), (connected, 100), (interrupted, 100), (child, 50)):
    failed = 0
    for i in range(n):
        try: make().close()
        except OSError: failed += 1
    print(make.__name__, failed)
""")
    bench.write("sink.py", "import socket\nu = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nu.bind(('', 7777))\nwhile 1: u.recv(9999)\n")
    expect("failures", bench.run(("server", ["python3", "sink.py"]), ("client", ["python3", "c.py"])),
           "tcp 0\nserved 0\nudp 0\nconnected 0\ninterrupted 0\nchild 0\n")
    bench.cable("set", "rate", "1mbit")
    expect("failures on a slow cable", bench.run(("server", ["python3", "sink.py"]), ("client", ["python3", "c.py"])),
           "tcp 0\nserved 0\nudp 0\nconnected 0\ninterrupted 0\nchild 0\n")


@test("a second lab of the same name is refused; a dead one's socket is cleaned up; an unknown host is told")
def names(bench):
    bench.start()
    again = subprocess.run([bench.yeon, "lab", "--live", "--name", "t"], env=bench.env, capture_output=True, text=True, timeout=10)
    expect("status", again.returncode, 2)
    if "runs already" not in again.stderr:
        raise Failed(again.stderr)
    bench.lab.kill()
    bench.lab.wait()
    os.remove(bench.log)
    bench.start()
    out = bench.run(("nowhere", ["true"]), status=2, both=True)
    if "no host 'nowhere'" not in out:
        raise Failed(out)
    expect("unknown lab", subprocess.run([bench.yeon, "cable", "--lab", "x", "show"], env=bench.env, capture_output=True, timeout=10).returncode, 2)


@test("a private lab: status, output and signals of the last program; nothing is left behind")
def private(bench):
    expect("output", bench.run(("client", ["sh", "-c", "echo out; exit 7"]), status=7, private=True), "out\n")
    bench.run(("client", ["sh", "-c", "kill -9 $$"]), status=137, private=True)
    bench.run(("client", ["/does/not/exist"]), status=127, private=True)
    bench.run(("server", ["sh", "-c", "sleep 1000 & python3 -m http.server 8000"]), ("client", ["true"]), private=True)
    time.sleep(0.2)
    expect("left in the folder", os.listdir(bench.path("yeon")), [])
