#!/usr/bin/env python3
"""The kernel and yeon through the same scripts, their answers laid side by side. Speaks TAP.

    differ.py PROGRAM KNOWN DOC [-v] [-1] [-k NAME] SCRIPT...

PROGRAM: tests/differ built; KNOWN: the differences that are meant to be, lines of "KEY SCRIPT EVENT/WHAT ...": SCRIPT its name, after
"ipv4/" or "ipv6/" if it differs only there; EVENT its line's number or label (a comment "// [label]" at its end); WHAT packets,
calls or states. DOC: the text that gives each KEY its reason. SCRIPTs: .pkt files and folders of them, to which those that matrix.py
makes are added.
-k: only scripts whose name has NAME in it. -v: shows the differences that are known. -1: a single run of each script.

A difference that KNOWN does not name is a failure, and one it names that is gone is too. The kernel runs in real time on a machine
with other work: what comes out as expected in one of a few runs holds.
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # nothing of ours into the source tree
import matrix  # noqa: E402

KERNEL = "6.18"  # whose differences KNOWN lists; another kernel may have others, which are told and no failure
WORKERS = 12
RUNS = 4
FAMILIES = ("ipv4", "ipv6")
SLACK, SHARE = 0.030, 0.04  # seconds, and of the time that has passed: a busy machine, and a clock that ticks every 4 ms


KINDS = ("packets", "calls", "states")
LABEL = re.compile(r"// \[(.*)\]")


class Event:
    def __init__(self, line, source):
        label = LABEL.search(source)
        self.line, self.source = label.group(1).replace(" ", "") if label else str(line), source
        self.packets, self.calls, self.states = [], [], []


def read_trace(text):
    """The events with what followed each."""
    events = [Event("0", "(before the first event)")]
    for line in text.splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "@":
            number, _, source = rest.partition(" ")
            events.append(Event(number, source))
        elif mark == ">":
            seconds, _, packet = rest.partition(" ")
            events[-1].packets.append((float(seconds), packet))
        elif mark == "=":
            events[-1].calls.append(rest)
        elif mark == "#":
            events[-1].states.append(rest)
        else:
            raise ValueError("no line of a trace: " + line)
    return events


WINDOW = re.compile(r"\bwin (\d+)")
RESET = re.compile(r"^\d+ [^ ]*R")
PUSH = re.compile(r"^(\d+ (?:\[\w+\] )?[^ ]*)P(\S* \d+:\d+\([1-9])")  # with bytes: where a super-segment was cut
STAMP = re.compile(r"\bTS val (\d+)")


def stamps_of(packet):
    found = STAMP.search(packet)
    return int(found.group(1)) / 1000 if found else None


def plain(packet, exact_window):
    """Without what only says how large buffers are, and what is compared as a time. A reset's window says nothing at all, and PSH tells
    where the kernel cut its super-segments."""
    packet = PUSH.sub(r"\1\2", packet)
    if RESET.match(packet):
        packet = WINDOW.sub("win -", packet)
    if not exact_window:
        packet = WINDOW.sub(lambda m: "win 0" if m.group(1) == "0" else "win +", packet)
    return STAMP.sub("TS val T", packet)


def close(a, b, passed=0.0):
    return a is None and b is None if a is None or b is None else abs(a - b) <= SLACK + SHARE * max(passed, a, b)


def packets_agree(one, other, exact_window):
    if len(one) != len(other):
        return False
    return all(plain(a[1], exact_window) == plain(b[1], exact_window) and close(a[0], b[0]) and close(stamps_of(a[1]), stamps_of(b[1]))
               for a, b in zip(one, other))


def differences(kernel, yeon, exact_window):
    """(line, what, the kernel's, yeon's) for each event and kind that differs."""
    found = []
    if [e.line for e in kernel] != [e.line for e in yeon]:
        raise ValueError("the two have not come through the same events")
    for a, b in zip(kernel, yeon):
        if not packets_agree(a.packets, b.packets, exact_window):
            found.append((a, "packets", ["%.3f %s" % p for p in a.packets], ["%.3f %s" % p for p in b.packets]))
        if a.calls != b.calls:
            found.append((a, "calls", a.calls, b.calls))
        if sorted(a.states) != sorted(b.states):
            found.append((a, "states", a.states, b.states))
    return found


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    if done.returncode != 0 or done.stderr:
        raise RuntimeError("%s: status %d: %s" % (command[-3], done.returncode, done.stderr.strip()[-600:]))
    return done.stdout


def read_known(path):
    """{script: {(line, what): key}}"""
    known = {}
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            key, script, *places = words
            for place in places:
                event, _, what = place.rpartition("/")
                if what not in KINDS:
                    raise ValueError("%s:%d: not a kind of difference: %s" % (path, number, place))
                known.setdefault(script, {})[(event, what)] = key
    return known


def name_of(path):
    """As known.txt has it."""
    return ("drill/" if "/drill/" in path else "") + os.path.basename(path)


class Script:
    def __init__(self, program, path, family, known, runs):
        self.program, self.path, self.family, self.runs = program, path, family, runs
        self.name = name_of(path)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        self.exact_window = "// windows are compared" in text
        self.only = re.search(r"// (ipv[46]) alone", text)
        self.known = {**known.get(self.name, {}), **known.get(family + "/" + self.name, {})}

    def wanted(self):
        return not self.only or self.only.group(1) == self.family

    def compare(self):
        yeon = read_trace(run([self.program, "yeon", self.family, self.path]))
        kernel = read_trace(run(["unshare", "--net", self.program, "kernel", self.family, self.path]))
        return differences(kernel, yeon, self.exact_window)

    def trouble(self, found):
        """What is wrong with these differences as text, "": nothing."""
        seen = {(d[0].line, d[1]) for d in found}
        text = "".join(self.show(d) for d in found if (d[0].line, d[1]) not in self.known)
        text += "".join("%s:%s: the kernel and yeon no longer differ in %s (%s)\n" % (self.name, *where, key)
                        for where, key in sorted(self.known.items()) if where not in seen)
        new = " ".join("%s/%s" % (d[0].line, d[1]) for d in found if (d[0].line, d[1]) not in self.known)
        return text + ("in the words of known.txt: KEY %s %s\n" % (self.name, new) if new else "")

    def result(self):
        """The trouble that remains after some runs, and the differences of the last."""
        found, trouble = [], ""
        for _ in range(self.runs):
            found = self.compare()
            trouble = self.trouble(found)
            if not trouble:
                break
        return trouble, found

    def show(self, difference):
        event, what, kernel, yeon = difference
        sides = ["  kernel  " + k for k in kernel or ["nothing"]] + ["  yeon    " + y for y in yeon or ["nothing"]]
        return "%s:%s: %s differ after: %s\n%s\n" % (self.name, event.line, what, event.source, "\n".join(sides))


def judge(script):
    try:
        trouble, found = script.result()
        return trouble, "".join(script.show(d) for d in found)
    except (RuntimeError, ValueError, subprocess.SubprocessError) as e:
        return "%s: %s\n" % (script.name, e), ""


def says_no(program, paths):
    """A script whose two sides differ for sure: held against a list without it, with it, and with one more."""
    script = Script(program, next(p for p in paths if name_of(p) == "sack-out.pkt"), "ipv4", {}, 1)
    found = script.compare()
    refused = "differ after" in script.trouble(found)
    script.known = {(d[0].line, d[1]): "known" for d in found}
    taken = script.trouble(found) == ""
    script.known["1", "calls"] = "gone"
    return refused and taken and "no longer" in script.trouble(found)


def arguments(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "known", "doc"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("scripts", nargs="+", type=os.path.abspath)
    parser.add_argument("-k", dest="picked", action="append", default=[])
    parser.add_argument("-v", dest="verbose", action="store_true")
    parser.add_argument("-1", dest="runs", action="store_const", const=1, default=RUNS)
    return parser.parse_args(words)


def inside(args):
    with tempfile.TemporaryDirectory() as place:
        paths = []
        for path in args.scripts:
            paths += sorted(os.path.join(path, n) for n in os.listdir(path) if n.endswith(".pkt")) if os.path.isdir(path) else [path]
        for name, text in matrix.scripts().items():
            paths.append(os.path.join(place, name))
            with open(paths[-1], "w", encoding="utf-8") as f:
                f.write(text)
        return compare_all(args, paths)


def compare_all(args, paths):
    try:  # small tables for the namespaces below this one: they are made and walked much faster
        with open("/proc/sys/net/ipv4/tcp_child_ehash_entries", "w", encoding="ascii") as f:
            f.write("256")
    except OSError:
        pass
    known = read_known(args.known)
    scripts = [s for p in paths for family in FAMILIES for s in [Script(args.program, p, family, known, args.runs)]
               if s.wanted() and (not args.picked or any(n in name_of(p) for n in args.picked))]
    with open(args.doc, encoding="utf-8") as f:
        text = f.read()
    keys = {k for lines in known.values() for k in lines.values()}
    number = failures = 0
    here = ".".join(os.uname().release.split(".")[:2])
    elsewhere = "" if here == KERNEL else " # SKIP the differences were listed with Linux %s, and %s has others" % (KERNEL, here)

    def tell(good, name, said=""):
        nonlocal number, failures
        number += 1
        failures += not good and not elsewhere
        print("%sok %d - %s%s" % ("" if good or elsewhere else "not ", number, name, "" if good else elsewhere))
        for line in said.splitlines():
            print("# " + line)
        sys.stdout.flush()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for script, (trouble, shown) in zip(scripts, pool.map(judge, scripts)):
            tell(not trouble, "differ/%s/%s" % (script.family, script.name), trouble or (shown if args.verbose else ""))
    reasons = set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE))
    tell(keys <= reasons, "differ/each known difference has its reason", " ".join(sorted(keys - reasons)))
    tell(reasons <= keys, "differ/each reason has its difference", " ".join(sorted(reasons - keys)))
    tell(says_no(args.program, paths), "differ/an unknown difference is refused, and one that is gone")
    gone = sorted({s.replace("ipv4/", "").replace("ipv6/", "") for s in known} - {name_of(p) for p in paths})
    tell(not gone or args.picked, "differ/each known difference has its script", " ".join(gone))
    print("1..%d" % number)
    return 1 if failures else 0


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "inside":
        return inside(arguments(sys.argv[2:]))
    arguments(sys.argv[1:])
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    enter = ["unshare", "--fork", "--kill-child", "--net"] + ([] if os.getuid() == 0 else ["--user", "--map-root-user"])
    probe = "ip tuntap add mode tun name yt9 || ip link add name yk9 type veth peer name yo9"
    if not shutil.which("unshare"):
        print("1..1\nok 1 - differ # SKIP no unshare here")
        return 0
    done = subprocess.run(enter + ["sh", "-c", probe], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        print("1..1\nok 1 - differ # SKIP %s" % " ".join(done.stdout.split()))
        return 0
    command = enter + [sys.executable, "-B", os.path.abspath(__file__), "inside", *sys.argv[1:]]
    return subprocess.run(command, check=False).returncode


sys.exit(main())
