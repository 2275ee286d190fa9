#!/usr/bin/env python3
"""The verbs of a live lab: cable, ss, capture, ladders, summaries, and labs from a file. Speaks TAP.

    verbs_all.py YEON [NAME...]
"""
import concurrent.futures
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.dont_write_bytecode = True
from live import Failed, Lab, Missing, Program, Stage, Tap, enter, find, left_over, skip_all, HERE, write  # noqa: E402

WORKERS = 6
MARKS = {"colour": "\033["}


def yeon(*words, status=0, timeout=20, cwd=None):
    """Its output, both streams."""
    r = subprocess.run([os.path.abspath(os.environ["YEON"]), *words], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False)
    text = r.stdout.decode(errors="replace")
    if r.returncode != status:
        raise Failed("yeon %s: status %d, not %d: %s" % (" ".join(words), r.returncode, status, text))
    return text


def want(pattern, text, what=""):
    if not re.search(pattern, text):
        raise Failed("no %r in %s: %s" % (pattern, what, text[-1500:]))


def peer(*words):
    return [find("python3"), "-B", os.path.join(HERE, "verbs_peer.py"), *words]


def pair(lab, how):
    """A server and a client of verbs_peer.py, joined."""
    server = lab.start("server", peer("serve", how))
    server.until("ready")
    client = lab.start("client", peer(how, "server"))
    client.until("from ")
    server.until("accepted")
    return server, client


def rows(lab):
    return json.loads(yeon("ss", "--lab", lab.name, "--json"))


def connections(lab):
    return [r for r in rows(lab) if r["protocol"] == "tcp" and r["state"] == "ESTABLISHED"]


# ---- cable ----

def settings(name):
    with Lab(name) as lab:
        lab.ask("set", "delay", "40ms", "jitter", "1ms", "rate", "10mbit", "queue", "64KB", "loss", "1%", "burst", "0.5%", "reorder", "2%",
                "reorder-by", "3ms", "duplicate", "200ppm", "corrupt", "0.1%")
        shown = lab.ask("show")
        for part in ("40 ms", "10 Mbit/s", "64000 bytes", "loss 1%"):
            if shown.count(part) != 2:
                raise Failed("%r not in both directions: %s" % (part, shown))
        lab.ask("set", "client->server", "delay", "7ms")
        shown = lab.ask()
        if shown.count("40 ms") != 1 or shown.count(" 7 ms") != 1:
            raise Failed("one direction was meant: " + shown)
        lab.ask("set", "perfect")
        if lab.ask("show").count("perfect") != 2:
            raise Failed("not perfect: " + lab.ask("show"))


def queues(name):
    with tempfile.TemporaryDirectory() as where:
        trace = os.path.join(where, "line.trace")
        with open(trace, "w") as f:
            f.write("1\n4\n8\n")
        with Lab(name) as lab:
            lab.ask("set", "rate", "8mbit", "queue", "64KB", "codel", "on", "codel-interval", "50ms", "codel-marks", "on", "mark", "20KB", "bucket", "9KB",
                    "reorder", "3%", "reorder-up-to", "4ms")
            for part in ("CoDel (marks) 5 ms, interval 50 ms", "marks above 20000 bytes", "bucket 9000 bytes", "reorder 3%, by up to 4 ms"):
                if lab.ask("show").count(part) != 2:
                    raise Failed("%r not in both directions: %s" % (part, lab.ask("show")))
            lab.ask("set", "from", "client", "trace", trace)
            shown = lab.ask("show")
            if shown.count("trace of 0.008 s (4512 kbit/s)") != 1 or shown.count("8 Mbit/s") != 1:
                raise Failed("no trace one way: " + shown)
            yeon("cable", "--lab", name, "set", "codel", "off", "trace", "line.trace", cwd=where)  # the lab runs elsewhere
            if lab.ask("show").count("trace of") != 2:
                raise Failed("no trace: " + lab.ask("show"))
            with open(trace, "a") as f:
                f.write("7\n")
            for words, says in ((["trace", trace], "line 4: wanted milliseconds"), (["trace", "/nonexistent"], "No such file"), (["codel", "5"], "codel wants on, off"),
                                (["codel-marks", "yes"], "wants on or off"), (["trace", "/dev/null"], "a millisecond stamp a line"),
                                (["bucket", "2000MB"], "bucket_bytes is out of range")):
                want(re.escape(says), yeon("cable", "--lab", name, "set", *words, status=2), " ".join(words))
            lab.ask("set", "rate", "5mbit")
            if lab.ask("show").count("trace") != 0:
                raise Failed("a rate takes the place of a trace: " + lab.ask("show"))


