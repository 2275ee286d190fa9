"""Programs that none of us wrote, unmodified, both ends in the lab: each over a clean cable, over 40 ms and 1 % loss, and with the cable cut for 3 s."""
import hashlib
import os
import re
import shutil
import subprocess

from bench import Failed, TESTS, expect

CABLES = {
    "clean": None,
    "40 ms, 1 % loss": "delay 20ms loss 1%",
    "a 3 s cut": "delay 2ms rate 50mbit queue 100KB",
}


def program(name, *needs):
    """The function is given the bench, a wrapper of the client's argv, and how hard to work (1: a clean cable)."""
    def keep(fn):
        for cable, settings in CABLES.items():
            TESTS.append(("%s, %s" % (name, cable), needs, over, (fn, cable, settings)))
        return fn
    return keep


def over(bench, fn, cable, settings):
    bench.start()
    if settings:
        bench.cable("set", *settings.split())

    def client(argv):
        if "cut" not in cable:
            return argv
        # cuts from inside, a moment after the client has begun; the control socket is AF_UNIX and stays reachable
        return ["sh", "-c", '(sleep 0.2; exec "$0" cable --lab t cut 3s) & exec "$@"', bench.yeon] + argv
    fn(bench, client, 1.0 if cable == "clean" else 0.1)


def blob(bench, size, name="blob"):
    data = os.urandom(1 << 16) * (max(size, 1 << 16) >> 16)
    with open(bench.path(name), "wb") as f:
        f.write(data)
    return hashlib.sha256(data).hexdigest()


@program("curl from python3 -m http.server", "curl")
def http_server(bench, client, work):
    want = blob(bench, int(40e6 * work))
    bench.run(("server", ["python3", "-m", "http.server", "8000"]),
              ("client", client(["curl", "-sS", "-o", bench.path("got"), "http://server:8000/blob"])))
    expect("checksum", hashlib.sha256(open(bench.path("got"), "rb").read()).hexdigest(), want)


def nginx(bench, extra=""):
    conf = """daemon off; worker_processes 2; pid %(d)s/pid; error_log %(d)s/err;
events { worker_connections 512; }
http { access_log off; client_body_temp_path %(d)s/a; proxy_temp_path %(d)s/b; fastcgi_temp_path %(d)s/c;
uwsgi_temp_path %(d)s/d; scgi_temp_path %(d)s/e;
server { listen 8080; listen [::]:8080; %(x)s root %(d)s; sendfile on; } }""" % {"d": bench.dir, "x": extra}
    return ["nginx", "-p", bench.dir, "-e", bench.path("err"), "-c", bench.write("nginx.conf", conf)]


@program("curl from nginx, sendfile, IPv6 and IPv4", "nginx", "curl")
def nginx_curl(bench, client, work):
    want = blob(bench, int(40e6 * work))
    url = "http://%s:8080/blob"
    bench.run(("server", nginx(bench)), ("client", client(
        ["curl", "-sS", "-o", bench.path("six"), url % "[fd00::2]", "-o", bench.path("four"), url % "10.0.0.2"])))
    for name in ("six", "four"):
        expect("checksum over " + name, hashlib.sha256(open(bench.path(name), "rb").read()).hexdigest(), want)


@program("curl from nginx over TLS", "nginx", "curl", "openssl")
def nginx_tls(bench, client, work):
    want = blob(bench, int(20e6 * work))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", bench.path("key"), "-out", bench.path("crt"),
                    "-subj", "/CN=server", "-addext", "subjectAltName=DNS:server"], check=True, capture_output=True)
    conf = nginx(bench, "listen 8443 ssl; ssl_certificate %s; ssl_certificate_key %s;" % (bench.path("crt"), bench.path("key")))
    bench.run(("server", conf), ("client", client(
        ["curl", "-sS", "--cacert", bench.path("crt"), "-o", bench.path("got"), "https://server:8443/blob"])))
    expect("checksum", hashlib.sha256(open(bench.path("got"), "rb").read()).hexdigest(), want)


@program("wrk against two nginx workers", "nginx", "wrk")
def nginx_wrk(bench, client, _):
    bench.write("small", "x" * 1000)
    out = bench.run(("server", nginx(bench)), ("client", client(["wrk", "-t2", "-c20", "-d2", "--timeout", "8s", "http://server:8080/small"])))
    if int(re.search(r"(\d+) requests in", out).group(1)) < 20 or "Non-2xx" in out or re.search(r"connect [1-9]|read [1-9]|write [1-9]", out):
        raise Failed(out)


