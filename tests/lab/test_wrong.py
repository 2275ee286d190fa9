#!/usr/bin/env python3
"""What a user can do wrong with `yeon`, and what `yeon` says: one line that tells what to do, and the right status. Prints TAP.

usage: test_wrong.py YEON SOURCE_ROOT"""
import os
import re
import signal
import subprocess
import sys
import tempfile

YEON, ROOT = os.path.abspath(sys.argv[1]), sys.argv[2]
HELLO = os.path.join(ROOT, "examples", "lab", "hello.lua")
TWO = 'local a,b=hosts("a","b") local w=cable(a,b,{delay="10ms"}) b:listen(80,function(c) while c:recv() do end end) '
count = 0

# Scripts: status, and what standard error has.
SCRIPTS = [
    ("local = 3", 2, r"stdin:1: .*expected"),
    ("foo.bar()", 2, r"stdin:1: there is no 'foo'"),
    ("\x1bLua", 2, r"stdin: compiled Lua is not taken"),
    ("local function f() return 1 + f() end f()", 2, r"stack overflow"),
    ('string.rep("x", 1e10)', 2, r"stdin:1: "),
    ("error()", 2, r"nil"),
    ("error({})", 2, r"table"),
    ("sleep(1e308)", 2, r"stdin:1: a time from 0 to 1e9 seconds"),
    ("sleep(-1)", 2, r"stdin:1: the time to sleep is at least 0"),
    ("sleep(0/0)", 2, r"stdin:1: the time to sleep is at least 0"),
    ("while true do sleep(1e9) end", 1, ""),
    ("at(1e300, function() end)", 2, r"stdin:1: a time from 0 to 1e9 seconds"),
    ("after(-5, function() end)", 2, r"stdin:1: a time from 0"),
    (TWO + "after(1, function() foo() end) sleep(5)", 2, r"stdin:1: there is no 'foo'"),
    (TWO + "b:listen(81, function(c) error('boom') end) a:connect(b, 81) sleep(1)", 2, r"stdin:1: boom"),
    (TWO + "coroutine.wrap(function() sleep(1) end)()", 2, r"only a program can wait"),
    ('for i = 1, 1000000 do host("h" .. i) end', 2, r"room for \d+ hosts"),
    ('hosts("a", "a")', 2, r"there is a host 'a' already"),
    ('host("a\\nb")', 2, r"a host's name is a word"),
    ("host(nil)", 2, r"a host's name is a word"),
    ('host("a", {profile = 99})', 2, r"there is no profile '99': linux, freebsd, windows, lecture or yeon$"),
    ('host("a", {address = "999.1.1.1"})', 2, r"an IPv4 address that a host can have.*not 999.1.1.1"),
    ('host("a", {address = "224.0.0.1"})', 2, r"an IPv4 address that a host can have"),
    ('host("a", {address6 = "ff02::1"})', 2, r"an IPv6 address that a host can have"),
    ('hosts({name = "a", address = "10.0.0.2"}, "b")', 2, r"a and b both have the address 10.0.0.2"),
    ('host("a", {max_connections = -1})', 2, r"max_connections is a whole number from 1"),
    ('host("a", {max_time_wait = 1e15})', 2, r"max_time_wait is a whole number from 1"),
    ('host("a", {max_half_open = "many"})', 2, r"max_half_open is a whole number from 1"),
    ('host("a", {tcp = {rto_min_us = 0}})', 2, r"the TCP option rto_min_us is out of range"),
    ('host("a", {tcp = 5})', 2, r"stdin:1: table expected, got number"),
    ('host("a", {tcp = {user_timeout_option = true, probe_with_data = true, rto_floor_on_variance = true}})', 0, ""),
    ('local a = host("a") cable(a, a)', 2, r"two different hosts"),
    (TWO + "w:set(5)", 2, r"stdin:1: settings are a table"),
    (TWO + "w:set {loss = -1}", 2, r"stdin:1: loss of a cable is from 0 to 1"),
    (TWO + "pcall(w.set, w, {loss = 2}) w:set {delay = 0.02}", 0, ""),  # what was refused is not kept
    (TWO + 'w:set {trace = "/nonexistent"}', 2, r"stdin:1: trace /nonexistent: No such file"),
    (TWO + 'w:set {trace = "/dev/null"}', 2, r"stdin:1: a trace has at least one millisecond stamp"),
    (TWO + "w:set {trace = {3, 1}}", 2, r"stdin:1: a trace has at least one millisecond stamp"),
    (TWO + "w:set {trace = {1.5}}", 2, r"stdin:1: a trace is a table of whole milliseconds"),
    (TWO + "w:set {trace = {1}, rate = 5}", 2, r"stdin:1: a cable has a rate or a trace, not both"),
    (TWO + "w:set {codel_marks = 1}", 2, r"stdin:1: codel_marks of a cable is true or false"),
    (TWO + "w:set {trace = {1}} w:set {trace = false} w:set {codel = true} w:set {codel = false}", 0, ""),
    (TWO + "w:cut({})", 2, r"at neither end of this cable"),
    (TWO + 'w:cut("soon")', 2, r"stdin:1: the length of a cut is a time in seconds"),
    (TWO + 'w:cut("5")', 2, r'stdin:1: "5" has no unit: the length of a cut'),
    (TWO + 'w:set("broken")', 2, r"stdin:1: settings are a table"),
    ('sleep("10")', 2, r'stdin:1: "10" has no unit: .* as 0.01 or "10ms"'),
    ('sleep("0")', 0, ""),
    (TWO + 'w:set {delay = "0", loss = "0", queue = "0", rate = "10mbit"}', 0, ""),
    (TWO + 'w:set {rate = "10"}', 2, r'stdin:1: "10" has no unit: rate is a rate'),
    (TWO + 'w:set {loss = "0.01"}', 2, r'stdin:1: "0.01" has no unit: loss is a share, as 0.01 or "1%"'),
    (TWO + 'a:connect("b:80"):send_pattern("1000")', 2, r'stdin:1: "1000" has no unit: size is a size in bytes'),
    ('every("10s", 0, print)', 2, r"stdin:1: every.*how often is a whole number from 1"),
    ("every(1, 2)", 2, r"stdin:1: every calls a function"),
    ('string.format("%-10p", {})', 2, r"stdin:1: %p is an address"),
    ('string.format("%%p %d", {})', 2, r"stdin:1: number expected"),
    ("for _ in pairs {[{}] = 1, [{}] = 2} do end", 2, r"stdin:1: two keys of this table are tables"),
    ("pairs(5)", 2, r"stdin:1: pairs wants a table, not 5"),
    ("next({1}, 2)", 2, r"stdin:1: next: 2 is no key of this table"),
    (TWO + 'b:listen(nil)', 2, r"stdin:1: a port is a number"),
    (TWO + "a:listen(-1)", 2, r"stdin:1: .*no address with a port"),
    (TWO + 'a:connect("b:99999")', 2, r"stdin:1: .*no address with a port"),
    (TWO + 'a:connect("b:80"):send()', 2, r"send takes a text"),
    (TWO + 'a:connect("b:80"):recv(-1)', 2, r"stdin:1: at least one byte"),
    (TWO + 'local c = a:connect("b:80") c:close() c:close()', 2, r"has closed"),
    (TWO + 'a:connect("b:80", {sndbuf = 1e300})', 2, r"sndbuf is a whole number"),
    (TWO + "a:udp(5, {foo = 1})", 2, r"stdin:1: invalid option 'foo'"),
    (TWO + 'for i = 1, 3 do expect_error("IN_USE", function() b:listen(80) end) end', 0, ""),
] + [('local a, b = hosts("a", "b") cable(a, b, {%s = %s})' % (what, value), 2, r"stdin:1: .*%s|stdin:1: an MTU from 576" % what)
     for what, values in {"delay": ("1e308", "-1", "0/0", '"xyz"'), "rate": ("-5", "1e308", "math.huge"), "queue": ("-1", "1e308"), "bucket": ("2e9", "-1"), "mark": ("1e10",), "codel": ("-1", '"soon"'), "reorder_up_to": ("-1",), "loss": ("2", '"150%"', "-0.1"),
                          "mtu": ("0", "-1", "575", "65536", "1e9"), "dealy": ("1",)}.items() for value in values]