def complaints(name):
    with Lab(name) as lab:
        before = lab.ask("show")
        for words, says in ((["set", "delay", "40"], "delay wants a time with its unit"), (["set", "loss", "1"], "loss wants a share"),
                            (["set", "loss", "140%"], "loss wants a share"), (["set", "delay"], "delay wants a time"), (["set"], "set what"),
                            (["set", "queue", "64furlongs"], "queue wants bytes"), (["set", "rate", "fast"], "rate wants bits a second"),
                            (["set", "colour", "5ms"], "no setting 'colour'; it has delay,"), (["cut", "soon"], "'soon' is no time"),
                            (["cut", "from", "moon"], "'moon' is no end of cable"), (["cut", "client->moon"], "is no end of cable"),
                            (["mend"], "yeon: a cable can show, cut, join, set, rebind and at, not 'mend'"), (["up", "cut"], "yeon: there is no cable 'up'; there is: cable\n"), (["at", "+1"], "is no time"), (["at", "+1s"], "what?"), (["rebind", "10.0.0.2"], "taken"),
                            (["rebind", "moon"], "neither a host at this cable nor an address"), (["join", "now"], "not 'now'")):
            want(re.escape(says), yeon("cable", "--lab", name, *words, status=2), " ".join(words))
        if lab.ask("show") != before:
            raise Failed("a refused command changed something: " + lab.ask("show"))
    want("it does not run", yeon("cable", "--lab", "nowhere", "show", status=2))
    with Lab(name + "b") as lab:
        want("its hosts are: client, server$", yeon("run", "--lab", lab.name, "--on", "moon", "--", "true", status=2).strip())
        want("yeon: a capture is for a time with its unit, as 10s or 500ms, not '5'\n", yeon("capture", "--lab", lab.name, "--for", "5", "/dev/null", status=2))
        lab.ask("set", "delay", "0")


def until_shown(lab, pattern, seconds):
    end = time.monotonic() + seconds
    while not re.search(pattern, lab.ask("show")):
        if time.monotonic() > end:
            raise Failed("no %r in %g s: %s" % (pattern, seconds, lab.ask("show")))
        time.sleep(0.03)


BOTH = r"client -> server: CUT(.|\n)*server -> client: CUT"
NONE = r"client -> server: perfect(.|\n)*server -> client: perfect"


def timed_cuts(name):
    with Lab(name) as lab:
        lab.ask("cut", "server->client", "3s")
        lab.ask("cut", "800ms", "from", "client")
        shown = lab.ask("show")
        want(BOTH, shown)
        if shown.count("joins again in") != 2:
            raise Failed("not for a time: " + shown)
        until_shown(lab, r"client -> server: perfect(.|\n)*server -> client: CUT", 2)
        until_shown(lab, NONE, 5)
        lab.ask("cut")
        lab.ask("join", "to", "client")
        want(r"client -> server: CUT(.|\n)*server -> client: perfect", lab.ask("show"), "one way joined")


def scheduled(name):
    with Lab(name) as lab:
        begin = time.monotonic()
        lab.ask("at", "+2s", "cut", "both", "800ms")
        lab.ask("at", "60s", "join")
        lab.ask("at", "4s", "set", "delay", "3ms")
        want(NONE, lab.ask("show"), "it was to be cut later")
        want(r"in [01]\.\d+ s: cable cut both 800ms\nin [0-3]\.\d+ s: cable set delay 3ms\nin \d+\.\d+ s: cable join\n", lab.ask("show"), "what is to come, in order")
        until_shown(lab, BOTH, 8)
        if time.monotonic() - begin < 1.95:
            raise Failed("cut too early")
        until_shown(lab, NONE, 8)
        until_shown(lab, r" 3 ms\n(.|\n)* 3 ms\n", 8)
        if not 3.9 < time.monotonic() - begin < 12:
            raise Failed("set after %.2f s" % (time.monotonic() - begin))


