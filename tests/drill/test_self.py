#!/usr/bin/env python3
"""The runner proves itself: each script of self/ expects something wrong, and must fail at the line marked "// here", for the reason at its head.

  test_self.py YEON FOLDER
"""
import re
import subprocess
import sys
from pathlib import Path


def judge(yeon, script):
    text = script.read_text()
    status = re.search(r"// Must end as: (.*)", text).group(1)
    reason = re.search(r"// because: (.*)", text).group(1)
    marked = [number for number, line in enumerate(text.split("\n"), 1) if "// here" in line]
    ran = subprocess.run([yeon, "drill", str(script)], capture_output=True, text=True, timeout=60)
    first, second = (ran.stdout.split("\n") + ["", ""])[:2]
    if ran.returncode != 1:
        return f"exit status {ran.returncode}: {ran.stdout}{ran.stderr}"
    if not first.startswith(status):
        return f"'{status}' was to come of it: {ran.stdout}"
    if reason not in second:
        return f"the reason should be '{reason}': {ran.stdout}"
    if script.stem in ("broken-flags", "broken-option", "broken-time") and not re.search(r"^ +\^$", ran.stdout, re.M):
        return f"the place should be pointed at: {ran.stdout}"
    if not re.search(rf":{marked[0]}: |line {marked[0]}: ", second):
        return f"line {marked[0]} should be named: {ran.stdout}"
    return None


def main(yeon, folder):
    scripts = sorted(Path(folder).glob("*.pkt"))
    print(f"1..{len(scripts)}")
    for number, script in enumerate(scripts, 1):
        wrong = judge(yeon, script)
        print(f"{'not ok' if wrong else 'ok'} {number} - {script.stem}")
        for line in (wrong or "").split("\n"):
            if line:
                print(f"# {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
