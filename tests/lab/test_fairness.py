#!/usr/bin/env python3
"""Do flows share? Two of each congestion control over one bottleneck for a minute of virtual time, the second two seconds late. Prints TAP.

usage: test_fairness.py YEON"""
import json
import os
import subprocess
import sys

YEON = os.path.abspath(sys.argv[1])
RTTS = (20, 40, 80)
SEEDS = range(1, 5)  # whose frame finds the queue full is luck, and so is when BBR probes: what counts is the mean


def pairs(*words):
    words = [YEON, "bench", "net", "--fairness", "--json", *words]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise SystemExit("Bail out! %s: %s" % (" ".join(words), done.stderr))
    return json.loads(done.stdout)


number = 0
for algorithm in sorted({pair["flows"][0]["cc"] for pair in pairs("--rtt", "20", "--seconds", "1")}):
    for rtt in RTTS:
        found = [pairs("--rtt", str(rtt), "--cc", algorithm, "--seed", str(seed))[0] for seed in SEEDS]
        jain, used = sum(one["jain"] for one in found) / len(found), min(one["goodput_share"] for one in found)
        number += 1
        print("%sok %d - %s, %d ms: Jain %.3f >= 0.95, %.1f %% of the rate" % ("" if jain >= 0.95 and used >= 0.9 else "not ", number, algorithm, rtt, jain, 100 * used))
        for one in found:
            print("# " + " : ".join("%.2f" % flow["goodput_mbit"] for flow in one["flows"]) + " Mbit/s, queue %.1f ms, p99 %.1f ms, again %.2f %%"
                  % (one["queue_p50_ms"], one["queue_p99_ms"], 100 * one["again_share"]))
        sys.stdout.flush()
print("1..%d" % number)