def lives_through(name):
    """A download is slowed, spoilt and cut while it runs, and is the same in the end."""
    with Lab(name) as lab:
        lab.ask("set", "delay", "5ms", "rate", "40mbit", "queue", "64KB", "loss", "0.5%", "corrupt", "0.1%", "duplicate", "0.1%", "reorder", "0.5%")
        _, client = pair(lab, "pour")
        time.sleep(0.3)
        lab.ask("cut", "500ms")
        client.until("same|other", 40)
        want("same", client.output())
        want("swallowed [1-9]", lab.ask("show"))


def roaming(name):
    with Lab(name) as lab:
        _, client = pair(lab, "hello")
        client.until("heard 3")
        want("client 10.0.0.1 -> 10.0.0.101", lab.ask("rebind"))
        client.until("silence", 10)
        server = lab.start("server", peer("serve", "pour"))  # the port is the first server's
        if server.wait(5) == 0:
            raise Failed("two servers on one port")
        again = lab.start("client", peer("hello", "server"))
        again.until("from 10.0.0.101")
        lab.ask("rebind", "client", "10.0.0.9", "fd00::9")
        want(r"10\.0\.0\.101 is now 10\.0\.0\.9(.|\n)*fd00::101 is now fd00::9", lab.log())
        third = lab.start("client", peer("hello", "server"))
        third.until("from 10.0.0.9")


# ---- ss ----

def side_by_side(name):
    with Lab(name) as lab:
        server, client = pair(lab, "sink")
        client.until("full after")
        sent = int(re.search(r"full after (\d+)", client.output()).group(1))
        ends = connections(lab)
        if len(ends) != 2:
            raise Failed("%d ends: %r" % (len(ends), rows(lab)))
        c, s = sorted(ends, key=lambda r: r["host"])
        all_rows = rows(lab)
        if all_rows[c["peer"]] != all_rows[s["peer"]] and (all_rows[c["peer"]]["host"], all_rows[s["peer"]]["host"]) != ("server", "client"):
            raise Failed("not each other's peers: %r" % ends)
        held = c["pair_out"] + c["snd_queued"] + s["rcv_queued"] + s["pair_in"]
        if min(c["pair_out"], c["snd_queued"], s["rcv_queued"] + s["pair_in"]) == 0 or held != sent:
            raise Failed("sent %d, seen %d: %r" % (sent, held, ends))
        for r, p in ((c, client), (s, server)):
            if not r["program"].startswith("python3") or not child_of(r["pid"], p.process.pid):
                raise Failed("owner: %r, started by %d" % (r, p.process.pid))
        if c["timer"] != "persist" and c["timer"] != "zero window" and not c["timer_left_us"]:
            raise Failed("a full receiver and no timer: %r" % c)
        text = yeon("ss", "--lab", name)
        if max(map(len, text.splitlines())) > 120 or MARKS["colour"] in text:
            raise Failed("not plain, or wide: " + text)
        want(r"sent \d+ bytes, \d+ again +\| sent \d+ bytes, \d+ again\n", text, "what has been sent again, whole")
        want(r"send \d+\+\d+/\d+ recv \d+\+\d+/\d+ +\| send \d+\+\d+/\d+ recv \d+\+\d+/\d+\n", text, "both queues, whole")
        for columns in (60, 80, 120):
            narrow(name, columns)
        want(r"tcp client 10\.0\.0\.1:\d+ ESTABLISHED +\| server 10\.0\.0\.2:7000 ESTABLISHED", text)
        want(r"python3\S* \(%d\) +\| python3\S* \(%d\)" % (c["pid"], s["pid"]), text)
        want(r"tcp server 0\.0\.0\.0:7000 LISTEN", yeon("ss", "-l", "--lab", name))
        listener = [r for r in rows(lab) if r["state"] == "LISTEN"][0]
        if (listener["local"]["ip"], listener["remote"]["ip"]) != ("0.0.0.0", "0.0.0.0"):
            raise Failed("a listener of one family, nobody of the other: %r" % listener)
        if "ESTABLISHED" in yeon("ss", "-tln", "--lab", name) or "ESTABLISHED" not in yeon("ss", "-tanp", "--lab", name):
            raise Failed("letters together")
        if "ESTABLISHED" in yeon("ss", "-l", "--lab", name) or "tcp" in yeon("ss", "-u", "--lab", name):
            raise Failed("-l and -u show too much")