@program("redis-benchmark against redis-server", "redis-server", "redis-benchmark")
def redis(bench, client, work):
    server = ["redis-server", "--port", "6379", "--save", "", "--dir", bench.dir, "--protected-mode", "no", "--logfile", bench.path("redis.log")]
    out = bench.run(("server", server), ("client", client(
        ["redis-benchmark", "-h", "server", "-n", str(int(10000 * work)), "-c", "10", "-t", "set,get,lpush", "--csv"])))
    expect("lines of results", len([line for line in out.splitlines() if re.match(r'"(SET|GET|LPUSH)"', line)]), 3)


def postgres(bench):
    where = shutil.which("initdb") and os.path.dirname(os.path.realpath(shutil.which("initdb")))
    data = bench.path("pg")
    done = subprocess.run([os.path.join(where, "initdb"), "-D", data, "-A", "trust", "-U", "tester", "-N"], capture_output=True, text=True,
                          env=bench.env)
    if done.returncode != 0:
        raise Failed("initdb: " + done.stderr)
    os.chmod(data, 0o700)
    return ["postgres", "-D", data, "-h", "*", "-p", "5432", "-k", bench.dir, "-c", "fsync=off"]


@program("psql and pgbench against postgres", "postgres", "initdb", "psql", "pgbench")
def postgres_psql(bench, client, work):
    script = """until psql -h server -U tester postgres -Atc 'select 6*7' 2>/dev/null; do sleep 0.2; done
pgbench -h server -U tester -i -q postgres 2>/dev/null && pgbench -h server -U tester -c 4 -t %d postgres 2>&1 | grep processed""" % int(50 * work)
    out = bench.run(("server", postgres(bench)), ("client", client(["sh", "-c", script])), timeout=90)
    n = 4 * int(50 * work)
    expect("output", out.split("\n")[:2], ["42", "number of transactions actually processed: %d/%d" % (n, n)])


