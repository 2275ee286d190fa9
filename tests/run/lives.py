"""How programs under `yeon run` begin, live and end: daemons, scripts, forks of every kind, bad names, signals; kills, full disks, many connections."""

import os
import re
import signal
import subprocess
import time

from bench import Failed, expect, test


def told(bench, *programs, status=0, env=None, limits=()):
    """Status as expected; output and errors together, of a private lab."""
    words = list(limits) + bench.line(*programs, private=True)
    done = subprocess.run(words, env=dict(bench.env, **(env or {})), cwd=bench.dir, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=40)
    if done.returncode != status:
        raise Failed("status %d, not %d: %s%s" % (done.returncode, status, done.stdout[-500:], done.stderr[-500:]))
    return done.stdout + done.stderr


def want(pattern, text):
    if not re.search(pattern, text):
        raise Failed("no %r in %r" % (pattern, text[-800:]))


ECHO = "import socket\nl = socket.create_server(('0.0.0.0', 7000))\nwhile 1:\n c, a = l.accept(); c.sendall(c.recv(99)); c.close()\n"
ASK = ["python3", "-c", "import socket\nc = socket.create_connection(('server', 7000)); c.send(b'ping'); print(c.recv(99).decode())"]


@test("not found is 127, not executable 126, a signal 128 + its number; a script without #! is sh's")
def statuses(bench):
    want("can not run no-such-program: No such file", told(bench, ("client", ["no-such-program"]), status=127))
    bench.write("plain", "echo from sh\n")
    want("can not run ./plain: Permission denied", told(bench, ("client", ["./plain"]), status=126))
    want("can not run /tmp: Permission denied", told(bench, ("client", ["/tmp"]), status=126))
    os.chmod(bench.path("plain"), 0o755)
    expect("output", told(bench, ("client", ["./plain"])), "from sh\n")
    bench.write("script", "#!/usr/bin/env python3\nimport socket; print(socket.create_connection(('server', 7000)).recv(9))\n")
    os.chmod(bench.path("script"), 0o755)
    bench.write("s.py", "import socket\nl = socket.create_server(('', 7000)); c, a = l.accept(); c.send(b'hello'); c.close(); l.accept()\n")
    expect("output", told(bench, ("server", ["python3", "s.py"]), ("client", ["./script"])), "b'hello'\n")
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
        told(bench, ("client", ["sh", "-c", "ulimit -c 0; kill -%d $$" % number]), status=128 + number)
    bench.write("broken", "#!/no/such/interpreter\n")
    os.chmod(bench.path("broken"), 0o755)
    told(bench, ("client", ["./broken"]), status=127)
    want("can not run missing", told(bench, ("server", ["missing"]), ("client", ["sh", "-c", "echo went on"])))


@test("many and long arguments, a closed standard input, an environment without PATH")
def arguments(bench):
    many = ["x" * 1000] * 1500
    expect("output", told(bench, ("client", ["sh", "-c", "echo $# ${#0} ${#1}", *many])), "1499 1000 1000\n")
    told(bench, ("client", ["/bin/true", "y" * 100000]))
    expect("output", told(bench, ("client", ["/bin/sh", "-c", "echo fine"]), env={"PATH": ""}), "fine\n")


@test("a program that closes every descriptor, and one that forks twice and calls setsid, still has its network")
def daemons(bench):
    bench.write("d.py", """
import os, socket, sys, time
os.closerange(0, 65536)
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
time.sleep(.3)  # its parents have ended, and it does not yet listen
""" + ECHO)
    expect("output", told(bench, ("server", ["python3", "d.py"]), ("client", ASK)), "ping\n")
    bench.write("l.py", """
import os, socket
l = socket.create_server(('', 7000))
if os.fork() == 0:
    l.accept()
""")
    want("python3 has ended and left processes behind", told(bench, ("server", ["python3", "l.py"])))
    if left(bench):
        raise Failed("a daemon has outlived its line")


def left(bench):
    """Processes of this bench."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink("/proc/%s/cwd" % pid) == bench.dir and int(pid) != os.getpid():
                found.append(pid)
        except OSError:
            pass
    return found


@test("vfork, posix_spawn, system, popen, exec: children have the network and the names")
def spawns(bench):
    bench.write("s.py", ECHO)
    bench.write("c.py", """