def narrow(name, columns):
    """On a terminal nothing is wider than it, and nothing is cut off."""
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execve(os.environ["YEON"], ["yeon", "ss", "-tna", "--lab", name], dict(os.environ, NO_COLOR="1", TERM="xterm"))
    text = b""
    try:
        while piece := os.read(fd, 4096):
            text += piece
    except OSError:
        pass  # the terminal's other end has gone
    os.close(fd)
    os.waitpid(pid, 0)
    text = text.decode().replace("\r", "")
    rows_ = [x for x in text.splitlines() if " | " in x]
    if max(map(len, rows_)) > columns:
        raise Failed("wider than %d columns: %s" % (columns, text))
    for side in (0, 1):
        cell = " ".join(x.split(" | ")[side].strip() for x in rows_)
        want(r"send \d+\+\d+/\d+ +recv \d+\+\d+/\d+ .*sent \d+ bytes, +\d+ again +rtt .* rto \S+ m?s +cubic +cwnd \d+ +mss \d+$", cell, "%d columns" % columns)


def child_of(pid, ancestor):
    while pid > 1 and pid != ancestor:
        try:
            with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
                pid = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            return False
    return pid == ancestor


def half_open(name):
    with Lab(name) as lab:
        server, client = pair(lab, "sink")
        client.until("full after")
        victim = [r["pid"] for r in connections(lab) if r["host"] == "server"][0]
        lab.ask("cut")
        os.kill(victim, signal.SIGKILL)
        server.wait(10)
        ends = connections(lab)
        if [(r["host"], r["half_open"], r["peer"]) for r in ends] != [("client", True, None)]:
            raise Failed("not half-open: %r" % ends)
        want(r"HALF-OPEN", yeon("ss", "--lab", name))
        lab.ask("join")
        end = time.monotonic() + 10
        while connections(lab):
            if time.monotonic() > end:
                raise Failed("still half-open after the cable was joined: %r" % connections(lab))
            time.sleep(0.1)


def time_wait(name):
    with Lab(name) as lab:
        pair(lab, "pour")[1].wait(20)
        end = time.monotonic() + 10
        while not (left := [r for r in rows(lab) if r["state"] == "TIME-WAIT"]):
            if time.monotonic() > end:
                raise Failed("no TIME-WAIT: %r" % rows(lab))
            time.sleep(0.1)
        if left[0]["congestion"] is not None:
            raise Failed("what is left of a connection has no congestion control: %r" % left)


# ---- capture, ladder, summary ----

def packets(path):
    """The IP packets of a pcapng file."""
    with open(path, "rb") as f:
        data = f.read()
    at, found = 0, []
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if length < 12 or at + length > len(data) or struct.unpack_from("<I", data, at + length - 4)[0] != length:
            raise Failed("%s is broken at %d of %d" % (path, at, len(data)))
        if kind == 6:
            size = struct.unpack_from("<I", data, at + 20)[0]
            found.append(data[at + 28:at + 28 + size])
        at += length
    return found


def captures(name):
    with Lab(name) as lab:
        server, client = pair(lab, "hello")
        counted, spanned, stopped = (lab.path(f) for f in ("counted", "spanned", "stopped"))
        want("20 frames", yeon("capture", counted, "--lab", name, "-c", "20"))
        begin = time.monotonic()
        yeon("capture", spanned, "--lab", name, "--for", "700ms")
        if not 0.6 < time.monotonic() - begin < 3:
            raise Failed("700 ms took %.1f s" % (time.monotonic() - begin))
        p = Program([os.environ["YEON"], "capture", stopped, "--lab", name], lab.path("capture.log"))
        time.sleep(0.5)
        os.kill(p.process.pid, signal.SIGINT)
        if p.wait(5) != 0:
            raise Failed(p.output())
        if len(packets(counted)) != 20 or not packets(spanned) or not packets(stopped):
            raise Failed("%d, %d, %d frames" % tuple(len(packets(f)) for f in (counted, spanned, stopped)))
        if not any(b"hello " in x for x in packets(spanned)):
            raise Failed("nothing of what was sent")
        piped = subprocess.run("'%s' capture - --lab %s -c 5 | cat > %s" % (os.environ["YEON"], name, lab.path("piped")), shell=True, check=True,
                               capture_output=True, timeout=10)
        if len(packets(lab.path("piped"))) != 5:
            raise Failed(piped.stderr.decode())
        before = len(rows(lab))
        want("hello|heard", client.output())
        if before != len(rows(lab)) or not server.running():
            raise Failed("watching has changed something")
        read_by_tshark(spanned)