@program("ssh and sftp against sshd", "ssh", "sshd", "sftp", "ssh-keygen")
def ssh(bench, client, work):
    want = blob(bench, int(20e6 * work))
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", bench.path(key)], check=True)
    conf = bench.write("sshd.conf", "Port 2222\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPidFile none\n"
                       "Subsystem sftp internal-sftp\n" % (bench.path("host"), bench.path("user.pub")))
    if subprocess.run([shutil.which("sshd"), "-t", "-f", conf], capture_output=True).returncode != 0 or not has_name():
        from bench import Skip
        raise Skip("sshd does not run for a user without a name")
    options = ["-i", bench.path("user"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    out = bench.run(("server", [shutil.which("sshd"), "-D", "-e", "-f", conf]), ("client", client(
        ["ssh", "-p", "2222", *options, "server", "sha256sum < " + bench.path("blob")])))
    expect("checksum", out.split()[0], want)


def has_name():
    import pwd
    try:
        return bool(pwd.getpwuid(os.getuid()))
    except KeyError:
        return False


@program("iperf3 -P 4, both ways", "iperf3")
def iperf3(bench, client, _):
    out = bench.run(("server", ["iperf3", "-s"]), ("client", client(
        ["sh", "-c", "iperf3 -c server -t 1 -P 4 -J && iperf3 -c server -t 1 -P 4 -R -J"])))
    sums = [int(n) for n in re.findall(r'"sum_received":\s*{[^}]*"bytes":\s*(\d+)', out)]
    if len(sums) != 2 or min(sums) < 10000:
        raise Failed(out[-500:])


@program("iperf3 --udp", "iperf3")
def iperf3_udp(bench, client, _):
    out = bench.run(("server", ["iperf3", "-s"]), ("client", client(["iperf3", "-c", "server", "-u", "-b", "4M", "-t", "1", "-J"])))
    if not re.search(r'"packets":\s*[1-9]\d\d', out):
        raise Failed(out[-500:])


@program("python asyncio", )
def asyncio(bench, client, work):
    size = int(4e6 * work)
    bench.write("s.py", "import asyncio\nasync def h(r,w):\n d=await r.read()\n w.write(d.upper())\n await w.drain()\n w.close()\n"
                "async def m():\n s=await asyncio.start_server(h,None,7000)\n await s.serve_forever()\nasyncio.run(m())\n")
    bench.write("c.py", "import asyncio\nasync def o():\n r,w=await asyncio.open_connection('server',7000)\n w.write(b'x'*%d)\n w.write_eof()\n"
                " d=await r.read()\n w.close()\n return d==b'X'*%d\nasync def m(): print(await asyncio.gather(*[o() for _ in range(5)]))\n"
                "asyncio.run(m())\n" % (size, size))
    out = bench.run(("server", ["python3", "s.py"]), ("client", client(["python3", "c.py"])))
    expect("output", out, "[True, True, True, True, True]\n")


@program("node http", "node")
def node(bench, client, work):
    bench.write("s.js", "require('http').createServer((q,r)=>{let n=0;q.on('data',d=>n+=d.length);q.on('end',()=>r.end('got '+n))}).listen(3000)")
    bench.write("c.js", "const q=require('http').request({host:'server',port:3000,method:'POST'},r=>r.on('data',d=>console.log(''+d)));"
                "q.end(Buffer.alloc(%d))" % int(4e6 * work))
    out = bench.run(("server", ["node", "s.js"]), ("client", client(["node", "c.js"])))
    expect("output", out, "got %d\n" % int(4e6 * work))


GO = """package main
import ("fmt"; "io"; "net"; "os")
func main() {
  if len(os.Args) > 1 {
    l, e := net.Listen("tcp", ":9000"); if e != nil { panic(e) }
    for { c, e := l.Accept(); if e != nil { panic(e) }; go func() { io.Copy(c, c); c.Close() }() }
  }
  done := make(chan int)
  for i := 0; i < 8; i++ { go func() {
    c, e := net.Dial("tcp", "server:9000"); if e != nil { panic(e) }
    go func() { c.Write(make([]byte, SIZE)); c.(*net.TCPConn).CloseWrite() }()
    b, e := io.ReadAll(c); if e != nil { panic(e) }
    done <- len(b)
  }() }
  sum := 0
  for i := 0; i < 8; i++ { sum += <-done }
  _, e := net.Dial("tcp", "10.0.0.2:9001")
  fmt.Println(sum, e)
}
"""


@program("a static Go program", "go")
def go(bench, client, work):
    size = int(1e6 * work)
    bench.write("m.go", GO.replace("SIZE", str(size)))
    env = dict(bench.env, GOCACHE=bench.path("cache"), GO111MODULE="off", CGO_ENABLED="0", GOFLAGS="")
    subprocess.run(["go", "build", "-o", bench.path("m"), bench.path("m.go")], check=True, env=env, capture_output=True)
    out = bench.run(("server", [bench.path("m"), "serve"]), ("client", client([bench.path("m")])))
    expect("output", out, "%d dial tcp 10.0.0.2:9001: connect: connection refused\n" % (8 * size))


MUSL = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(8000)};
  char b[4096]; long n, sum = 0;
  int s = socket(AF_INET, SOCK_STREAM, 0);
  inet_pton(AF_INET, "10.0.0.2", &a.sin_addr);
  if (connect(s, (struct sockaddr *)&a, sizeof a) != 0) { perror("connect"); return 1; }
  const char *q = "GET /blob HTTP/1.0\r\n\r\n";
  if (write(s, q, strlen(q)) < 0) return 1;
  while ((n = read(s, b, sizeof b)) > 0) sum += n;
  printf("%s\n", n == 0 && sum > 100000 ? "whole" : "not whole");
  return 0;
}
"""


@program("a static musl program", "musl-gcc")
def musl(bench, client, work):
    blob(bench, int(10e6 * work))
    bench.write("m.c", MUSL)
    subprocess.run(["musl-gcc", "-static", "-o", bench.path("m"), bench.path("m.c")], check=True, capture_output=True)
    out = bench.run(("server", ["python3", "-m", "http.server", "8000"]), ("client", client([bench.path("m")])))
    expect("output", out, "whole\n")


@program("dig against a DNS server over UDP", "dig")
def dig(bench, client, _):
    bench.write("dns.py", "import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.bind(('0.0.0.0',53))\nwhile 1:\n"
                " d,a=s.recvfrom(512)\n i=d.index(0,12)+5\n"
                " s.sendto(d[:2]+b'\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0'+d[12:i]+b'\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0<\\0\\4\\1\\2\\3\\4',a)\n")
    out = bench.run(("server", ["python3", "dns.py"]), ("client", client(
        ["dig", "+noedns", "+short", "+tries=8", "+time=2", "@10.0.0.2", "example.test", "example.test"])))
    expect("output", out, "1.2.3.4\n1.2.3.4\n")
