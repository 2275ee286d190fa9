#!/usr/bin/env python3
"""Every planted bug must be found: the explorer that is built with it ends with a violation and the steps that lead to it, and the replay it names
shows them. TAP.

  test_plants.py --states N EXPLORER-PLANT...
"""
import pathlib
import re
import subprocess
import sys

# In which world a bug shows; the others are not visited, lest it take long.
WORLDS = {
    "syn-received-any-ack": "stranger", "text-after-fin": "stranger", "rst-anywhere": "stranger",
    "right-edge-off-by-one": "window", "no-probes": "window", "window-not-told": "window",
    "buffer-kept": "break", "fin-counts-twice": "plain", "fin-acknowledged-early": "meet",
    "told-of-too-much": "modern", "undo-without-window": "modern", "probe-not-armed": "modern", "pace-not-armed": "paced",
}


def check(program, states):
    """None, or what is wrong."""
    name = pathlib.Path(program).name.removeprefix("explore-").removesuffix(".exe")
    world = WORLDS.get(name, "stream")
    done = subprocess.run([program, "--few", "--world", world, "--states", states], capture_output=True, text=True, timeout=300, check=False)
    found = re.search(r"# violation in world '(\w+)' after (\d+) steps: (.*)", done.stdout)
    replay = re.search(r"# replay: explore (--world \w+ --replay \S+)", done.stdout)
    if done.returncode != 1 or not found or not replay:
        return None, f"not found in world {world} (exit {done.returncode})\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    again = subprocess.run([program, *replay[1].split()], capture_output=True, text=True, timeout=60, check=False)
    if again.returncode == 0 and "# " not in again.stdout:
        return None, f"the replay shows nothing: {replay[1]}"
    if again.returncode == 0 and "violation:" not in again.stdout:
        return None, f"the replay does not show it: {replay[1]}\n{again.stdout[-2000:]}"
    return f"{world}, {found[2]} steps: {found[3]}", None


def main():
    states, programs = sys.argv[2], sys.argv[3:]
    failed = 0
    print(f"1..{len(programs)}")
    for number, program in enumerate(programs, 1):
        found, wrong = check(program, states)
        name = pathlib.Path(program).name.removeprefix("explore-")
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}: {found or ''}")
        if wrong:
            failed += 1
            print("".join(f"# {line}\n" for line in wrong.splitlines()), end="")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