def read_by_tshark(path):
    try:
        tshark = find("tshark")
    except Missing:
        return
    r = subprocess.run([tshark, "-r", path, "-Y", "tcp.analysis.flags || _ws.malformed"], capture_output=True, text=True, timeout=30, check=False)
    if r.returncode != 0 or r.stdout.strip():
        raise Failed("tshark: %s%s" % (r.stdout[:500], r.stderr[:300]))


def run_watched(name):
    """yeon run with everything asked for, in a lab of its own, through a cut."""
    with Stage(name) as stage:
        pcap, ladder = stage.path("run.pcapng"), stage.path("ladder.txt")
        p = stage.start("", [os.environ["YEON"], "run", "--wall", "--summary", "--pcap", pcap, "--ladder-to", ladder, "--cable", "set delay 5ms rate 20mbit queue 64KB",
                             "--cable", "at +1500ms cut 600ms", "--on", "server", "--", *peer("serve", "pour"), ":", "--on", "client", "--",
                             *peer("pour", "10.0.0.2")])
        if p.wait(60) != 0:
            raise Failed(p.output())
        want("same", p.output())
        want(r"yeon lab: [\d.]+ cable cut for 0\.600 s\n", p.output())
        want(r"connections +1 opened, 0 reset, 0 given up\n", p.output())
        want(r"cuts +1, the longest 0\.6\d\d s\n *survived +0\.6\d\d s, by 1 connection", p.output())
        want(r"server -> client: [89]\d{6} bytes", p.output())
        want(r"\n {15}\d+ swallowed by cuts\n", p.output())
        summary = [x for x in p.output().splitlines() if re.match(r"(connections|sent again|cable|cuts|survived|yeon lab|) ", x)]
        if not summary or max(map(len, summary)) > 80:
            raise Failed("lines wider than 80 columns: %s" % summary)
        with open(ladder, encoding="utf-8") as f:
            drawn = f.read()
        for mark in ("client  .*  server", "connect 10.0.0.2:7000 → SYN-SENT", "├─ SYN seq 0", "● ESTABLISHED", "cable cut", "timeout 1", "cable joined",
                     "FIN"):
            want(mark, drawn, "the ladder")
        if not 5000 < len(packets(pcap)):
            raise Failed("%d frames" % len(packets(pcap)))
        if max(map(len, drawn.splitlines())) > 80:
            raise Failed("wider than 80 columns")
        yeon("run", "--ladder-to", "/nowhere/x", "--on", "client", "--", "true", status=2)


def run_private(name):
    """What a private lab needs, and says."""
    with Stage(name) as stage:
        said = yeon("run", "--summary", "--on", "server", "--", *peer("serve", "close"), ":", "--on", "client", "--", *peer("leave", "fd00::2"))
        want("connections +1 opened, 1 reset, 0 given up, 1 refused\n", said)
        said = yeon("run", "--on", "client", "--", *peer("hello", "server"), status=1)
        want("yeon: no lab named 'default' runs, so this was a private one", said)
        if "private" in yeon("run", "--on", "client", "--", "true") + yeon("run", "--on", "server", "--", "true", ":", "--on", "client", "--", "false", status=1):
            raise Failed("words without need")
        # A sanitizer wants to be loaded before what the outer one loads.
        sanitizer = "ASAN_OPTIONS=%s:verify_asan_link_order=0" % os.environ.get("ASAN_OPTIONS", "")
        said = yeon("run", "--on", "client", "--", "env", sanitizer, os.environ["YEON"], "run", "--on", "server", "--", "true", status=2)
        want("this runs in a lab already", said)
        env = dict(os.environ, XDG_RUNTIME_DIR=stage.path("not-there"))
        r = subprocess.run([os.environ["YEON"], "run", "--on", "server", "--", "echo", "fine"], env=env, capture_output=True, text=True, timeout=20, check=False)
        if (r.returncode, r.stdout, r.stderr) != (0, "fine\n", ""):
            raise Failed("without a folder for labs: %r" % (r,))


