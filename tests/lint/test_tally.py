#!/usr/bin/env python3
"""Does scripts/tally.py count right? Feeds it test logs as Meson writes them. Prints TAP."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

TALLY = Path(__file__).resolve().parent.parent.parent / "scripts" / "tally.py"


def record(result, stdout="", returncode=0):
    return {"name": "t", "result": result, "stdout": stdout, "returncode": returncode}


CASES = [
    ("TAP lines are tests", [record("OK", "1..2\nok 1 - a\nok 2 - b\n")], "2 passed, 0 failed", 0),
    ("so is a program without TAP", [record("OK", "hello\n"), record("OK")], "2 passed, 0 failed", 0),
    ("a failed line", [record("FAIL", "1..2\nok 1 - a\nnot ok 2 - b\n")], "1 passed, 1 failed", 1),
    ("a program that dies after its last good line", [record("ERROR", "1..2\nok 1 - a\nok 2 - b\n", -6)], "2 passed, 1 failed", 1),
    ("a leak found at the end", [record("ERROR", "1..1\nok 1 - a\n", 23)], "1 passed, 1 failed", 1),
    ("a program that never answers", [record("TIMEOUT", "ok 1 - a\n", None)], "1 passed, 1 failed", 1),
    ("a failed program without TAP", [record("FAIL", "", 1)], "0 passed, 1 failed", 1),
    ("a skipped line", [record("OK", "1..2\nok 1 - a\nok 2 - b # SKIP no TUN here\n")], "1 passed, 0 failed, 1 skipped", 0),
    ("cmocka's skipped line", [record("FAIL", "1..2\nok 1 - a\nnot ok 2 # SKIP b\n", 0)], "1 passed, 0 failed, 1 skipped", 0),
    ("a skipped program", [record("SKIP", "1..0 # SKIP no TUN here\n")], "0 passed, 0 failed, 1 skipped", 0),
    ("a skipped line does not hide a crash", [record("ERROR", "1..2\nnot ok 1 # SKIP a\n", -11)],
     "0 passed, 1 failed, 1 skipped", 1),
    ("no tests at all", [], "0 passed, 1 failed", 1),
]


def tally(*arguments):
    done = subprocess.run([sys.executable, str(TALLY), *arguments], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    return (lines[-1] if lines else done.stderr), done.returncode


def main():
    print(f"1..{len(CASES) + 1}")
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "meson-logs" / "testlog.json"
        log.parent.mkdir()
        for number, (name, records, last, status) in enumerate(CASES, 1):
            log.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
            got = tally(folder)
            print(f"{'' if got == (last, status) else 'not '}ok {number} - {name}")
            if got != (last, status):
                print(f"# {got}")
        log.write_text(json.dumps(record("OK")) + "\n", encoding="utf-8")
        got = tally("--broken", "elsewhere", folder, "elsewhere")
        print(f"{'' if got == ('1 passed, 1 failed', 1) else 'not '}ok {len(CASES) + 1} - what does not build is one failure")


if __name__ == "__main__":
    main()
