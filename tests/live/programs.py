#!/usr/bin/env python3
"""Programs that none of us wrote, unmodified, both ends on a live lab: over a clean cable, over 40 ms and 1 % of loss, and with a cut of 3 s in the
middle. What they print is compared with what they print over the kernel's loopback. Speaks TAP.

    programs.py YEON [--few] [NAME...]    --few: one of each kind, for the builds that are slow
"""
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from live import Failed, Lab, Missing, Stage, enter, find, left_over, loopback_packets, skip_all, Tap, HERE, write  # noqa: E402

WORKERS = 5
CLEAN, LOSSY, CUT = "clean", "40 ms and 1 % loss", "3 s cut"
SCENES = (CLEAN, LOSSY, CUT)
FEW = ("curl", "redis", "go", "dig")


class Case:
    """Two programs. `size` is by scene, `rate` and `after` (frames) say when the cut comes: the data takes longer than that at this rate."""
    rate = "40mbit"
    after = 400
    seconds = 60
    must = "."  # in the output over the loopback, or it is no standard

    def __init__(self, name, size, **more):
        self.name = name
        self.sizes = dict(zip(SCENES, size if isinstance(size, tuple) else (size,) * 3))
        self.__dict__.update(more)

    def prepare(self, stage, size):
        """Files in the stage's folder, before anything runs."""

    def server(self, stage):
        """The server's arguments and what it says when it is ready."""
        raise NotImplementedError

    def client(self, stage, size):
        raise NotImplementedError

    def blameless(self, failure, lab):
        """Whether it is the program that cannot stand what the cable has done, and another try is fair."""
        del failure, lab
        return False

    def normal(self, text, scene):
        """What is to be the same."""
        del scene
        return text


def shell(script):
    return [find("sh"), "-c", script]


# ---- nginx ----

NGINX = """daemon off; worker_processes 2; pid nginx.pid; error_log stderr notice;
events { worker_connections 512; }
http { access_log off; sendfile on;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  server { listen 8080; listen [::]:8080; listen 8443 ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem; root www; } }
"""