def foreign_folder(name):
    """In a user namespace the folder of who we are called there may be somebody else's."""
    uid = 1_000_000_000 + os.getpid()
    folder = "/tmp/yeon-%d" % uid
    env = {k: v for k, v in os.environ.items() if k != "XDG_RUNTIME_DIR"}
    other = ["unshare", "--user", "--map-user=%d" % uid, os.environ["YEON"]]
    probe = subprocess.run(other[:-1] + ["true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        raise Missing("unshare --map-user: " + probe.stderr.strip())
    with Stage(name) as stage:
        os.mkdir(folder, 0o755)  # everybody may enter it
        try:
            with open(stage.path("log"), "wb") as log, subprocess.Popen(other + ["lab", "--live"], env=env, stdout=log, stderr=log) as lab:
                end = time.monotonic() + 10
                while not os.path.exists(folder + "-1/default") and time.monotonic() < end:
                    time.sleep(0.05)
                shown = subprocess.run(other + ["cable", "show"], env=env, capture_output=True, text=True, timeout=10, check=False)
                lab.terminate()
                lab.wait(10)
            with open(stage.path("log"), encoding="utf-8") as log:
                want(r"ready: %s-1/default\n" % folder, log.read())
            want("client -> server: perfect", shown.stdout + shown.stderr)
        finally:
            os.rmdir(folder)
            if os.path.isdir(folder + "-1"):
                os.rmdir(folder + "-1")


def live_ladder(name):
    with Stage(name) as stage:
        pcap = stage.path("lab.pcapng")
        lab = Program([os.environ["YEON"], "lab", "--live", "--name", name, "--ladder", "--pcap", pcap], stage.path("lab.log"))
        stage.programs.append(lab)
        lab.until("ready")
        server = stage.start("", [os.environ["YEON"], "run", "--lab", name, "--on", "server", "--", *peer("serve", "hello")])
        server.until("ready")
        client = stage.start("", [os.environ["YEON"], "run", "--lab", name, "--on", "client", "--", *peer("hello", "10.0.0.2")])
        client.until("heard 2")
        lab.until("● ESTABLISHED")
        lab.until("PSH·ACK seq 1 len 7")
        os.kill(lab.process.pid, signal.SIGTERM)
        if lab.wait(10) != 0:
            raise Failed(lab.output())
        if not any(b"hello 0" in x for x in packets(pcap)):
            raise Failed("the capture is without the first line")


# ---- labs from a file ----

PLAN = """
local c, r, s = hosts("client", {name = "relay", profile = "lecture"}, {name = "server", address = "10.0.0.77"})
local wire = cable(c, s, {delay = "5ms", name = "wire", there = {loss = 0.01}})
local up = cable(c, r, {rate = 10e6, queue = 64000})
every("30s", 2, function() up:cut("200ms") end)
at("500ms", function() wire:cut(c, "400ms") after(0.2, function() up:cut() end) end)
at(1.2, function() wire:set {delay = 0.001, loss = 0} up:join() up:rebind(r) end)
"""


def planned(name):
    with Stage(name) as stage:
        path = stage.path("plan.lua")
        write(path, PLAN)
        lab = Program([os.environ["YEON"], "lab", "--live", "--name", name, path], stage.path("lab.log"))
        stage.programs.append(lab)
        lab.until("ready")
        shown = yeon("cable", "--lab", name)
        want(r"wire\n  client -> server: 5 ms, loss 1%\n", shown)
        want(r"  server -> client: 5 ms\n", shown)
        want(r"cable2\n  client -> relay: 10 Mbit/s, queue 64000 bytes", shown)
        want(r"in (29|2\d|30)\.\d+ s: cable cable2 cut both 200ms\nin 5\d\.\d+ s: cable cable2 cut both 200ms\n", shown, "every 30 s, from then on")
        for host in ("server", "relay"):
            p = stage.start("", [os.environ["YEON"], "run", "--lab", name, "--on", host, "--", *peer("serve", "hello")])
            p.until("ready")
        lab.until(r"0\.\d+ cable wire cut for 0\.400 s")
        lab.until(r"cable cable2 cut")
        lab.until(r"host relay: 10\.0\.0\.2 is now")
        want(r"wire\n  client -> server: 1 ms\n", yeon("cable", "--lab", name))
        for host in ("10.0.0.77", "10.0.0.102"):
            client = stage.start("", [os.environ["YEON"], "run", "--lab", name, "--on", "client", "--", *peer("hello", host)])
            client.until("heard 3", 10)


def plan_complaints(name):
    with Stage(name) as stage:
        path = stage.path("bad.lua")
        for text, says in (("foo()", "bad.lua:1: a file for a live lab has no 'foo'"), ("\ncable(1, 2)", "bad.lua:2: a cable joins two hosts"),
                           ("local a, b = hosts('a', 'b')\ncable(a, b, {delay = '5 parsecs'})", "bad.lua:2: delay wants seconds"),
                           ("local a, b = hosts('a', 'b')\ncable(a, b, {delay = '5'})", 'bad.lua:2: "5" has no unit: delay wants seconds'),
                           ("for i = 1, 17 do host('h' .. i) end", "bad.lua:1: at most 16 hosts"), ("host('a', {profile = 'foo'})", "there is no profile 'foo': linux"),
                           ("local a, b = hosts('a', 'b')\nfor i = 1, 17 do cable(a, b) end", "bad.lua:2: at most 16 cables"),
                           ("local a, b = hosts('a', 'b')\ncable(a, b, {rate = '10'})", "yeon: rate wants bits a second, as 10mbit or 500kbit, not '10'; this was: cable"),
                           ("local a, b = hosts('a', 'b')\ncable(a, b, {colour = 1})", "bad.lua:2: a cable has no setting 'colour'"),
                           ("local a, b = hosts('a', 'b')\ncable(a, b, {loss = '200%'})", "loss wants a share"), ("hosts('a', 'a')", "there is a host 'a' already"),
                           ("local a, b = hosts('a', 'b')\ncable(a, b, {name = 'cut'})", "bad.lua:2: a cable can not be called 'cut'"), ("while true do end", "endless loop"), ("local x = ", "bad.lua:1:"), ("os.exit(0)", "has no 'os'")):
            write(path, text)
            want(re.escape(says), yeon("lab", "--live", "--name", name, path, status=2), text)
        yeon("lab", "--live", "--name", name, stage.path("none.lua"), status=2)


def beside_one_another(name):
    with Lab(name + "a") as one, Lab(name + "b") as other:
        one.ask("cut")
        if "CUT" in other.ask("show"):
            raise Failed("one lab's cable is the other's")
        want("runs already", yeon("lab", "--live", "--name", name + "a", status=2))


def helps(name):
    for verb, word in (("cable", "rebind"), ("ss", "--json"), ("capture", "--for"), ("run", "--summary"), ("lab", "--live")):
        want(re.escape(word), yeon("help", verb), "help " + verb)
    want("--tun", yeon("lab", "--live", "--help"))
    want("--tun", yeon("lab", "x.lua", "--help", "--live"))
    for verb in ("cable", "ss", "capture"):
        want(r"\n  %s " % verb, yeon("help"))
    want("Did you mean", yeon("ss", "--jsom", status=2))
    del name


TESTS = [
    ("cable: settings, both ways and one", settings),
    ("cable: queues, marks, a trace", queues),
    ("cable: what is wrong is said, and changes nothing", complaints),
    ("cable: cuts of limited length, each direction its own", timed_cuts),
    ("cable: scheduled", scheduled),
    ("cable: a download lives through all of it", lives_through),
    ("cable: rebind", roaming),
    ("ss: both ends side by side, queues of stack and pair, owners", side_by_side),
    ("ss: half-open", half_open),
    ("ss: TIME-WAIT", time_wait),
    ("capture: by count, by time, until stopped, through a pipe", captures),
    ("run: ladder, capture, summary, a scheduled cut", run_watched),
    ("run: a private lab", run_private),
    ("a folder for labs that is somebody else's", foreign_folder),
    ("lab --live --ladder --pcap", live_ladder),
    ("lab --live FILE.lua", planned),
    ("lab --live FILE.lua: complaints", plan_complaints),
    ("labs beside one another", beside_one_another),
    ("help", helps),
]


def nothing_left():
    if left_over():
        raise Failed("a process is left over")


def main():
    why = enter(__file__)
    words = sys.argv[1:]
    tests = [t for t in TESTS if not words or any(w in t[0] for w in words)]
    if why is not None:
        return skip_all(why, [name for name, _ in tests])
    tap = Tap(len(tests) + 1)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for number, (name, fn) in enumerate(tests):
            pool.submit(tap.run, name, lambda f=fn, n=number: f("v%d" % n))
    tap.run("nothing is left over", nothing_left)
    return 1 if tap.failures else 0


if __name__ == "__main__":
    sys.exit(main())