import os, socket, subprocess, sys
ask = ['python3', '-c', "import socket; c = socket.create_connection(('server', 7000)); c.send(b'x'); print(c.recv(9), flush=True)"]
os.waitpid(os.posix_spawn('/usr/bin/env', ['env', *ask], os.environ), 0)
subprocess.run(ask, check=True)                      # vfork, where Python uses it
subprocess.run(ask, check=True, close_fds=False, preexec_fn=os.setsid)
c = socket.create_connection(('server', 7000)); c.send(b'mine'); c.set_inheritable(True)
os.execvp('python3', ['python3', '-c', 'import socket; print(socket.socket(fileno=%d).recv(9))' % c.fileno()])
""")
    expect("output", told(bench, ("server", ["python3", "s.py"]), ("client", ["python3", "c.py"])), "b'x'\n" * 3 + "b'mine'\n")


@test("a setuid program: what that means here is told")
def setuid(bench):
    for name in ("/usr/bin/su", "/bin/su", "/usr/bin/passwd", "/usr/bin/mount"):
        if os.path.exists(name) and os.stat(name).st_mode & 0o4000 and os.getuid() != 0:
            done = subprocess.run(bench.line(("client", [name, "--version"]), private=True), env=bench.env, cwd=bench.dir, capture_output=True, text=True, timeout=20)
            want("setuid .* start yeon as root", done.stderr)
            return
    from bench import Skip
    raise Skip("no setuid program here")


@test("kill -9 of a server with threads in the middle of its transfers: their ends, as the kernel makes them, status 137, and the lab goes on")
def killed_threads(bench):
    bench.start()
    bench.write("s.py", """
import os, socket, threading, time
l = socket.create_server(('', 7000), backlog=64)
def serve(c):
    try:
        while 1: c.sendall(bytes(65536))
    except OSError: pass
threading.Thread(target=lambda: [threading.Thread(target=serve, args=(l.accept()[0],)).start() for _ in range(16)]).start()
while threading.active_count() < 17: time.sleep(.01)
time.sleep(.3); os.kill(os.getpid(), 9)
""")
    bench.write("c.py", """
import socket, threading
ends = []
def one():
    c = socket.create_connection(('server', 7000)); n = 0
    try:
        while d := c.recv(65536): n += len(d)
        ends.append('end')
    except ConnectionResetError: ends.append('reset' if n else 'too soon')
ts = [threading.Thread(target=one) for _ in range(16)]
for t in ts: t.start()
for t in ts: t.join()
print(len(ends), set(ends))
""")
    server = subprocess.Popen(bench.line(("server", ["python3", "s.py"])), env=bench.env, cwd=bench.dir, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    out = bench.run(("client", ["python3", "c.py"]))
    expect("status", server.wait(10), 137)
    expect("ends", out, "16 {'end'}\n")
    bench.write("s.py", ECHO)
    expect("afterwards", bench.run(("server", ["python3", "s.py"]), ("client", ASK)), "ping\n")


@test("a full disk ends a ladder and a capture with a line, and nothing else")
def full_disk(bench):
    bench.write("s.py", "import socket\nl = socket.create_server(('', 7000))\nc, a = l.accept()\nn = 0\nwhile d := c.recv(65536): n += len(d)\nc.send(b'%d' % n)\n")
    ask = ["python3", "-c", "import socket\nc = socket.create_connection(('server', 7000)); c.sendall(bytes(3000000)); c.shutdown(1); print(c.recv(99).decode())"]
    for options in (["--pcap", "/dev/full"], ["--ladder-to", "/dev/full"], ["--pcap", "big.pcapng", "--ladder-to", "big.txt"]):
        words = bench.line(("server", ["python3", "s.py"]), ("client", ask), private=True)
        words[2:2] = options
        if options[1] != "/dev/full":
            words = ["sh", "-c", "ulimit -f 100; exec \"$@\"", "sh", *words]
        done = subprocess.run(words, env=bench.env, cwd=bench.dir, capture_output=True, text=True, timeout=40)
        expect("output with %s" % options, (done.stdout, done.returncode), ("3000000\n", 0))
        if not done.stderr.strip():
            raise Failed("nobody was told that %s is not whole" % options)


@test("yeon ss names the child that accepts; programs find each other by name after a rebind")
def owners(bench):
    bench.start()
    bench.write("s.py", "import os, socket, time\nl = socket.create_server(('', 7000))\nfor i in range(3):\n if os.fork() == 0:\n  c, a = l.accept(); c.send(b'%d' % os.getpid()); time.sleep(60)\n"
                "time.sleep(60)\n")
    server = subprocess.Popen(bench.line(("server", ["python3", "s.py"])), env=bench.env, cwd=bench.dir, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    bench.write("c.py", """