class Nginx(Case):
    def prepare(self, stage, size):
        os.mkdir(stage.path("www"))
        write(stage.path("nginx.conf"), NGINX)
        with open(stage.path("www/file"), "wb") as f:
            block = bytes(i * i % 251 for i in range(1 << 16))
            for i in range(0, size, len(block)):
                f.write(block[i // len(block) % 251:] + block[:i // len(block) % 251])
        write(stage.path("www/small"), "a small page\n")
        subprocess.run([find("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem",
                        "-out", "cert.pem", "-subj", "/CN=server", "-addext", "subjectAltName=DNS:server", "-days", "2"], cwd=stage.folder,
                       check=True, capture_output=True, timeout=20)

    def server(self, stage):
        return [find("nginx"), "-e", "stderr", "-p", stage.folder, "-c", stage.path("nginx.conf")], r"start worker process \d+\n(.*\n)*.*start worker"


class Curl(Nginx):
    url = ""
    must = r"^200 \d+ 0 .*\n[0-9a-f]{64}  got"

    def client(self, stage, size):
        say = "%{http_code} %{size_download} %{ssl_verify_result} %{content_type}\\n"
        url = self.url % {"host": stage.host, "v6": stage.v6}
        return shell("'%s' -sS -g --max-time 50 --cacert cert.pem -o got -w '%s' '%s'; sha256sum got" % (find("curl"), say, url))


class Wrk(Nginx):
    must = r"some requests, \[\]"

    def client(self, stage, size):
        return [find("wrk"), "-t2", "-c16", "-d%ds" % (5 if isinstance(stage, Lab) else 1), "--timeout", "10s", "http://%s:8080/small" % stage.host]

    def normal(self, text, scene):
        n = int(re.search(r"(\d+) requests in", text).group(1))
        return "%s requests, %s" % ("some" if n > 50 else n, re.findall(r"Non-2xx.*|Socket errors.*", text))


# ---- redis ----

class Redis(Case):
    must = r"(?s)MSET.*\n\d+\n\d+\n"

    def server(self, stage):
        return [find("redis-server"), "--bind", "0.0.0.0", "::", "--protected-mode", "no", "--save", "", "--port", "6379"], "Ready to accept"

    def client(self, stage, size):
        bench, cli = find("redis-benchmark"), find("redis-cli")
        return shell("%s -h %s -n %d -c 16 -P 4 -d 200 -q -t ping,set,incr,lpush,mset | tr '\\r' '\\n' | grep 'per second';"
                     "%s -h %s <<E\nget counter:__rand_int__\nllen mylist\ngetrange key:__rand_int__ 0 20\ndbsize\nE\n"
                     % (bench, stage.host, size, cli, stage.host))

    def normal(self, text, scene):
        return re.sub(r": [\d.]+ requests per second.*", "", text)


# ---- postgres ----

def postgres(name):
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/" + name)) or [find(name)]
    return found[-1]


class Pgbench(Case):
    must = r"processed: (\d+)/\1"

    def prepare(self, stage, size):
        postgres("pgbench")
        subprocess.run([postgres("initdb"), "-D", "data", "-U", "me", "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8"], cwd=stage.folder,
                       check=True, capture_output=True, timeout=60)
        write(stage.path("data/pg_hba.conf"), "host all all all trust\n")

    def server(self, stage):
        return [postgres("postgres"), "-D", "data", "-c", "listen_addresses=*", "-c", "unix_socket_directories=", "-c", "fsync=off",
                "-c", "shared_buffers=16MB"], "ready to accept connections"

    def client(self, stage, size):
        args = "-h %s -U me" % stage.host
        sums = "select count(*), sum(delta) from pgbench_history; select sum(abalance) from pgbench_accounts"
        big = "select md5(string_agg(repeat(md5(i::text), 100), '')), sum(length(repeat(md5(i::text), 100))) from generate_series(1, 200) i"
        rows = "select repeat(md5(i::text), 100) from generate_series(1, 100) i"
        return shell("p='%s'; q=\"%s -At %s postgres\"; $p -i -I dtGvp -q %s postgres 2>/dev/null; $p -n --random-seed=7 -c 4 -j 2 -t %d %s postgres 2>&1 |"
                     "grep -E 'processed|failed|aborted|error'; $q -c '%s'; $q -c \"%s\"; $q -c '%s' | md5sum"
                     % (postgres("pgbench"), postgres("psql"), args, args, size, args, sums, big, rows))


# ---- ssh ----

class Ssh(Case):
    must = r"(?s)[0-9a-f]{64}  -\n7\n[0-9a-f]{64}  -"

    def prepare(self, stage, size):
        for key in ("host", "mine"):
            subprocess.run([find("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key], cwd=stage.folder, check=True, timeout=20)
        with open(stage.path("mine.pub"), encoding="ascii") as f:
            write(stage.path("authorized"), f.read())
        sftp = [p for p in ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server") if os.path.exists(p)]
        write(stage.path("sshd_config"), "Port 2222\nListenAddress 0.0.0.0\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM no\nStrictModes no\n"
              "PasswordAuthentication no\nLogLevel VERBOSE\nSubsystem sftp %s\n" % (stage.path("host"), stage.path("authorized"), sftp[0] if sftp else "internal-sftp"))
        with open(stage.path("host.pub"), encoding="ascii") as f:
            write(stage.path("known"), "[server]:2222 " + f.read())
        with open(stage.path("file"), "wb") as f:
            f.write(bytes(i * 7 % 253 for i in range(4096)) * (size // 4096))

    def server(self, stage):
        return [find("sshd"), "-D", "-e", "-f", stage.path("sshd_config")], "Server listening"

    def options(self, stage):
        return ("-F none -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=20 -o UserKnownHostsFile=%s -o IdentitiesOnly=yes -i %s"
                % (stage.path("known"), stage.path("mine")))

    def client(self, stage, size):
        o = self.options(stage)
        return shell("%s %s -p 2222 %s 'sha256sum; exit 7' < file; echo $?; %s %s -p 2222 %s 'cat %s' | sha256sum"
                     % (find("ssh"), o, stage.host, find("ssh"), o, stage.host, stage.path("file")))


class Sftp(Ssh):
    must = r"(?s)there\n([0-9a-f]{64})  back\n\1"

    def client(self, stage, size):
        return shell("printf 'put file there\\nget there back\\nls -1 there\\n' | %s %s -P 2222 -b - %s:%s; sha256sum back there"
                     % (find("sftp"), self.options(stage), stage.host, stage.folder))

    def normal(self, text, scene):
        return "\n".join(line for line in text.splitlines() if not line.startswith("sftp>"))


# ---- iperf3 ----

class Iperf(Case):
    more = ""

    def server(self, stage):
        return [find("iperf3"), "-s", "--forceflush"], "Server listening"

    def client(self, stage, size):
        return [find("iperf3"), "-c", stage.host, "-J", "--connect-timeout", "20000", *self.more.split(), *(["-n", str(size)] if size else [])]

    def normal(self, text, scene):
        r = json.loads(text)
        if "error" in r:
            return r["error"]
        streams = r["end"]["streams"]
        sent = r["end"]["sum_sent"]["bytes"]
        asked = r["start"]["test_start"]["bytes"]
        got = r["end"]["sum_received"]["bytes"]  # it ends by its own clock, and counts no more what is still under way
        return "%d streams, %s, %s" % (len(streams), "all sent" if sent >= 0.9 * asked else "%d of %d sent" % (sent, asked),
                                       "most came" if got >= 0.5 * sent or scene is None else "%d of %d came" % (got, sent))


class IperfUdp(Iperf):
    must = "as the cable says"

    def blameless(self, failure, lab):
        """It opens a UDP stream with one datagram each way, sends neither again and gives up after 30 s: then one of them must have been lost, and
        hardly anything else have been sent."""
        shown = lab.ask("show")
        lost = sum(int(n) for n in re.findall(r"lost (\d+)", shown))
        return "Resource temporarily unavailable" in failure and lost > 0 and lab.frames() < 100

    def normal(self, text, scene):
        r = json.loads(text)
        if "error" in r:
            return r["error"]
        s = r["end"]["sum"]
        scene = scene or CLEAN
        most = {CLEAN: 0.5, LOSSY: 4, CUT: 80}[scene]
        least = {CLEAN: 0, LOSSY: 0.1, CUT: 20}[scene]
        right = s["packets"] > 500 and least <= s["lost_percent"] <= most
        return "lost as the cable says" if right else "%d packets, %.1f %% lost" % (s["packets"], s["lost_percent"])


# ---- echo programs of several languages ----

class Echo(Case):
    count = 8
    must = r"(?m)\d+ [0-9a-f]{16}"

    def command(self, stage):
        raise NotImplementedError

    def server(self, stage):
        return self.command(stage) + ["server", "7000"], "ready"

    def client(self, stage, size):
        return self.command(stage) + ["client", stage.host, "7000", str(self.count), str(size)]


class Script(Echo):
    program = source = ""

    def command(self, stage):
        return [find(self.program), os.path.join(HERE, self.source)]


class Musl(Echo):
    def command(self, stage):
        return [stage.path("echo")]

    def prepare(self, stage, size):
        subprocess.run([find("musl-gcc"), "-O1", "-static", "-o", "echo", HERE + "/echo.c"], cwd=stage.folder, check=True, timeout=60)


class Go(Echo):
    def command(self, stage):
        return [os.environ["YEON_LIVE"] + "/goecho"]

    def prepare(self, stage, size):
        if os.path.exists(os.environ["YEON_LIVE"] + "/goecho"):
            return
        env = dict(os.environ, CGO_ENABLED="0", GO111MODULE="off", GOCACHE=os.environ["YEON_LIVE"] + "/gocache", GOFLAGS="", GOTOOLCHAIN="local")
        subprocess.run([find("go"), "build", "-o", os.environ["YEON_LIVE"] + "/goecho", HERE + "/echo.go"], check=True, timeout=120, env=env,
                       cwd=stage.folder)


class Dig(Case):
    must = r"(?s)192.0.2.1\n.*192.0.2.20\n.*aaaa.*NXDOMAIN"
    rate = "0.1mbit"
    after = 20

    def server(self, stage):
        return [find("python3"), os.path.join(HERE, "dns.py"), "0.0.0.0", "5300"], "ready"

    def client(self, stage, size):
        dig = "%s +short +tries=9 +timeout=1 +noedns -p 5300 @%s" % (find("dig"), stage.v4)
        return shell("for i in $(seq %d); do %s $i.lab A; done; %s 2.lab TXT; %s 1.lab TXT; %s nothing.lab A +noshort +comments | grep -o NXDOMAIN"
                     % (size, dig, dig, dig, dig))

    def normal(self, text, scene):
        return re.sub(r";; communications error.*timed out\n", "", text)


MB = 1000000
CASES = [
    Curl("curl and nginx, HTTP", (100 * MB, 2 * MB, 20 * MB), url="http://%(host)s:8080/file", rate="100mbit"),
    Curl("curl and nginx, HTTPS", (40 * MB, 2 * MB, 20 * MB), url="https://%(host)s:8443/file", rate="100mbit"),
    Curl("curl and nginx, IPv6", (20 * MB, 2 * MB, 20 * MB), url="http://[%(v6)s]:8080/file", rate="100mbit"),
    Wrk("wrk and nginx with 2 workers", 1000, after=2000),
    Redis("redis-benchmark and redis-server", (20000, 400, 4000), after=1000),
    Pgbench("pgbench and psql and postgres", (100, 5, 100), after=1000, rate="10mbit"),
    Ssh("ssh and sshd", (20 * MB, MB, 4 * MB)),
    Sftp("sftp and sshd", (20 * MB, MB, 4 * MB)),
    Iperf("iperf3 -P 4", (200 * MB, 12 * MB, 10 * MB), more="-P 4"),
    Iperf("iperf3 -P 4 -R", (200 * MB, 12 * MB, 10 * MB), more="-P 4 -R"),
    IperfUdp("iperf3 --udp", 0, more="--udp -b 5M -l 1000 -t 5"),
    IperfUdp("iperf3 --udp -R", 0, more="--udp -b 5M -l 1000 -t 5 -R"),
    Script("python asyncio, both ends", (4 * MB, 400000, MB), program="python3", source="echo.py"),
    Script("node http, both ends", (2 * MB, 400000, MB), program="node", source="echo.js"),
    Musl("a static musl program, both ends", (4 * MB, 400000, MB)),
    Go("a Go program, both ends", (4 * MB, 400000, MB)),
    Dig("dig and a DNS server over UDP", (40, 20, 40)),
]


def complete(case, stage, scene, size):
    """The client's output; the stage has its server running."""
    begin = time.monotonic()
    client = stage.start("client", case.client(stage, size))
    cut = ""
    if scene == CUT and isinstance(stage, Lab):
        stage.until_frames(case.after)
        stage.ask("cut", "3s")
        at = time.monotonic()
        time.sleep(3.0)
        if not client.running():
            raise Failed("the cut came too late, or the program ended in it: %s" % client.tail())
        cut = ", cut at %.1f s" % (at - begin)
    status = client.wait(case.seconds)
    took = time.monotonic() - begin
    if status != 0:
        raise Failed("the client's status is %d: %s\nthe server said:\n%s" % (status, client.tail(), stage.programs[-2].tail()))
    return client.output(), "%.1f s%s" % (took, cut)


def serve(case, stage, size):
    case.prepare(stage, size)
    argv, ready = case.server(stage)
    server = stage.start("server", argv)
    server.until(ready)
    return server


def reference(case, scene):
    with Stage("reference") as stage:
        serve(case, stage, case.sizes[scene])
        text = case.normal(complete(case, stage, scene, case.sizes[scene])[0], None)
        if not re.search(case.must, text):
            raise Failed("no %r over the kernel's loopback: %s" % (case.must, text))
        return text


def fairly(case, lab, scene):
    for _ in range(2):
        try:
            return complete(case, lab, scene, case.sizes[scene])
        except Failed as e:
            if scene != LOSSY or not case.blameless(str(e), lab):
                raise
    return complete(case, lab, scene, case.sizes[scene])


def on_lab(case, scene, name, expected):
    with Lab(name) as lab:
        if scene == LOSSY:
            lab.ask("set", "delay", "40ms", "loss", "1%")
        if scene == CUT:
            lab.ask("set", "delay", "1ms", "rate", case.rate)
        server = serve(case, lab, case.sizes[scene])
        text, remark = fairly(case, lab, scene)
        got = case.normal(text, scene)
        if got != expected:
            raise Failed("over the kernel's loopback:\n%s\nhere:\n%s\nthe server said:\n%s\nthe lab:\n%s" % (expected, got, server.tail(), lab.log()[-1500:]))
        if not server.running() or not lab.lab.running():
            raise Failed("the server or the lab has ended: %s %s" % (server.tail(), lab.log()[-1500:]))
        odd = sorted({re.sub(r"^.*?\(\d+\): |^yeon lab: [\d.]+ ", "", x) for x in lab.log().splitlines() if "support" in x or "refused" in x})
        return remark + ("; the log: " + "; ".join(odd) if odd else "")


def compare(case):
    """The reference outputs by scene; Missing when a program is not here."""
    known = {}
    for scene in SCENES:
        if case.sizes[scene] not in known:
            known[case.sizes[scene]] = reference(case, scene)
    expected = {scene: known[case.sizes[scene]] for scene in SCENES}
    return expected


def outcome(case, scene, number, expected):
    if isinstance(expected, Exception):
        raise expected
    return on_lab(case, scene, "l%d" % number, expected[scene])


def prepare(case):
    try:
        return compare(case)
    except (Missing, Failed) as e:
        return e
    except Exception as e:  # pylint: disable=broad-except
        return Failed("over the kernel's loopback: %s: %s %s" % (type(e).__name__, e, getattr(e, "stderr", b"") or ""))


def stays_inside(before):
    """The loopback has carried nothing since, there is nothing else, and no process is left."""
    names, after = loopback_packets()
    if names != ["lo"]:
        raise Failed("the namespace has more than its loopback: %s" % names)
    if after != before:
        raise Failed("%d packets went over the kernel's loopback" % (after - before))
    if left_over():
        raise Failed("a process is left over")


def chosen():
    words = [w for w in sys.argv[1:] if not w.startswith("-")]
    cases = [c for c in CASES if not words or any(w in c.name for w in words)]
    if "--few" not in sys.argv:
        return [(c, s) for s in SCENES for c in cases]
    first = {w: next(c for c in cases if w in c.name) for w in FEW if any(w in c.name for c in cases)}
    return [(c, s) for c in first.values() for s in (CLEAN, CUT)]


def main():
    why = enter(__file__)
    jobs = chosen()
    if why is not None:
        return skip_all(why, ["%s: %s" % (c.name, s) for c, s in jobs])
    tap = Tap(len(jobs) + 1)
    expected = {}
    for case, _ in jobs:
        if case.name not in expected:
            expected[case.name] = prepare(case)
    before = loopback_packets()[1]
    waiting = [j for j in enumerate(jobs) if j[1][1] == CLEAN]
    for number, (case, scene) in waiting:  # one at a time: they need the processor
        tap.run("%s: %s" % (case.name, scene), lambda c=case, s=scene, n=number: outcome(c, s, n, expected[c.name]))
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:  # these wait for most of the time
        for number, (case, scene) in enumerate(jobs):
            if scene != CLEAN:
                pool.submit(tap.run, "%s: %s" % (case.name, scene), lambda c=case, s=scene, n=number: outcome(c, s, n, expected[c.name]))
    tap.run("nothing went past the lab, nothing is left over", lambda: stays_inside(before))
    return 1 if tap.failures else 0


if __name__ == "__main__":
    sys.exit(main())
