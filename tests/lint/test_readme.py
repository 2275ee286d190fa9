#!/usr/bin/env python3
"""What the README shows works: the C program compiles without a warning against the public headers and the shared library, and both it and
the Lua scenario do what they say.

test_readme.py BUILD COMPILER...    prints TAP
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent.parent
BUILD, COMPILER = sys.argv[1], sys.argv[2:]


def snippet(name, language="c"):
    return re.search(rf"```{language}\n(.*?)```", (HOME / name).read_text(encoding="utf-8"), re.DOTALL).group(1)


def run_snippet(text, folder):
    """(went well, what was said)"""
    source, program = Path(folder) / "story.c", Path(folder) / "story"
    source.write_text(text, encoding="utf-8")
    compiled = subprocess.run([*COMPILER, "-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{HOME}/include", str(source),
                               f"-L{BUILD}", "-lyeon", "-o", str(program)], capture_output=True, text=True, check=False)
    if compiled.returncode:
        return False, compiled.stderr
    done = subprocess.run([str(program)], env={**os.environ, "LD_LIBRARY_PATH": BUILD}, capture_output=True, text=True,
                          timeout=60, check=False)
    match = re.match(r"1048576 bytes after (\d+\.\d) s$", done.stdout)
    # The plug was out from 0.4 s to 5.4 s, so it cannot have ended before; nor later than the next try after that.
    good = done.returncode == 0 and match is not None and 5.4 < float(match.group(1)) < 20
    return good, f"status {done.returncode}: {done.stdout}{done.stderr}"


def run_scenario(text, folder):
    source = Path(folder) / "story.lua"
    source.write_text(text, encoding="utf-8")
    done = subprocess.run([str(Path(BUILD) / "yeon"), "lab", str(source), "--quiet"], capture_output=True, text=True, timeout=60,
                          check=False)
    return done.returncode == 0 and "2 expectations held" in done.stdout, f"status {done.returncode}: {done.stdout}{done.stderr}"


def main():
    print("1..4")
    number = 0
    for language, run in (("c", run_snippet), ("lua", run_scenario)):
        english = snippet("README.md", language)
        with tempfile.TemporaryDirectory() as folder:
            good, said = run(english, folder)
        print(f"{'' if good else 'not '}ok {number + 1} - the {language} in README.md")
        if not good:
            print("\n".join("# " + line for line in said.splitlines()))
        same = snippet("README.ko.md", language) == english
        print(f"{'' if same else 'not '}ok {number + 2} - README.ko.md shows the same {language}")
        number += 2


if __name__ == "__main__":
    main()
