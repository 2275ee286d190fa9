"""The two examples: serve against the kernel's clients, fetch against servers of the kernel's side."""
import contextlib
import http.client
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

from bench import (ADDRESSES, MORTAL, OURS, PATIENCE, THEIRS, address, check, kernel_connect, kernel_listener, pattern,
                   test)

BIG = b"".join(pattern(i << 20, 1 << 20) for i in range(20))


@contextlib.contextmanager
def web(bench, *options):
    with tempfile.TemporaryDirectory() as root:
        with open(os.path.join(root, "big.bin"), "wb") as f:
            f.write(BIG)
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
        server = subprocess.Popen([*MORTAL, bench.serve, *bench.device_options(), *ADDRESSES, "--quiet", *options,
                                   root], stderr=log)
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
        check(status == 200 and body == BIG, "GET")
        status, fields, body = get(c, "HEAD", "/big.bin")
        check(status == 200 and body == b"" and fields["content-length"] == str(20 << 20), "HEAD")
        for value, first, last in (("bytes=100-199", 100, 199), ("bytes=20971500-", 20971500, 20971519),
                                   ("bytes=-20", 20971500, 20971519)):
            status, fields, part = get(c, "GET", "/big.bin", Range=value)
            check(status == 206, "range %s: %d" % (value, status))
            check(fields["content-range"] == "bytes %d-%d/20971520" % (first, last), "range %s: %s" % (value, fields))
            check(part == BIG[first:last + 1], "bytes of %s" % value)
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
        for junk in (b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 100 + b"\r\n\r\n",
                     b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n"):
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
                    if status != 206 or body != BIG[first:first + 100000]:
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
    """A server on the kernel's side that gives one prepared answer, in pieces, and notes what it was asked."""

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
    command = [*MORTAL, bench.fetch, *bench.device_options(), *ADDRESSES, *options,
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
    chunked = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhel", b"lo\r",
               b"\n6;x=y\r\n world\r\n0\r\nTrailer: 1\r\n\r\n")
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
        part = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\nContent-Length: %d\r\n\r\n"
        with Canned(v, part % (1000, 4999, 5000, 4000), pattern(1000, 4000)) as server:
            status, _, log = fetch(bench, v, server.port, "/x", "-o", path, "--resume")
        check(b"Range: bytes=1000-\r\n" in server.asked, "no range was asked for")
        with open(path, "rb") as f:
            check(status == 0 and f.read() == pattern(0, 5000), "%d: %s" % (status, log))
        # A server that does not do ranges.
        with Canned(v, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", pattern(0, 10)) as server:
            status, _, log = fetch(bench, v, server.port, "/x", "-o", path, "--resume")
        with open(path, "rb") as f:
            check(status == 0 and f.read() == pattern(0, 10), "%d: %s" % (status, log))
        with Canned(v, part % (3, 9, 10, 7), b"x" * 7) as server:
            status, _, log = fetch(bench, v, server.port, "/x", "-o", path, "--resume")
        check(status == 6, "another part than asked for: %d" % status)


@test(4)
def fetch_exit_status(bench, v):
    bench.prepare()
    ok = b"HTTP/1.1 200 OK\r\n"
    for answer, want in ((b"HTTP/1.1 404 Not Found\r\n\r\n", 6),
                         (b"HTTP/1.1 301 Moved\r\nLocation: http://a/\r\n\r\n", 6), (b"nonsense\r\n\r\n", 6),
                         (b"", 6), (ok + b"Content-Length: 10\r\n\r\nshort", 5),
                         (ok + b"Content-Length: x\r\n\r\n", 6), (ok + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 6),
                         (ok + b"a: b\r\n" * 4000, 6)):
        with Canned(v, answer) as server:
            status, _, log = fetched(bench, v, server)
        check(status == want, "%r: %d, not %d: %s" % (answer[:40], status, want, log))
        check(log.startswith("fetch: ") and len(log) < 400, "no friendly line: %r" % log)
    with Canned(v, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", reset=True) as server:
        check(fetched(bench, v, server)[0] == 5, "reset")
    check(fetch(bench, v, 4444, "/x", "-o", "-")[0] == 4, "refused connection")
    with Canned(v, b"HTTP/1.1 200 OK\r\n\r\n") as server:
        check(fetch(bench, v, server.port, "/x", "-o", "/nowhere/at/all")[0] == 7, "no such directory")
    for words in ([], ["ftp://10.9.0.1/"], ["http://example.org/"], ["--tun"], ["--loss", "200", "http://10.9.0.1/"],
                  ["--nonsense", "http://10.9.0.1/"]):
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
            status, out, log = fetched(bench, v, server, "--cut-after", "4M", "--cut-for", "1", "--ladder", ladder,
                                       "--pcap", pcap)
        check(status == 0 and out == body, "%d: %s" % (status, log))
        check("cable pulled after" in log and "cable back after " in log, log)
        with open(ladder, encoding="utf-8") as f:
            text = f.read()
        for word in ("SYN-SENT", "ESTABLISHED", "cable cut", "cable joined", "FIN"):
            check(word in text, "no '%s' in the ladder" % word)
        check(os.path.getsize(pcap) > len(body), "the capture is too small")
        if shutil.which("tshark"):
            seen = subprocess.run(["tshark", "-r", pcap, "-Y", "tcp.flags.syn==1", "-T", "fields", "-e", "tcp.port"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                                  env={**os.environ, "HOME": place})
            lines = len(seen.stdout.splitlines())
            check(seen.returncode == 0 and lines >= 2, "tshark: %s %s" % (seen.stdout, seen.stderr[-500:]))
