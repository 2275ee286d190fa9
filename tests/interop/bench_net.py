#!/usr/bin/env python3
"""yeon bench net --kernel: one cell, two seconds, all four pairs of ends, the kernel's algorithm by name; and two flows at once. Prints TAP.

usage: bench_net.py YEON"""
import json
import os
import subprocess
import sys

YEON = os.path.abspath(sys.argv[1])
PAIRS = ("kernel:kernel", "yeon:kernel", "kernel:yeon", "yeon:yeon")


def run(*words):
    done = subprocess.run([YEON, "bench", "net", "--kernel", "--json", "--cc", "newreno", "--seconds", "2", *words], capture_output=True, text=True,
                          timeout=60, check=False)
    if done.returncode == 2 and "--kernel wants" in done.stderr:
        print("1..0 # SKIP " + done.stderr.strip())
        sys.exit(0)
    return done.returncode, done.stdout, done.stderr


def report(number, held, name, why):
    print("%s %d - %s" % ("ok" if held else "not ok", number, name))
    if not held:
        print("# %s" % (why,))


status, out, err = run("--cell", "20ms-20mbit-loss0.1-4bdp")
found = {one["ends"]: one for one in json.loads(out)} if status == 0 else {}
for i, pair in enumerate(PAIRS):
    # Status 0 says that every byte was the right one. How fast is for `make bench`: this machine may be busy.
    report(i + 1, pair in found and found[pair]["goodput_mbit"] > 0.1, pair, (status, out, err))
status, out, err = run("--fairness", "--cell", "20ms-20mbit-clean-4bdp")
both = json.loads(out) if status == 0 else []
report(5, [one["ends"] for one in both] == ["yeon:kernel", "kernel:kernel"] and all(one["goodput_mbit"] > 0.05 for one in both), "ours beside the kernel's",
       (status, out, err))
print("1..5")
