#!/usr/bin/env python3
"""What `make install` puts where: headers of what can be linked, and the command with its helper where it looks for it. Prints TAP.

usage: test_install.py BUILD SOURCE_ROOT"""
import os
import re
import subprocess
import sys
import tempfile

BUILD, ROOT = sys.argv[1:3]
OURS = {"lab.h", "drill.h"}  # of the command's own libraries


def say(number, held, name, why=""):
    print("%s %d - %s" % ("ok" if held else "not ok", number, name))
    for line in ("" if held else str(why)).splitlines()[:20]:
        print("# " + line)
    sys.stdout.flush()


def find(place, name):
    return [os.path.join(folder, name) for folder, _, names in os.walk(place) if name in names]


def helper(place):
    """Which helper the installed command gives to its programs; None: no program can be run in a lab here."""
    yeon = find(place, "yeon")[0]
    env = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    done = subprocess.run([yeon, "run", "--on", "client", "--", "sh", "-c", "echo $LD_PRELOAD"], env=env, capture_output=True, text=True, timeout=60, check=False)
    return os.path.realpath(done.stdout.strip()) if done.returncode == 0 else None


def main():
    print("1..4")
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", place], capture_output=True, text=True, timeout=120, check=False)
        say(1, done.returncode == 0, "meson install", done.stdout + done.stderr)
        there = {n for folder, _, names in os.walk(place) for n in names if folder.endswith("/include/yeon")}
        want = set(os.listdir(os.path.join(ROOT, "include", "yeon"))) - OURS
        say(2, there == want, "the headers of libyeon, and no others", there ^ want)
        used = helper(place)
        if used is None:
            print("ok 3 - the command finds its helper # SKIP programs cannot be run in a lab here")
        else:
            say(3, [used] == [os.path.realpath(p) for p in find(place, "libyeon-preload.so")], "the command finds its helper", used)
        with tempfile.TemporaryDirectory() as closed:
            os.chmod(closed, 0o555)
            rule = open(os.path.join(ROOT, "Makefile"), encoding="utf-8").read()
            rule = re.search(r"^install:.*\n((?:\t.*\n)+)", rule, re.M).group(1).split("\t@meson")[0]
            script = "install:\n" + rule
            nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
            done = subprocess.run(["make", "-s", "-f", "-", "install", "PREFIX=" + closed], input=script, capture_output=True, text=True, cwd="/", check=False, **nobody)
            say(4, done.returncode != 0 and "sudo make install" in done.stderr, "where one may not write it says what to do", done)


main()