ARGUMENTS = [
    (["lab"], 2, r"lab needs a scenario"),
    (["lab", "/nonexistent.lua"], 2, r"'/nonexistent.lua' cannot be read"),
    (["lab", "/tmp"], 2, r"'/tmp' cannot be read"),
    (["lab", "/dev/zero"], 2, r"larger than 16 MiB"),
    (["lab", "a", "b"], 2, r"one scenario at a time"),
    (["lab", "--seed", "-1", HELLO], 2, r"--seed wants a number"),
    (["lab", "--seed", "1e9", HELLO], 2, r"--seed wants a number"),
    (["lab", "--seed", "99999999999999999999999", HELLO], 2, r"--seed wants a number"),
    (["lab", HELLO, "--pcap"], 2, r"--pcap needs a value"),
    (["lab", HELLO, "--pcap", "-"], 2, r"--pcap wants a file"),
    (["lab", HELLO, "--pcap", ""], 2, r"cannot be written"),
    (["lab", HELLO, "--pcap", "/tmp"], 2, r"the capture '/tmp' cannot be written"),
    (["lab", HELLO, "--pcap", "/dev/full"], 2, r"could not be written to its end"),
    (["tour", "--scene", "0"], 2, r"the scene wants a number from 1 to 6"),
    (["tour", "extra"], 2, r"the scene wants a number from 1 to 6, not 'extra'"),
    (["tour", "3", "4"], 2, r"one scene or all: 3 or '4'"),
    (["lab", "--profile", "foo", HELLO], 2, r"there is no profile 'foo': linux, freebsd, windows, lecture or yeon$"),
    (["lab", "--live", "--profile", "foo"], 2, r"there is no profile 'foo': linux, freebsd, windows, lecture or yeon$"),
    (["run", "--profile", "lecturer", "--on", "client", "--", "true"], 2, r"Did you mean 'lecture'"),
    (["run", "--log", "/nonexistent/x", "--on", "server", "--", "true"], 2, r"the log '/nonexistent/x' cannot be written: No such file"),
    (["lab", "--live", "--log", "/nonexistent/x"], 2, r"the log '/nonexistent/x' cannot be written: No such file"),
    (["run", "--lab", "no-such", "--on", "server", "--", "true"], 2, r"lab 'no-such': it does not run\. `yeon lab --live --name no-such` starts one"),
    (["run", "--lab", "a b", "--on", "server", "--", "true"], 2, r"a lab's name has letters, digits.*not 'a b'$"),
    (["cable", "--lab", "no-such", "cut"], 2, r"lab 'no-such': it does not run\. `yeon lab --live --name no-such` starts one"),
    (["cable", "--lab", "a b", "cut"], 2, r"a lab's name has letters, digits.*not 'a b'$"),
    (["ss", "-tx"], 2, r"ss has no option '-tx'"),
    (["ss", "-tulnap", "--lab", "no-such"], 2, r"it does not run"),
    (["help", "lab", "tour"], 2, r"one verb at a time"),
    (["tuor"], 2, r"Did you mean 'yeon tour'"),
    ([""], 2, r"there is no verb"),
]