import json, os, socket, subprocess
bare = {k: v for k, v in os.environ.items() if k != 'LD_PRELOAD'}
cs = [socket.create_connection(('server', 7000)) for _ in range(3)]
pids = sorted(int(c.recv(99)) for c in cs)
rows = json.loads(subprocess.run([%r, 'ss', '--lab', 't', '--json'], capture_output=True, text=True, env=bare).stdout)
print(sorted(r['pid'] for r in rows if r['state'] == 'ESTABLISHED' and r['host'] == 'server') == pids, {r['program'] for r in rows if r['host'] == 'server'})
print(socket.gethostbyname('server')); open('go', 'w').close()
import time
for _ in range(100):
    if socket.gethostbyname('server') != '10.0.0.2': break
    time.sleep(.05)
print(socket.gethostbyname('server'), socket.create_connection(('server', 7001)).recv(9), open('/etc/hosts').read().count('server'))
""" % bench.yeon)
    bench.write("late.py", "import socket\nl = socket.create_server(('', 7001)); c, a = l.accept(); c.send(b'found'); c.close(); l.accept()\n")
    late = subprocess.Popen(bench.line(("server", ["python3", "late.py"])), env=bench.env, cwd=bench.dir, stderr=subprocess.DEVNULL)
    client = subprocess.Popen(bench.line(("client", ["python3", "c.py"])), env=bench.env, cwd=bench.dir, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for _ in range(200):
        if os.path.exists(bench.path("go")):
            break
        time.sleep(0.05)
    bench.cable("rebind", "server", "10.0.0.9")
    out = client.communicate(timeout=20)[0]
    for p in (server, late):
        p.send_signal(signal.SIGTERM)
        p.wait(10)
    expect("output", out.splitlines(), ["True {'python3'}", "10.0.0.2", "10.0.0.9 b'found' 2"])



def resources(pid):
    status = open("/proc/%d/status" % pid).read()
    return len(os.listdir("/proc/%d/fd" % pid)), int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


AT_ONCE, IN_TURN = 5000, 100000 if os.environ.get("YEON_SOAK") else 10000


@test("many connections: %d at once, %d one after another, some of each ended by a reset; descriptors, memory and sockets come back" % (AT_ONCE, IN_TURN))
def many(bench):
    bench.start()
    bench.write("s.py", "import asyncio\nasync def h(r,w):\n try:\n  while (d:=await r.read(99)): w.write(d)\n except ConnectionResetError: pass\n w.close()\nasync def m():\n"
                " s=[await asyncio.start_server(h,None,7000+i,backlog=500) for i in range(8)]\n await s[0].serve_forever()\nasyncio.run(m())\n")
    bench.write("c.py", """
