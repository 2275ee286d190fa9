#!/usr/bin/env python3
"""The kernel as an end of a lab: yeon lab --live --tun. In a user and network namespace of its own, where the caller may make a device. Speaks TAP.

    verbs_tun.py YEON
"""
import hashlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
from live import HERE, PR_SET_CHILD_SUBREAPER, Failed, Stage, Tap, find, left_over, libc, skip_all  # noqa: E402

PORT, POUR = 7000, 8_000_000
DATA = hashlib.shake_128(b"verbs").digest(POUR)
NAMES = ("the kernel downloads from a program of the lab", "over IPv6", "through a cut of the device's cable", "a program of the lab downloads from the kernel",
         "ss shows the end that the lab knows", "a device that cannot be had")
INSIDE = "YEON_TUN_INSIDE"
UNSHARE = ["unshare", "--map-root-user", "--net", "--fork", "--kill-child"]


def download(address, family=socket.AF_INET):
    total, begin = hashlib.sha256(), time.monotonic()
    with socket.socket(family) as s:
        s.settimeout(20)
        s.connect((address, PORT))
        while piece := s.recv(65536):
            total.update(piece)
    if total.digest() != hashlib.sha256(DATA).digest():
        raise Failed("other bytes came than were sent")
    return time.monotonic() - begin


def ask(*words):
    return subprocess.run([os.environ["YEON"], *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=10, check=False)


class Joined(Stage):
    """A lab whose server is joined to us; on it somebody who pours."""

    def __init__(self):
        super().__init__("tun")
        self.lab = self.start("", [os.environ["YEON"], "lab", "--live", "--name", "tun", "--tun", "yeontun0"])
        self.lab.until("ready")
        self.server = self.start("", [os.environ["YEON"], "run", "--lab", "tun", "--on", "server", "--", find("python3"), "-B",
                                      os.path.join(HERE, "verbs_peer.py"), "serve", "pour"])
        self.server.until("ready")

    def six(self):
        """python's server is for IPv4: over IPv6 it is refused, which is an answer too."""
        with socket.socket(socket.AF_INET6) as s:
            s.settimeout(5)
            try:
                s.connect(("fd00::2", PORT))
            except ConnectionRefusedError:
                return
        raise Failed("nobody listens there, and yet it was accepted")

    def cut(self):
        ask("cable", "--lab", "tun", "tun", "set", "delay", "2ms", "rate", "100mbit", "queue", "64KB")
        threading.Timer(0.2, lambda: ask("cable", "--lab", "tun", "tun", "cut", "500ms")).start()
        took = download("10.0.0.2")
        if took < 0.7:
            raise Failed("it took %.2f s, with a cut of 0.5 s in it" % took)
        ask("cable", "--lab", "tun", "tun", "set", "perfect")

    def other_way(self):
        with socket.create_server(("10.0.0.254", PORT)) as s:
            client = self.start("", [os.environ["YEON"], "run", "--lab", "tun", "--on", "server", "--", find("python3"), "-B",
                                     os.path.join(HERE, "verbs_peer.py"), "pour", "kernel"])
            s.settimeout(10)
            c, peer = s.accept()
            if peer[0] != "10.0.0.2":
                raise Failed("from %s" % peer[0])
            with c:
                c.sendall(DATA)
            client.until("same", 20)

    def ends(self):
        with socket.create_connection(("10.0.0.2", PORT)) as s:
            s.recv(1)
            shown = ask("ss", "--lab", "tun").stdout
            if not re.search(r"server 10\.0\.0\.2:7000 ESTABLISHED +\| kernel 10\.0\.0\.254:%d\n.*outside of the lab" % s.getsockname()[1], shown):
                raise Failed(shown)
            if "HALF-OPEN" in shown:
                raise Failed("what is outside is not half-open: " + shown)


def refused():
    r = ask("lab", "--live", "--name", "tun2", "--tun", "yeontun0")
    if r.returncode != 2 or "TUN device 'yeontun0' cannot be had" not in r.stdout:
        raise Failed("%d %s" % (r.returncode, r.stdout))


def inside():
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    tap = Tap(len(NAMES) + 1)
    with Joined() as j:
        for name, fn in zip(NAMES, (lambda: "%.2f s" % download("10.0.0.2"), j.six, j.cut, j.other_way, j.ends, refused)):
            tap.run(name, fn)
    tap.run("nothing is left over", nothing_left)
    return 1 if tap.failures else 0


def nothing_left():
    if left_over():
        raise Failed("a process is left over")


def main():
    """As root of a user and network namespace of our own we may make devices, if the machine lets us open /dev/net/tun at all."""
    if INSIDE in os.environ:
        return inside()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    try:
        probe = subprocess.run([*UNSHARE, "ip", "tuntap", "add", "mode", "tun", "name", "yeonprobe"], capture_output=True, text=True, check=False)
        if probe.returncode != 0:
            return skip_all("no TUN device here: " + " ".join(probe.stderr.split()), NAMES)
    except OSError as e:
        return skip_all(str(e), NAMES)
    with tempfile.TemporaryDirectory(prefix="yeon-tun-") as place:
        env = dict(os.environ, YEON=os.path.abspath(sys.argv[1]), YEON_LIVE=place, XDG_RUNTIME_DIR=place, LC_ALL="C.UTF-8", **{INSIDE: "1"})
        return subprocess.run([*UNSHARE, sys.executable, "-B", os.path.abspath(__file__)], env=env, check=False, timeout=120).returncode


if __name__ == "__main__":
    sys.exit(main())
