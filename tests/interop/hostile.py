#!/usr/bin/env python3
"""examples/serve against clients that misbehave, examples/fetch against servers that lie. Speaks TAP.

    hostile.py SERVE FETCH [NAME...]

Runs in namespaces of its own, over TUN devices; skipped where those are refused."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.abspath(__file__)
SERVER, OUR_FETCH, OUR_SERVER = "10.9.0.2", "10.8.0.2/24", "10.8.0.1"
HOST = b"Host: x\r\n"
CLOSE = b"Connection: close\r\n"
TEXT = b"hello, world\n"
count = failures = 0


def report(held, name, why=""):
    global count, failures
    count += 1
    failures += not held
    print("%s %d - hostile/%s" % ("ok" if held else "not ok", count, name))
    for line in str(why).splitlines()[:20] if not held else []:
        print("# " + line)
    sys.stdout.flush()


# ---- serve ----

def ask(request, half=False, pause=0.0):
    """What comes back until the server ends; None in place of an end: it did not."""
    with socket.create_connection((SERVER, 80), 10) as s:
        s.settimeout(4)
        answer = b""
        try:
            for piece in [request] if not pause else [bytes([b]) for b in request]:
                s.sendall(piece)
                time.sleep(pause)
            if half:
                s.shutdown(socket.SHUT_WR)
            while True:
                got = s.recv(65536)
                if not got:
                    return answer
                answer += got
        except OSError as e:
            return answer + b"<%s>" % str(e).encode()


def statuses(answer):
    return [int(line[9:12]) for line in answer.replace(TEXT, b"").replace(b"HTTP/1.1", b"\r\nHTTP/1.1").split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def get(path, *fields):
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"".join(f + b"\r\n" for f in fields) + CLOSE + b"\r\n"


def requests():
    plain = b"GET /a.txt HTTP/1.1\r\n" + HOST
    yield "plain", get(b"/a.txt"), [200]
    yield "an empty line first", b"\r\n" + get(b"/a.txt"), [200]
    yield "ten requests at once", (plain + b"\r\n") * 9 + get(b"/a.txt"), [200] * 10
    yield "no Host", b"GET /a.txt HTTP/1.1\r\n\r\n", [400]
    yield "HTTP/1.0 needs none", b"GET /a.txt HTTP/1.0\r\n\r\n", [200]
    yield "no such version", b"GET /a.txt HTTP/1.zz\r\n" + HOST + b"\r\n", [400]
    yield "HTTP/2", b"GET / HTTP/2.0\r\n\r\n", [505]
    yield "HTTP/0.9", b"GET /a.txt\r\n\r\n", [400]
    yield "another method, and its chunks are no request", b"POST /a.txt HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + get(b"/a.txt"), [405]
    yield "a space before the colon hides no body", plain + b"Content-Length : 40\r\n\r\n" + get(b"/a.txt"), [400]
    yield "a folded field", plain + b" folded\r\n\r\n", [400]
    yield "zero bytes", b"\0\1\n\n", [400]
    yield "a giant field", plain + b"X: " + b"a" * 100000 + b"\r\n\r\n", [431]
    for path in (b"/../secret", b"/%2e%2e/secret", b"/..%2fsecret", b"/d/../../secret", b"/.hidden", b"/link-out", b"/etc/passwd"):
        yield "kept in: " + path.decode(), get(path), [403]
    yield "a link that stays inside", get(b"/link-in"), [200]
    yield "a zero byte in a path", get(b"/a.txt%00.html"), [400]
    yield "a broken escape", get(b"/%zz"), [400]
    yield "a path without end", get(b"/" + b"a/" * 2000), [414]
    yield "neither file nor directory", get(b"/fifo"), [403]
    for span, status in ((b"0-0", 206), (b"-1", 206), (b"-0", 416), (b"5-2", 200), (b"99999999999999999999-", 200), (b"0-9223372036854775807", 200), (b"1-1000", 206),
                         (b"0-1,3-4", 200), (b"13-", 416), (b"--1", 200), (b"", 200)):
        yield "range " + span.decode(), get(b"/a.txt", b"Range: bytes=" + span), [status]
    yield "a range of another version of the file", get(b"/a.txt", b"If-Range: \"old\"", b"Range: bytes=3-"), [200]


def test_serve(serve, place):
    www = os.path.join(place, "www")
    os.makedirs(os.path.join(www, "d"))
    for name in ("www/a.txt", "secret", "www/.hidden"):
        with open(os.path.join(place, name), "wb") as f:
            f.write(TEXT)
    os.symlink("../secret", os.path.join(www, "link-out"))
    os.symlink("/etc", os.path.join(www, "etc"))
    os.symlink("a.txt", os.path.join(www, "link-in"))
    os.mkfifo(os.path.join(www, "fifo"))
    log = open(os.path.join(place, "log"), "w+b")
    server = subprocess.Popen([serve, "--tun", "th0", "--addr", SERVER + "/24", www], stderr=log)
    setup_device("th0", "10.9.0.1/24")
    for name, request, want in requests():
        answer = ask(request)
        report(statuses(answer) == want, "serve: " + name, "%s, not %s: %r" % (statuses(answer), want, answer[-300:]))
    report(TEXT in ask(get(b"/a.txt"), half=True), "serve: a client that ends its side first")
    report(TEXT in ask(get(b"/a.txt"), pause=0.002), "serve: a byte at a time")
    ask(get(b"/%1b]0;owned%07%0aserve:%20forged"))
    many = [socket.create_connection((SERVER, 80), 10) for _ in range(300)]
    for s in many:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.sendall(b"GET /a.txt HTTP/1.1\r\n")
        s.close()
    report(TEXT in ask(get(b"/a.txt")), "serve: after 300 that hung up in the middle")
    slow = slow_readers(server, www)
    server.send_signal(signal.SIGINT)
    begun = time.monotonic()
    report(server.wait(20) == 0 and time.monotonic() - begun < 10, "serve: ends when told to, in the middle of 300 transfers", time.monotonic() - begun)
    for s in slow:
        s.close()
    log.seek(0)
    said = log.read()
    report(b"\x1b" not in said and b"\nserve: forged" not in said and b"Sanitizer" not in said, "serve: no foreign control characters in its log", said[-500:])


# ---- fetch ----

OK = b"HTTP/1.1 200 OK\r\n"


def answers():
    """name, what the server sends, exit status of fetch, what the file holds then (None: there is none), what it says"""
    yield "plain", OK + b"Content-Length: 5\r\n\r\nhello", 0, b"hello", ""
    yield "more than it promised", OK + b"Content-Length: 5\r\n\r\nhello, and more", 0, b"hello", ""
    yield "less than it promised", OK + b"Content-Length: 50\r\n\r\nhello", 5, b"hello", "hung up"
    yield "to the end", OK + b"\r\nhello", 0, b"hello", ""
    yield "chunks", OK + b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n", 0, b"hello", ""
    yield "chunks that break off", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", 5, b"hel", "hung up"
    for size in (b"-1", b"0x5", b"+5", b"", b"zz", b"0" * 80 + b"5", b"11111111111111111"):
        yield "a chunk of size '%s'" % size[:20].decode(), OK + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nhello\r\n0\r\n\r\n", 6, None, "broken chunk"
    yield "an encoding nobody asked for", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 6, None, "encoding"
    for length in (b"5k", b"-5", b"five", b"99999999999999999999999"):
        yield "a length of " + length.decode(), OK + b"Content-Length: " + length + b"\r\n\r\nhello", 6, None, "Content-Length"
    yield "an interim answer first", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello", 0, b"hello", ""
    yield "nothing but interim answers", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, 6, None, "promises"
    yield "a redirection", b"HTTP/1.1 302 Found\r\nLocation: http://other/place\r\nContent-Length: 0\r\n\r\n", 6, None, "http://other/place"
    yield "not found", b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 6, None, "404"
    yield "terminal commands", b"HTTP/1.1 404 \x1b]0;owned\x07\r\n\r\n", 6, None, "404"
    yield "terminal commands in a redirection", b"HTTP/1.1 301 x\r\nLocation: \x1b[2Jgone\r\n\r\n", 6, None, "gone"
    yield "not HTTP", b"220 smtp.example ESMTP\r\n\r\n", 6, None, "not HTTP"
    yield "noise", bytes(range(256)) * 100, 6, None, "no end"
    yield "nothing", b"", 6, None, "hung up"
    yield "a head without end", OK + b"X: " + b"a" * 40000, 6, None, "no end"
    yield "another part than asked for", b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 7-9/10\r\n\r\nabc", 6, None, "another part"


def serve_once(listener, answer):
    def run():
        s, _ = listener.accept()
        with s:
            s.settimeout(10)
            try:
                while b"\r\n\r\n" not in s.recv(65536):
                    pass
                s.sendall(answer)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except OSError:
                pass
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def fetch_file(fetch, path, *args):
    done = subprocess.run([fetch, "--tun", "th1", "--addr", OUR_FETCH, "-o", path, "--quiet", *args, "http://%s:8000/x" % OUR_SERVER],
                          capture_output=True, timeout=60, check=False)
    return done.returncode, done.stderr


def contents(path):
    if not os.path.exists(path):
        return None
    with open(path, "rb") as f:
        return f.read()


def resident_mb(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(f.read().split("VmRSS:")[1].split()[0]) / 1024


def slow_readers(server, www):
    """Three hundred clients that ask for a large file and read nothing; while they do, others are served."""
    with open(os.path.join(www, "large"), "wb") as f:
        f.truncate(64 << 20)
    before = resident_mb(server.pid)
    slow = [socket.socket() for _ in range(300)]
    for s in slow:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(10)
        s.connect((SERVER, 80))
        s.sendall(get(b"/large"))
    time.sleep(1)
    report(TEXT in ask(get(b"/a.txt")), "serve: others are served while 300 readers do not read")
    each = (resident_mb(server.pid) - before) / len(slow) * 1024
    report(each < 200, "serve: 300 readers that do not read hold little", "%.0f KiB each" % each)
    return slow


def test_fetch(fetch, place):
    setup_device("th1", OUR_SERVER + "/24", make=True)
    listener = socket.create_server((OUR_SERVER, 8000))
    path = os.path.join(place, "got")
    for name, answer, status, holds, says in answers():
        thread = serve_once(listener, answer)
        got, said = fetch_file(fetch, path)
        thread.join()
        held = got == status and contents(path) == holds and says.encode() in said and b"\x1b" not in said and b"Sanitizer" not in said
        report(held, "fetch: " + name, "status %d, file %r, said %r" % (got, contents(path), said))
        if os.path.exists(path):
            os.unlink(path)
    for name, said_first in (("a server that never answers", b""), ("a server that stops in the middle", OK + b"Content-Length: 50\r\n\r\nhello")):
        listener.settimeout(10)
        begun = time.monotonic()
        asked = subprocess.Popen([fetch, "--tun", "th1", "--addr", OUR_FETCH, "-o", path, "--quiet", "--timeout", "1", "http://%s:8000/x" % OUR_SERVER], stderr=subprocess.PIPE)
        s, _ = listener.accept()
        with s:
            s.sendall(said_first)
            said = asked.communicate(timeout=20)[1]
        report(asked.returncode == 5 and b"nothing comes" in said and 1 <= time.monotonic() - begun < 10, "fetch: " + name, (asked.returncode, said))
        if os.path.exists(path):
            os.unlink(path)
    listener.settimeout(None)
    with open(path, "wb") as f:
        f.write(b"precious")
    thread = serve_once(listener, b"HTTP/1.1 500 Sorry\r\n\r\n")
    got, said = fetch_file(fetch, path)
    thread.join()
    report(got == 6 and contents(path) == b"precious", "fetch: a file stays as it was when nothing comes", contents(path))
    listener.close()
    got, said = fetch_file(fetch, path)
    report(got == 4 and contents(path) == b"precious", "fetch: likewise when nobody is there", (got, said))
    got, said = fetch_file(fetch, "/dev/null")
    report(got == 4 and os.path.exists("/dev/null"), "fetch: /dev/null survives", (got, said))


# ---- namespaces ----

def setup_device(name, address, make=False):
    if make:
        subprocess.run(["ip", "tuntap", "add", "mode", "tun", "name", name], check=True)
    for _ in range(200):
        if os.path.exists("/proc/sys/net/ipv4/conf/" + name):
            break
        time.sleep(0.05)
    subprocess.run(["ip", "addr", "add", address, "dev", name], check=True)
    subprocess.run(["ip", "link", "set", name, "up"], check=True)


def inside(serve, fetch):
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        test_serve(serve, place)
        test_fetch(fetch, place)
    print("1..%d" % count)
    return 1 if failures else 0


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "inside":
        return inside(*sys.argv[2:])
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    enter = ["unshare", "--fork", "--kill-child", "--net"] + ([] if os.getuid() == 0 else ["--user", "--map-root-user"])
    probe = subprocess.run(enter + ["ip", "tuntap", "add", "mode", "tun", "name", "th9"], capture_output=True, text=True, check=False) if shutil.which("unshare") else None
    if probe is None or probe.returncode != 0:
        print("1..1\nok 1 - hostile # SKIP %s" % (" ".join(probe.stderr.split()) if probe else "no unshare here"))
        return 0
    return subprocess.run(enter + [sys.executable, "-B", HERE, "inside", *map(os.path.abspath, sys.argv[1:])], check=False).returncode


sys.exit(main())