import asyncio, socket, struct, sys
async def m():
    cs = []
    for i in range(AT_ONCE // 100): cs += await asyncio.gather(*[asyncio.open_connection('10.0.0.2', 7000) for _ in range(100)])
    for r, w in cs: w.write(b'hello')
    print(sum([await r.readexactly(5) == b'hello' for r, w in cs]))
    for r, w in cs: w.close()
asyncio.run(m())
n = 0
for i in range(int(sys.argv[1])):
    c = socket.create_connection(('10.0.0.2', 7000 + i % 8)); c.send(b'x'); n += c.recv(1) == b'x'
    if i % 10 == 0: c.setsockopt(1, 13, struct.pack('ii', 1, 0))
    c.close()
print(n)
""".replace("AT_ONCE", str(AT_ONCE)))

    def wave(count):
        out = bench.run(("server", FILES + ["python3", "s.py"]), ("client", FILES + ["python3", "c.py", str(count)]), timeout=400)
        expect("exchanges", out, "%d\n%d\n" % (AT_ONCE, count))
        time.sleep(1)
        return resources(bench.lab.pid)

    fds, memory = wave(5000)
    fds2, memory2 = wave(IN_TURN)
    for _ in range(50):  # on a busy machine the last of them is noticed a little later
        if fds2 > fds:
            time.sleep(0.2)
            fds2, memory2 = resources(bench.lab.pid)
    expect("descriptors", fds2, fds)
    with open(bench.yeon, "rb") as f:
        keeps = b"__asan_init" in f.read()  # what is freed, for a while
    if memory2 > memory * 1.2 + 2000 and not keeps:
        raise Failed("memory went from %d to %d KB" % (memory, memory2))
    text = subprocess.run([bench.yeon, "ss", "--lab", "t", "--json"], env=bench.env, capture_output=True, text=True, timeout=20).stdout
    owned = [line for line in text.splitlines() if '"program"' in line and '"program": null' not in line]
    expect("sockets that a program holds", owned, [])
    print("# %d KB after the first wave, %d KB after the second" % (memory, memory2))


FILES = ["sh", "-c", "ulimit -n 12000; exec \"$@\"", "sh"]


@test("standard output of a line is its last program's alone; what the others say goes to standard error")
def outputs(bench):
    bench.write("s.py", "print('from the server', flush=True)\n" + ECHO)
    done = subprocess.run(bench.line(("server", ["python3", "s.py"]), ("client", ASK), private=True), env=bench.env, cwd=bench.dir,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    expect("standard output", done.stdout, "ping\n")
    want("from the server", done.stderr)


@test("a private lab lives until its connections are over: the ladder has the last FIN, and TIME-WAIT")
def drained(bench):
    bench.write("s.py", ECHO)
    words = bench.line(("server", ["python3", "s.py"]), ("client", ASK), private=True)
    words[2:2] = ["--ladder-to", bench.path("ladder.txt"), "--cable", "set delay 150ms"]
    done = subprocess.run(words, env=bench.env, cwd=bench.dir, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    expect("status", done.returncode, 0)
    with open(bench.path("ladder.txt"), encoding="utf-8") as f:
        ladder = f.read()
    expect("ends told of", [len(re.findall(x, ladder)) for x in ("● TIME-WAIT|TIME-WAIT for 60 s ●", "● CLOSED|CLOSED ●", "FIN·")], [1, 1, 2])
    begin = time.monotonic()  # what cannot end is not waited for
    words = bench.line(("server", ["python3", "s.py"]), ("client", ["python3", "-c", "import socket; c = socket.create_connection(('server', 7000)); c.send(b'x'); c.recv(9)"]),
                       private=True)
    words[2:2] = ["--cable", "at +2s cut"]
    words[-1] += "; import time; time.sleep(2.5)"
    done = subprocess.run(words, env=bench.env, cwd=bench.dir, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    if done.returncode != 0 or not 2.5 < time.monotonic() - begin < 20:
        raise Failed("over a cut cable: status %d after %.1f s" % (done.returncode, time.monotonic() - begin))


@test("a program finds its host's addresses on lo, which stays down: getaddrinfo with AI_ADDRCONFIG, dnsmasq over TCP", needs=("ip", "dnsmasq", "dig"))
def addresses(bench):
    bench.start()
    shown = bench.run(("client", ["ip", "-o", "addr"]))
    expect("addresses", re.findall(r"inet6? (\S+)", shown), ["10.0.0.1/32", "fd00::1/128"])
    want("state DOWN", bench.run(("client", ["ip", "-o", "link"])))
    found = bench.run(("client", ["python3", "-c", """
import socket
for family in socket.AF_INET, socket.AF_INET6: print(socket.getaddrinfo('server', 80, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)[0][4][0])"""]))
    expect("getaddrinfo", found, "10.0.0.2\nfd00::2\n")
    dnsmasq = ["dnsmasq", "-d", "--port=5300", "--no-resolv", "--no-hosts", "--address=/lab.test/192.0.2.7", "--user=", "--group=", "--pid-file=", "--conf-file=/dev/null"]
    dig = "sleep 1; for how in +notcp +tcp; do dig $how +short +time=5 +tries=1 -p 5300 @10.0.0.2 lab.test; done"
    expect("dnsmasq", bench.run(("server", dnsmasq), ("client", ["sh", "-c", dig])), "192.0.2.7\n192.0.2.7\n")


@test("ncat --exec: what its program says arrives", needs=("ncat",))
def ncat(bench):
    # (without --recv-only ncat's client may end with its own input, before it has heard anything; over the kernel too)
    server, client = ["ncat", "-l", "7000", "--exec", "/bin/echo hello"], ["ncat", "--recv-only", "server", "7000"]
    bench.start()
    expect("output", bench.run(("server", server), ("client", client)), "hello\n")
