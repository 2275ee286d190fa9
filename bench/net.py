#!/usr/bin/env python3
"""Measures yeon beside the kernel's TCP over the same cable in real time, by `yeon bench net --kernel`. For run.py.

  net.py --build DIR [--rounds N] [METRIC]     METRIC: a beginning of names, such as net.20ms

The cells stand in net-cells.txt. Prints one JSON object: {"notes": [...], "cells": [{"cell", "cc", "ends": {"kernel:kernel": [Mbit/s, a round each], ...}}],
"fair": [{"cell", "cc", "mbit": [yeon, kernel], "jain"}]}. Status 3 and a line where the machine refuses namespaces or TUN devices."""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROUNDS = 2
ROUNDS_OF_CHANCE = 3
CHANCE = ("loss", "bursts", "reorder")  # where luck decides
SEED = 7
FAIR_SECONDS = 60
FAIR = ("20ms-20mbit-clean-1bdp", "80ms-20mbit-clean-1bdp", "160ms-20mbit-clean-1bdp")


class Failed(Exception):
    pass


class Refused(Exception):
    pass


def cells():
    path = Path(__file__).parent / "net-cells.txt"
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split("#")[0].split()
        if words:
            yield words[0], words[1], int(words[2]), words[3:] == ["all"]


def ask(yeon, *words):
    done = subprocess.run([yeon, "bench", "net", "--kernel", "--json", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode == 0:
        return json.loads(done.stdout)
    said = done.stderr.strip()
    if "--kernel wants" in said:
        raise Refused(said)
    raise Failed(said)


def measure(yeon, rounds, only, notes):
    missing = set()
    for cell, cc, seconds, every in cells():
        if not f"net.{cell}.{cc}".startswith(only) or cc in missing:
            continue
        ends = {}
        try:
            for turn in range(max(rounds, ROUNDS_OF_CHANCE) if any(word in cell for word in CHANCE) else rounds):
                pairs = "kernel:kernel,yeon:kernel" + (",kernel:yeon,yeon:yeon" if every and turn == 0 else "")
                for one in ask(yeon, "--cell", cell, "--cc", cc, "--seconds", str(seconds), "--seed", str(SEED + turn), "--ends", pairs):
                    ends.setdefault(one["ends"], []).append(one["goodput_mbit"])
        except Failed as error:
            if "no congestion control" not in str(error):
                raise
            notes.append(f"no net.*.{cc}: {error}")
            missing.add(cc)
            continue
        yield {"cell": cell, "cc": cc, "ends": ends}


def fairness(yeon, only):
    for cell in FAIR:
        if f"net.fair.{cell}.cubic".startswith(only):
            two = ask(yeon, "--fairness", "--cell", cell, "--cc", "cubic", "--seconds", str(FAIR_SECONDS), "--seed", str(SEED))
            yield {"cell": cell, "cc": "cubic", "mbit": [one["goodput_mbit"] for one in two], "jain": two[0]["jain"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("only", nargs="?", default="")
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    yeon = os.path.abspath(os.path.join(options.build, "yeon"))
    notes = []
    try:
        found = list(measure(yeon, options.rounds, options.only, notes))
        print(json.dumps({"notes": notes, "cells": found, "fair": list(fairness(yeon, options.only))}))
    except Refused as error:
        print(error, file=sys.stderr)
        return 3
    except (Failed, OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