def report(held, name, why=""):
    global count
    count += 1
    print("%s %d - %s" % ("ok" if held else "not ok", count, name.replace("\n", " ").replace("\x1b", "ESC").replace("#", "no.")))
    if not held:
        for line in str(why).splitlines()[:40]:
            print("# " + line)
    sys.stdout.flush()


def run(args, text=None, env=None, **more):
    full = {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}
    return subprocess.run([YEON, *args], input=text, stderr=subprocess.PIPE, env=full, check=False,
                          **{"stdout": subprocess.PIPE, "timeout": 60, **more})


def judge(name, done, status, pattern):
    said = done.stderr.decode(errors="replace")
    lines = said.count("\n")
    held = done.returncode == status and re.search(pattern, said) is not None
    held = held and (lines == 1 and said.startswith("yeon: ") if status == 2 else said == "")
    held = held and not re.search(r"yeon: yeon:\d+|bad argument #", said)
    report(held, name, "status %s, wanted %s; %r has no %r" % (done.returncode, status, said, pattern))


def endless():
    """A script that never waits is stopped."""
    for name, text in (("a loop", "while true do end"), ("one that catches errors", "while true do pcall(function() while true do end end) end"),
                       ("one in a handler", TWO + "b:listen(81, function() while true do end end) a:connect(b, 81)")):
        judge("endless: " + name, run(["lab", "-", "--quiet"], text.encode()), 2, r"endless loop|does nothing but compute")


