#!/usr/bin/env python3
"""Adds up what `meson test` found in some build directories: every line of TAP is a test, and so is a program without TAP.

tally.py [--broken "DIR ..."] DIR...    DIRs that did not even build count as one failure each.
Names what was skipped, and what failed with what it said; the last line is "N passed, N failed" (", N skipped" if any); status 1 if anything failed.
"""
import json
import re
import sys
from pathlib import Path

TAP_LINE = re.compile(r"^(not )?ok\b\s*\d*\s*(?:-\s*)?(.*)$")
SKIP = re.compile(r"#\s*skip\S*\s*(.*)$", re.IGNORECASE)
EXPECTED = re.compile(r"#\s*todo\b", re.IGNORECASE)
MOST_LINES = 40  # of what a failed test said
NO_TESTS = re.compile(r"^1\.\.0\b")


def cases_of(record):
    """[(name, outcome, remark)] of one test program, outcome one of passed, failed, skipped."""
    cases = []
    nothing = False
    for line in (record.get("stdout") or "").splitlines():
        nothing = nothing or bool(NO_TESTS.match(line))
        match = TAP_LINE.match(line)
        if not match:
            continue
        text = match.group(2).strip()
        skip = SKIP.search(text)
        if skip:  # cmocka says "not ok 2 # SKIP name"
            name = text[: skip.start()].strip()
            cases.append((name or skip.group(1), "skipped", skip.group(1) if name else ""))
        elif match.group(1) and not EXPECTED.search(text):
            cases.append((text, "failed", ""))
        else:
            cases.append((text, "passed", ""))
    result = record["result"]
    if result in ("SKIP",) or (nothing and not cases and result in ("OK", "SKIP")):
        return cases or [("all of it", "skipped", "")]
    good = result in ("OK", "EXPECTEDFAIL")
    if not good and not any(outcome == "failed" for _, outcome, _ in cases):
        if result == "FAIL" and record.get("returncode") == 0 and cases:
            return cases  # Meson took cmocka's "not ok 2 # SKIP name" for a failure
        cases.append((f"the program itself ({result.lower()}, status {record.get('returncode')})", "failed", ""))
    if not cases:
        cases.append(("it ran", "passed", ""))
    return cases


def remarks_of(record, name):
    """What a program said of a failed test: the TAP comments after its line, else before it; of a crash, its last words."""
    before, after, last, here = [], [], [], False
    for line in (record.get("stdout") or "").splitlines():
        match = TAP_LINE.match(line)
        if match:
            here = bool(match.group(1)) and match.group(2).strip() == name
            before = last if here else before
            last = []
        elif line.startswith("#"):
            last.append(line)
            if here:
                after.append(line)
    said = (record.get("stdout") or "") + (record.get("stderr") or "")
    return (after or before)[:MOST_LINES] or said.splitlines()[-MOST_LINES:]


def read_log(directory):
    path = Path(directory) / "meson-logs" / "testlog.json"
    if not path.exists():
        return None
    with path.open(encoding="utf-8", errors="replace") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def main(arguments):
    broken = []
    if arguments[:1] == ["--broken"]:
        broken = arguments[1].split()
        arguments = arguments[2:]
    count = {"passed": 0, "failed": 0, "skipped": 0}
    skipped, failed = [], []
    for directory in arguments:
        records = read_log(directory)
        if directory in broken or not records:
            why = "did not build" if directory in broken else "ran no tests"
            count["failed"] += 1
            failed.append(f"failed: {directory}: {why}")
            continue
        for record in records:
            program, cases = f"{directory}: {record['name']}", cases_of(record)
            for name, outcome, remark in cases:
                count[outcome] += 1
                text = f"{outcome}: {program}: {name}" + (f" ({remark})" if remark else "")
                if outcome == "skipped":
                    skipped.append(text)
                elif outcome == "failed":
                    failed += [text] + ["    " + line for line in remarks_of(record, name)]
            reasons = {case[1:] for case in cases}
            if len(cases) > 1 and len(reasons) == 1 and cases[0][1] == "skipped":  # a line for each would hide the rest
                skipped[-len(cases):] = [f"skipped: {program}: all {len(cases)} tests ({cases[0][2]}), named in its log"]
    for line in skipped + failed:
        print(line)
    tail = f", {count['skipped']} skipped" if count["skipped"] else ""
    print(f"{count['passed']} passed, {count['failed']} failed{tail}")
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
