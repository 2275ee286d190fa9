#!/usr/bin/env python3
"""Measures unmodified programs over three networks in turn: a live lab of yeon, the kernel's loopback, and slirp4netns. For run.py.

  live.py --build DIR [--rounds N] [PART...]      PART: bulk, rtt, connections

It makes a user and network namespace for itself (status 3 and a line where that is refused), and prints one JSON object:
{"notes": [...], "figures": {"bulk": {"yeon": [...], "kernel_loopback": [...], "slirp4netns": [...]}, ...}}, a number for each round. In each round
every network has its turn, so that what else the machine does hits all of them."""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

IPERF_PORT, WIRE_PORT = 5201, 7700
LO = ("local", "127.0.0.1", "dev", "lo", "table", "local", "proto", "kernel", "scope", "host", "src", "127.0.0.1", "congctl", "cubic")
BULK = {"bulk": [], "bulk.reverse": ["-R"], "bulk.p4": ["-P", "4"], "bulk.p4.reverse": ["-P", "4", "-R"]}
BULK_SECONDS = 1
ROUND_TRIPS, CONNECTIONS = 10_000, 1000
NOBODY_HOME = ["setpriv", "--pdeathsig", "KILL"]  # what is started so dies with us


class Failed(Exception):
    pass


class Place:
    """Our processes and our folder; nothing of them outlives it."""

    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.folder = tempfile.mkdtemp(prefix="yeon-bench-")
        self.running = []
        self.env = dict(os.environ, XDG_RUNTIME_DIR=self.folder, LC_ALL="C.UTF-8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            process.terminate()
        for process in reversed(self.running):
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def program(self, *names):
        return os.path.join(self.build, *names)

    def start(self, argv, ready=None):
        """In the background; returns when its output has the words of `ready`."""
        log = os.path.join(self.folder, "log%d" % len(self.running))
        with open(log, "wb") as out:
            process = subprocess.Popen(NOBODY_HOME + argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=self.env)
        self.running.append(process)
        end = time.monotonic() + 15
        while ready:
            with open(log, "rb") as f:
                said = f.read().decode(errors="replace")
            if ready in said:
                break
            if process.poll() is not None or time.monotonic() > end:
                raise Failed("%s does not start: %s" % (" ".join(argv[:3]), said.strip()[-300:]))
            time.sleep(0.02)
        return process

    def ask(self, argv):
        try:
            done = subprocess.run(NOBODY_HOME + argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, env=self.env, check=False)
        except subprocess.TimeoutExpired as error:
            raise Failed(str(error)) from error
        if done.returncode != 0:
            raise Failed("%s: status %d: %s" % (" ".join(argv), done.returncode, (done.stdout + done.stderr).strip()[-300:]))
        return done.stdout


def servers(place, before):
    place.start(before + ["iperf3", "-s", "--forceflush", "-p", str(IPERF_PORT)], "Server listening")
    place.start(before + [place.program("bench", "wire"), "server", str(WIRE_PORT)], "ready")


class Kernel:
    """Both programs in our namespace, its loopback between them."""
    name, host = "kernel_loopback", "127.0.0.1"

    def __init__(self, place, notes):
        self.place = place
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        if subprocess.run(["ip", "route", "change", *LO], capture_output=True, check=False).returncode != 0:
            notes.append("the kernel's congestion control could not be set to cubic; it is the machine's")
        servers(place, [])

    def client(self, argv):
        return self.place.ask(argv)


class Slirp:
    """The client in a namespace that has slirp4netns alone; what slirp calls its host is our namespace, with the kernel's servers."""
    name, host = "slirp4netns", "10.0.2.2"

    def __init__(self, place, notes):
        del notes
        self.place = place
        self.holder = place.start(["unshare", "--net", "sh", "-c", "echo here; exec sleep 3600"], "here")
        place.start(["slirp4netns", "--configure", "--mtu=65520", "--disable-dns", str(self.holder.pid), "tap0"], "received tapfd")
        end = time.monotonic() + 10
        while "10.0.2.100" not in self.client(["ip", "-4", "addr", "show"]):  # it configures the device a moment later
            if time.monotonic() > end:
                raise Failed("slirp4netns gives no address")
            time.sleep(0.05)

    def client(self, argv):
        return self.place.ask(["nsenter", "--net=/proc/%d/ns/net" % self.holder.pid, *argv])


class Yeon:
    """A live lab with a clean cable."""
    name, host = "yeon", "server"

    def __init__(self, place, notes):
        del notes
        self.place = place
        self.yeon = place.program("yeon")
        place.start([self.yeon, "lab", "--live", "--name", "bench"], "ready")
        servers(place, self.run("server"))

    def run(self, where):
        return [self.yeon, "run", "--lab", "bench", "--on", where, "--"]

    def client(self, argv):
        return self.place.ask(self.run("client") + argv)


def mbit(side, options):
    """What the receiver got. A server that has not quite finished with the one before us says that it is busy, or does not listen again yet."""
    argv = ["iperf3", "-c", side.host, "-p", str(IPERF_PORT), "-t", str(BULK_SECONDS), "-J", *options]
    for _ in range(50):
        figures = json.loads(side.client(argv))
        trouble = figures.get("error", "")  # its status is 0 all the same
        if "busy" not in trouble and "refused" not in trouble:
            break
        time.sleep(0.1)
    if trouble or "sum_received" not in figures["end"]:
        raise Failed("iperf3 on %s %s: %s" % (side.name, " ".join(options), trouble or "no figure of the receiver"))
    return figures["end"]["sum_received"]["bits_per_second"] / 1e6


def wire(side, what, count):
    said = side.client([side.place.program("bench", "wire"), what, side.host, str(WIRE_PORT), str(count)])
    return {name: float(value) for name, value in (line.split() for line in said.splitlines())}


def measure(part, side):
    """The part's figures of one round, by their names."""
    if part == "bulk":
        return {name: mbit(side, options) for name, options in BULK.items()}
    if part == "rtt":
        figures = wire(side, "rtt", ROUND_TRIPS)
        return {"rtt.median_us": figures["median_ns"] / 1e3, "rtt.p99_us": figures["p99_ns"] / 1e3}
    return {"connections_per_s": wire(side, "connect", CONNECTIONS)["per_s"]}


def inside(build, rounds, parts):
    notes, figures = [], {}
    with Place(build) as place:
        sides = [Yeon(place, notes), Kernel(place, notes)]
        if shutil.which("slirp4netns") is None:
            notes.append("slirp4netns is not here: no comparison with it")
        else:
            try:
                sides.append(Slirp(place, notes))
            except Failed as error:
                notes.append("no comparison with slirp4netns: %s" % error)
        for part in parts:
            for _ in range(rounds):
                for side in sides:
                    for name, value in measure(part, side).items():
                        figures.setdefault(name, {}).setdefault(side.name, []).append(value)
    print(json.dumps({"notes": notes, "figures": figures}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("parts", nargs="*", default=["bulk", "rtt", "connections"])
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if options.inside:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up
        try:
            inside(options.build, options.rounds, options.parts)
        except (Failed, OSError, KeyError, ValueError, subprocess.SubprocessError) as error:
            print("%s: %s" % (type(error).__name__, error), file=sys.stderr)
            return 1
        return 0
    enter = ["unshare", "--user", "--map-root-user", "--net"]
    probe = subprocess.run(enter + ["true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        print("namespaces are refused here (%s)" % probe.stderr.strip(), file=sys.stderr)
        return 3
    os.execvp(enter[0], [*enter, sys.executable, "-B", os.path.abspath(__file__), "--inside", *sys.argv[1:]])
    return 1


if __name__ == "__main__":
    sys.exit(main())
