#!/usr/bin/env python3
"""The `yeon` command as a user meets it. Prints TAP.

usage: test_lab.py YEON SOURCE_ROOT"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata

YEON, ROOT = os.path.abspath(sys.argv[1]), sys.argv[2]
EXAMPLES = os.path.join(ROOT, "examples", "lab")
HERE = os.path.join(ROOT, "tests", "lab")
count = 0


def report(held, name, why=""):
    global count
    count += 1
    print("%s %d - %s" % ("ok" if held else "not ok", count, name))
    if not held:
        for line in why.splitlines()[:40]:
            print("# " + line)
    sys.stdout.flush()


def skip(name, why):
    global count
    count += 1
    print("ok %d - %s # SKIP %s" % (count, name, why))


def run(*args, text=None, env=None):
    """Status, standard output, standard error."""
    full = dict(os.environ, LC_ALL="C.UTF-8")
    full.pop("NO_COLOR", None)
    full.update(env or {})
    done = subprocess.run([YEON, *args], input=text, capture_output=True, text=True, timeout=120, env=full, cwd=tempfile.gettempdir())
    return done.returncode, done.stdout, done.stderr


def scenario(text, *args):
    return run("lab", *args, "-", text=text)


def expect(name, result, status, out=(), err=(), not_out=()):
    """One test: the status, and texts that must stand in the output (or in the errors)."""
    why = []
    if result[0] != status:
        why.append("status %d, not %d" % (result[0], status))
    why += ["no '%s' in the output" % t for t in out if t not in result[1]]
    why += ["'%s' in the output" % t for t in not_out if t in result[1]]
    why += ["no '%s' in the errors" % t for t in err if t not in result[2]]
    if status != 2 and result[2]:
        why.append("something on standard error")
    if "Sanitizer" in result[2] or "runtime error" in result[2]:
        why.append("a sanitizer complains")
    report(not why, name, "\n".join(why) + "\n" + result[2] + result[1])


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in line)


HOSTS = 'local client, server = hosts("client", "server")\nlocal wire = cable(client, server, {delay = "10ms"})\n'


def test_verbs():
    expect("no verb: the list, and status 2", run(), 2, out=["usage: yeon VERB", "lab", "tour"])
    expect("help lists the verbs", run("help"), 0, out=["lab", "tour", "version"])
    expect("--help too", run("--help"), 0, out=["lab", "tour", "version"])
    expect("help -h too", run("help", "-h"), 0, out=["lab", "tour", "version"])
    for verb in ("lab", "tour", "version", "help"):
        expect("help " + verb, run("help", verb), 0, out=["yeon " + verb])
    for verb in ("lab", "tour", "version"):
        expect(verb + " --help", run(verb, "--help"), 0, out=["yeon " + verb])
    version = re.search(r"version: '([\d.]+)'", open(os.path.join(ROOT, "meson.build")).read()).group(1)
    expect("--version", run("--version"), 0, out=["yeon " + version])
    expect("version", run("version"), 0, out=["yeon " + version])
    expect("an unknown verb names the nearest", run("lbb"), 2, err=["'lbb'", "yeon lab"])
    expect("an unknown verb like nothing", run("zzzzzzzz"), 2, err=["yeon help"])
    expect("help of an unknown verb", run("help", "tuor"), 2, err=["yeon help tour"])
    expect("version takes no argument", run("version", "x"), 2, err=["takes no argument"])


def test_arguments():
    hello = os.path.join(EXAMPLES, "hello.lua")
    expect("lab without a file", run("lab"), 2, err=["FILE.lua"])
    expect("lab with two files", run("lab", hello, hello), 2, err=["one scenario at a time"])
    expect("a file that is not there", run("lab", "/nowhere/at/all.lua"), 2, err=["/nowhere/at/all.lua", "No such file"])
    expect("a folder", run("lab", ROOT), 2, err=["cannot be read"])
    expect("an unknown option names the nearest", run("lab", "--quite", hello), 2, err=["--quiet"])
    expect("an option without its value", run("lab", hello, "--seed"), 2, err=["--seed N"])
    expect("a value where none belongs", run("lab", "--quiet=yes", hello), 2, err=["takes no value"])
    for seed in ("x", "-1", "", "1x", "99999999999999999999"):
        expect("--seed '%s'" % seed, run("lab", "--seed", seed, hello), 2, err=["--seed wants a number"])
    expect("an unknown profile names the nearest", run("lab", "--profile", "linus", hello), 2, err=["linux"])
    expect("a capture that cannot be written", run("lab", "--pcap", "/nowhere/at/all.pcapng", hello), 2, err=["cannot be written"])
    expect("tour --scene 99", run("tour", "--scene", "99"), 2, err=["from 1 to 6"])
    expect("--seed=N", run("lab", "--seed=7", "--quiet", hello), 0, out=["held"])


def test_status():
    expect("a scenario that holds", scenario('expect(1 + 1 == 2, "arithmetic")\n'), 0, out=["✓ arithmetic", "✓ 1 expectation held"])
    expect("a failed expectation: status 1, its line, and the run goes on", scenario('expect(false, "pigs fly")\nexpect(true, "birds do")\n'),
           1, out=["✗ stdin:1: pigs fly", "✓ birds do", "1 of 2 expectations failed"])
    expect("a syntax error: file, line, status 2", scenario("local x = = 3\n"), 2, err=["stdin:1:", "unexpected symbol"])
    expect("a runtime error: file and line", scenario("\n\nlocal x = nil + 1\n"), 2, err=["stdin:3:", "arithmetic"])
    expect("a runtime error in a program", scenario(HOSTS + "client:run(function()\n  sleep(1)\n  error('boom')\nend)\n"), 2, err=["stdin:5:", "boom"])
    expect("a wrong global names the nearest", scenario("sleeep(1)\n"), 2, err=["stdin:1:", "'sleeep'", "'sleep'"])
    expect("a wrong method names the nearest", scenario(HOSTS + "client:conect('server:80')\n"), 2, err=["stdin:3:", "'connect'"])
    expect("a wrong option names the nearest", scenario(HOSTS + "client:connect('server:80', {nodely = true})\n"), 2, err=["stdin:3:", "'nodelay'"])
    expect("a wrong cable option", scenario('local a, b = hosts("a", "b")\ncable(a, b, {dealy = "1ms"})\n'), 2, err=["stdin:2:", "'delay'"])
    expect("a wrong TCP option", scenario('host("a", {tcp = {retries_date = 5}})\n'), 2, err=["stdin:1:", "retries_data"])
    expect("a TCP option out of range", scenario('host("a", {tcp = {retries_data = 5000}})\n'), 2, err=["stdin:1:", "retries_data"])
    expect("a wrong host name in an address", scenario(HOSTS + "client:connect('sever:80')\n"), 2, err=["stdin:3:", "'server'"])
    expect("a wrong profile", scenario('host("a", {profile = "amiga"})\n'), 2, err=["stdin:1:", "amiga"])
    expect("a wrong unit", scenario('sleep("3 parsecs")\n'), 2, err=["stdin:1:", "3 parsecs"])
    expect("no time machine", scenario("sleep(2)\nat(1, function() end)\n"), 2, err=["stdin:2:", "already"])
    expect("a network error nobody expected: status 1, and how to expect it", scenario(HOSTS + "client:connect('server:80')\n"),
           1, out=["stdin:3:", "REFUSED", "expect_error"])
    expect("another error than the expected one", scenario(HOSTS + 'expect_error("TIMED_OUT", function() client:connect("server:80") end)\n'),
           1, out=["expected the error", "REFUSED"])
    expect("no error where one was expected", scenario('expect_error("RESET", function() end)\n'), 1, out=["there was none"])
    expect("waiting for ever", scenario(HOSTS + 'local l = server:listen(80)\nl:accept()\n'), 1, out=["nothing will ever happen again", "accept (stdin:4)"])
    expect("a time limit", scenario("limit(5)\nsleep(10)\n"), 1, out=["time limit"])
    expect("an endless loop ends", scenario("while true do end\n"), 2, err=["endless loop", "stdin:1"])
    expect("an endless loop that catches errors ends too", scenario("while true do pcall(function() while true do end end) end\n"), 2, err=["does not let itself"])
    expect("waiting inside a coroutine of one's own", scenario("coroutine.wrap(function() sleep(1) end)()\n"), 2, err=["stdin:1:", "spawn"])
    expect("too much memory", scenario("local t = {}\nfor i = 1, 1e9 do t[i] = ('x'):rep(1e6) .. i end\n"), 2, err=["not enough memory"])
    expect("no way out of the sandbox", scenario(
        'for _, name in ipairs {"io", "os", "debug", "package", "require", "dofile", "loadfile", "load"} do\n'
        '  expect(rawget(_G, name) == nil, name)\nend\nexpect(string.dump == nil, "string.dump")\n'), 0, out=["9 expectations held"])


def test_examples():
    for name in sorted(os.listdir(EXAMPLES)):
        if name.endswith(".lua"):
            path = os.path.join(EXAMPLES, name)
            expect("examples/lab/" + name, run("lab", path), 0, out=["✓"])
            expect("examples/lab/" + name + " --quiet", run("lab", "--quiet", path), 0, out=["held"], not_out=["├─"])


def test_seeds():
    loss = os.path.join(EXAMPLES, "loss.lua")
    first, again, other = run("lab", loss, "--seed", "5"), run("lab", loss, "--seed", "5"), run("lab", loss, "--seed", "6")
    report(first[1] == again[1] and first[1] != "", "the same seed, the same output")
    report(first[1] != other[1], "another seed, another run")
    table = 'local t = {}\nfor i = 1, 50 do t["key" .. i * 7919 % 1000] = i end\nfor k in pairs(t) do print(k, math.random(1000)) end\n'
    strange = "print({}, print, coroutine.running(), {}) print((\"%s\"):format({})) for k, v in next, {x = 1, y = 2, z = 3, [true] = 4} do print(k, v) end\n" \
        "local keys = {} for i = 1, 9 do keys[host('h' .. i)] = i end for h, i in pairs(keys) do print(h, i) end error({})\n"
    report(len({scenario(strange)[1:] for _ in range(5)}) == 1, "tables, functions and coroutines are told the same in every run", scenario(strange))
    expect("in the order in which they were asked for", scenario("local t = {} print(print, t, {}, t)\n"), 0, out=["function: 1 table: 2 table: 3 table: 2"])
    report(len({scenario(table)[1] for _ in range(5)}) == 1, "the order of pairs and math.random are the same in every run")
    expect("scenes/queues.lua", run("lab", os.path.join(HERE, "scenes", "queues.lua")), 0)
    expect("scenes/written-before.lua", run("lab", os.path.join(HERE, "scenes", "written-before.lua")), 0, out=["20 expectations held"])
    expect("the reset's number is behind what was written", scenario(
        HOSTS + 'server:listen(80, function(c) sleep("5ms") c:send(("x"):rep(700)) c:close() end)\n'
        'local c = client:connect("server:80") c:send("PING") sleep("20ms")\n'), 0, out=["len 700 ack 5", "RST·ACK seq 701 ack 5"])
    for scene in ("impaired", "crowd"):
        for seed in range(1, 21):
            expect("scenes/%s.lua --seed %d" % (scene, seed), run("lab", os.path.join(HERE, "scenes", scene + ".lua"), "--seed", str(seed)), 0)


CUTS = """
client:udp(5):send("x", "server:7")
wire:cut("200ms")
sleep(0.1) client:udp():send("lost", "server:7")
sleep(0.2) local s = wire:stats(client).swallowed client:udp():send("not lost", "server:7") sleep(0.1)
expect_equal(wire:stats(client).swallowed, s, "joined again by itself")
wire:cut(client, "1s") sleep(0.5) wire:cut(client) sleep(1)
local lost = wire:stats(client).swallowed client:udp():send("lost", "server:7") sleep(0.1)
expect_equal(wire:stats(client).swallowed, lost + 1, "a later cut is not ended by the end of the one before")
wire:set("perfect") wire:join()
local begin, at_ = now(), {}
every("10s", 3, function() at_[#at_ + 1] = string.format("%g", now() - begin) end)
sleep(100)
expect_equal(table.concat(at_, " "), "10 20 30", "every")
"""


def test_words():
    expect("every, cuts of limited length, perfect: the words of a live lab", scenario(HOSTS + "server:udp(7)\n" + CUTS), 0, out=["✓ 3 expectations held"])
    expect("a port that is taken is named", scenario(HOSTS + 'server:listen(80)\nexpect_error("IN_USE", function() server:listen(80) end)\n'), 0,
           out=["bind port 80 ✗ IN_USE"])
    expect("one is one", scenario('expect(false, "x")\n'), 1, out=["✗ 1 of 1 expectation failed"])
    expect("one reset", scenario(HOSTS + 'expect_error("REFUSED", function() client:connect("server:80") end)\n'), 0, out=[", 1 reset\n"])


def test_golden():
    path = os.path.join(HERE, "golden", "handshake.txt")
    got = run("lab", os.path.join(HERE, "scenes", "handshake.lua"))
    want = open(path).read()
    report(got[1] == want, "the handshake is drawn as in golden/handshake.txt", got[1])
    ascii_only = run("lab", os.path.join(HERE, "scenes", "handshake.lua"), env={"LC_ALL": "C"})
    report(ascii_only[1].isascii() and "+- SYN seq 0" in ascii_only[1], "ASCII where the locale has nothing else", ascii_only[1])
    absolute = run("lab", os.path.join(HERE, "scenes", "handshake.lua"), "--absolute")
    report(re.search(r"SYN seq \d{5,}", absolute[1]) is not None, "--absolute", absolute[1])
    for name in ("loss.lua", "zero-window.lua"):
        for option in ("--absolute", "--all"):
            out = run("lab", os.path.join(EXAMPLES, name), option)[1]
            wide = [line for line in out.splitlines() if columns(line) > 80]
            report(not wide, "%s %s fits 80 columns" % (name, option), "\n".join(wide))
    folded, whole = (run("lab", os.path.join(EXAMPLES, "cut.lua"), *o)[1] for o in ((), ("--all",)))
    report("segments," in folded and folded.count("\n") * 5 < whole.count("\n"), "long runs are folded, with --all they are not")


def segments(text):
    """The flags of what a ladder draws."""
    return re.findall(r"[├◀]─+ ([A-Z·]+) seq", text)


def test_tour():
    first, again = run("tour"), run("tour")
    expect("tour", first, 0, out=["1. Socket", "2. A connection", "3. The three-way", "4. The four-way", "5. Headers", "6. The cable"])
    report(first[1] == again[1], "tour twice: the same bytes")
    wide = [line for line in first[1].splitlines() if columns(line) > 80]
    report(not wide, "tour fits 80 columns", "\n".join(wide))
    for scene in range(1, 7):
        expect("tour %d" % scene, run("tour", str(scene)), 0, out=["━━ %d. " % scene, "Seen:"])
        expect("tour --scene %d --seed 99 --quiet" % scene, run("tour", "--scene", str(scene), "--seed", "99", "--quiet"), 0, out=["Seen:"], not_out=["├─"])
    expect("scene 6: sent again 1, 3, 7, 15, 31 s later, the error after 63", run("tour", "6"), 0,
           out=["1 3 7 15 31", "63.0 s", "lecture", "linux", "freebsd", "windows"])
    drawn = segments(run("tour", "3")[1])[:3]
    report(drawn == ["SYN", "SYN·ACK", "ACK"], "scene 3 draws what it tells: SYN, SYN and ACK, ACK", drawn)
    drawn = segments(run("tour", "4")[1])[3:7]
    report(drawn == ["FIN·ACK", "ACK", "FIN·ACK", "ACK"], "scene 4 draws what it tells: FIN, ACK, FIN, ACK", drawn)
    windows = re.findall(r"window +(\d+) +(.*)", run("tour", "5")[1])
    report(windows[0][1].startswith("bytes more") and windows[2] == ("502", "× 2^scale bytes I can take"), "scene 5: a window behind the SYN is told by the scale", windows)


TSHARK_BAD = "_ws.malformed || tcp.checksum.status == 0 || udp.checksum.status == 0 || ip.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0"


def tshark(path, *args):
    checks = ["tcp", "udp", "ip"]
    options = [x for c in checks for x in ("-o", c + ".check_checksum:TRUE")]
    done = subprocess.run(["tshark", "-n", "-r", path, *options, *args], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, "\n".join(line for line in done.stderr.splitlines() if "Running as user" not in line)


def test_pcap(folder):
    have = shutil.which("tshark") is not None
    scenes = [os.path.join(HERE, "scenes", "crowd.lua")]
    for script in [os.path.join(EXAMPLES, n + ".lua") for n in ("hello", "cut", "udp", "ipv6", "loss", "reset", "zero-window")] + scenes:
        name = os.path.basename(script)
        path = os.path.join(folder, name + ".pcapng")
        expect("%s --pcap" % name, run("lab", "--quiet", "--pcap", path, script), 0)
        if not have:
            skip("tshark reads %s.pcapng" % name, "no tshark here")
            continue
        status, out, err = tshark(path, "-Y", TSHARK_BAD)
        report(status == 0 and out == "" and err == "", "tshark finds nothing malformed and no bad checksum in " + name, out + err)
        frames = tshark(path, "-T", "fields", "-e", "frame.number")[1].split()
        report(len(frames) > 3, "tshark reads %s.pcapng" % name, "%d frames" % len(frames))
    if not have:
        return
    comments = tshark(os.path.join(folder, "cut.lua.pcapng"), "-Y", 'frame.comment contains "swallowed"')[1]
    report(comments.count("\n") > 3, "swallowed frames say so in a comment", comments)
    interfaces = tshark(os.path.join(folder, "hello.lua.pcapng"), "-T", "fields", "-e", "frame.interface_name")[1]
    report(set(interfaces.split("\n")) >= {"client, cable 1", "server, cable 1"}, "one interface an end", interfaces)
    times = [float(t) for t in tshark(os.path.join(folder, "loss.lua.pcapng"), "-T", "fields", "-e", "frame.time_epoch")[1].split()]
    report(times == sorted(times), "frames stand in the order of time")


def main():
    test_verbs()
    test_arguments()
    test_status()
    test_examples()
    test_seeds()
    test_words()
    test_golden()
    test_tour()
    with tempfile.TemporaryDirectory() as folder:
        test_pcap(folder)
    print("1..%d" % count)


main()