def outputs():
    with tempfile.TemporaryDirectory() as folder:
        plain = run(["lab", HELLO]).stdout
        for what, args in (("lab", ["lab", HELLO]), ("tour", ["tour"]), ("help", ["help"]), ("version", ["version"]), ("lab --help", ["lab", "--help"])):
            with open("/dev/full", "wb") as full:
                judge("a full disk: " + what, run(args, stdout=full), 2, r"the output could not be written")
        path = os.path.join(folder, "x.pcapng")
        done = run(["lab", HELLO, "--pcap", path])
        with open(path, "rb") as f:
            whole = f.read()
        report(done.returncode == 0 and whole[:4] == b"\n\r\r\n", "a capture", done)
        os.unlink(path)
        done = run(["lab", HELLO, "--pcap", path], preexec_fn=lambda: os.close(1))
        with open(path, "rb") as f:
            report(f.read() == whole, "closed standard output does not end up in the capture")
        judge("closed standard output is told", done, 2, r"the output could not be written")
        done = run(["lab", "-"], preexec_fn=lambda: os.close(0))
        judge("closed standard input", done, 2, r"'-' cannot be read")
        for name, env in (("no HOME, no TERM", {"HOME": "", "TERM": ""}), ("20 columns", {"COLUMNS": "20"}), ("a locale this system may not have", {"LC_ALL": "ko_KR.UTF-8"})):
            report(run(["lab", HELLO], env=env).stdout == plain, "the same drawing: " + name)
        reader = subprocess.Popen([YEON, "tour"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        reader.stdout.readline()
        reader.stdout.close()
        report(reader.wait(timeout=60) == -signal.SIGPIPE and reader.stderr.read() == b"", "a closed pipe ends it quietly")
        script = TWO + 'limit(1e9) local c=a:connect("b:80") while true do c:send(string.rep("x",1000)) sleep(1) end'
        try:
            run(["lab", "-", "--quiet", "--pcap", path], script.encode(), timeout=0.5)  # killed then
        except subprocess.TimeoutExpired:
            pass
        done = run(["lab", HELLO, "--pcap", path])
        with open(path, "rb") as f:
            report(done.returncode == 0 and f.read() == whole, "after a kill in the middle the next run is as ever")


def main():
    for text, status, pattern in SCRIPTS:
        judge("script: " + text[-70:], run(["lab", "-", "--quiet"], text.encode()), status, pattern)
    for args, status, pattern in ARGUMENTS:
        judge("yeon " + " ".join(os.path.basename(a) for a in args), run(args, b""), status, pattern)
    endless()
    outputs()
    print("1..%d" % count)


main()
