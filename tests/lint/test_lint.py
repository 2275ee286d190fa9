#!/usr/bin/env python3
"""Does scripts/lint.py bite? Plants one violation after the other in a copy of the tree and asks that the checker fails, with the
rule and at the place that was meant. The copy without a plant must be as clean as the tree.

test_lint.py [COMPILER...]    prints TAP. The compiler is for the rules that look at objects.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent.parent
LINT = HOME / "scripts" / "lint.py"
COMPILER = sys.argv[1:] or ["cc"]
COPIED = ("src", "include", "cli", "examples", "tests", "bench", "fuzz", "scripts", "docs", "README.md", "README.ko.md",
          "CONTRIBUTING.md", "LICENSE")

LONG = "int yeon_long(int x);\nint yeon_long(int x)\n{\n" + "  x++;\n" * 70 + "  return x;\n}\n"
AT_LIMIT = "int yeon_long(int x);\nint yeon_long(int x)\n{\n" + "  x++;\n" * 66 + "  return x;\n}\n"
RFC = "RFC"  # kept apart from the number, so that nobody reads this file as a citation
ROW = "| {} | {} | a rule | {} | {} | {} |\n"
NUMBERED = "| 9293 | 3.1 | {} | `seq_lt` | `test_order` | done |\n"

# (rule, file, its text; None: appended to docs/rfc-map.md; line that must be named or 0)
PLANTS = [
    ("floors", "src/wire/plant.c", '#include "base/seq.h"\n#include "tcp/tcp.h"\n', 2),
    ("floors", "src/cc/plant.c", "#include <yeon/tcp.h>\n", 1),
    ("floors", "src/tcp/plant.c", '#include "tcp.h"\n', 1),
    ("floors", "src/attic/plant.c", "", 1),
    ("floors", "include/yeon/plant.h", "#ifndef YEON_PLANT_H\n#define YEON_PLANT_H\n#endif\n", 1),
    ("public-only", "cli/plant.c", '#include <yeon/base.h>\n#include "tcp/tcp.h"\n', 2),
    ("public-only", "examples/plant.c", '#include "../src/base/seq.h"\n', 1),
    ("pure-core", "src/tcp/plant.c", "#include <string.h>\n#include <time.h>\n", 2),
    ("function-length", "src/tcp/plant.c", LONG, 2),
    ("function-length", "tests/unit/plant.c", LONG, 2),
    ("file-length", "src/tcp/plant.c", "/* a line */\n" * 801, 801),
    ("no-if", "src/tcp/plant.c", "int x;\n#if 1\n#endif\n", 2),
    ("no-if", "src/tcp/plant.h", "#ifndef TCP_PLANT_H\n#define TCP_PLANT_H\n#ifdef DEBUG\n#endif\n#endif\n", 3),
    ("guard", "src/tcp/plant.h", "#pragma once\n", 1),
    ("typedef", "src/tcp/plant.c", "typedef struct plant {\n  int x;\n} plant_t;\n", 3),
    ("unfinished", "cli/plant.c", "/* TO" "DO */\n", 1),
    ("machine-path", "docs/plant.md", "see /home" "/me/x\n", 1),
    ("obsolete-rfc", "src/tcp/plant.c", f"/* see {RFC} 1323 */\n", 1),
    ("obsolete-rfc", "src/tcp/plant.c", f"/* {RFC} 9293; 793 */\n", 1),
    ("obsolete-rfc", "docs/rfc-map.md", ROW.format("2988", "2", "`seq_lt`", "`seq_lt`", "done"), 0),
    ("rfc-map", "src/tcp/plant.c", f"/* one\n * {RFC} 9293\n * 3.99: wrapped */\n", 3),
    ("rfc-map", "src/tcp/plant.c", f"/* {RFC} 9293 3.1, 3.99 */\n", 1),
    ("rfc-map", "include/yeon/base.h", f"/* {RFC} 9998 */\n", 0),
    ("rfc-map-row", "docs/rfc-map.md", ROW.format("9293", "3.1", "`no_such_function`", "", "done"), 0),
    ("rfc-map-row", "docs/rfc-map.md", ROW.format("9293", "3.1", "`tcp/no_such_file.c`", "", "done"), 0),
    ("rfc-map-row", "docs/rfc-map.md", ROW.format("9293", "3.1", "`seq_lt`", "`no_such_test`", "done"), 0),
    ("rfc-map-row", "docs/rfc-map.md", ROW.format("9293", "3.1", "`seq_lt`", "", "perhaps"), 0),
    ("rfc-map-row", "docs/rfc-map.md", ROW.format("9293", "3.1", "`seq_lt`", "", "done"), 0),
    ("rfc-map-row", "docs/rfc-map.md", ROW.format("9293", "3.1", "`seq_lt`", "none: ", "done"), 0),
    ("rfc-map-row", "docs/rfc-map.md", ROW.format("9293", "3.1", "", "", "differs"), 0),
    ("rfc-map-row", "docs/rfc-map.md", "| 1122 | 3.2.2 | MUST: x | `seq_lt` | none: wording | done |\n", 0),
    ("rfc-map-row", "docs/rfc-map.md", "| 1122 | 3.2.2 | MUST: x | `seq_lt` |  | differs: not for us |\n", 0),
    ("rfc-map-numbers", "docs/rfc-map.md", NUMBERED.format("MUST-1: once more"), 0),
    ("rfc-map-numbers", "docs/rfc-map.md", NUMBERED.format("SHLD-99: nobody asked"), 0),
    ("rfc-map-numbers", "docs/rfc-map.md", NUMBERED.replace("9293", "1122").format("MUST-1: not there"), 0),
    ("drill-listed", "tests/drill/rto/plant.pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n", 1),
    ("links", "docs/plant.md", "[a](nowhere.md)\n", 1),
    ("links", "docs/plant.md", "`src/tcp/nowhere.c`\n", 1),
]
# (rule, file, what is there, what stands there instead, rules that may have something to say too)
EDITS = [
    ("rfc-map-numbers", "docs/rfc-map.md", "| MUST-23: ", "| ", {"rfc-map-totals"}),
    ("rfc-map-row", "docs/rfc-map.md", "`test_window_is_unsigned`", "", {"rfc-map-totals"}),
    ("rfc-map-row", "docs/rfc-map.md", "`test_window_is_unsigned`", "`test_window_is_signed`", set()),
    ("rfc-map-totals", "docs/rfc-map.md", "| MUST, numbered in RFC 9293 | 69 |", "| MUST, numbered in RFC 9293 | 68 |", set()),
]
# What must not be taken for a violation.
INNOCENT = [
    ("a function of 70 lines", "src/tcp/plant.c", AT_LIMIT),
    ("a number that is no citation", "src/tcp/plant.c", f"/* {RFC} 9293, 793 bytes */\n"),
    ("#if in a comment and a string", "src/tcp/plant.c", '/*\n#if 1\n*/\nconst char yeon_x[] = "#if";\n'),
    ("an obsoleted number in the history of the map", "docs/rfc-map.md", f"\n## History\n{RFC} 793 came first.\n"),
    ("no test for a matter of wording", "docs/rfc-map.md", ROW.format("9293", "3.1", "`seq_lt`", "none: wording", "done")),
    ("no test for what differs", "docs/rfc-map.md", ROW.format("9293", "3.1", "", "", "differs: left out")),
    ("cli's own header", "cli/plant.c", '#include "plant.h"\n'),
]
# (rule, file, text) compiled to the only object of a library.
COMPILED = [
    ("no-mutable-state", "src/tcp/plant.c", "int yeon_plant;\n", "yeon_plant"),
    ("no-mutable-state", "src/tcp/plant.c", "int yeon_f(void);\nint yeon_f(void)\n{\n  static int calls = 7;\n  return ++calls;\n}\n",
     "calls"),
    ("no-mutable-state", "src/tcp/plant.c", 'extern const char *yeon_names[];\nconst char *yeon_names[] = {"a", "b"};\n', "yeon_names"),
    ("no-system", "src/tcp/plant.c", "long time(long *);\nlong yeon_f(void);\nlong yeon_f(void)\n{\n  return time(0);\n}\n", "time"),
    ("exports", "src/tcp/plant.c", "int plant(void);\nint plant(void)\n{\n  return 1;\n}\n", "plant"),
    ("exports", "src/tcp/plant.c", "int yeon_f(void);\nint yeon_f(void)\n{\n  return 1;\n}\n", "declared and nowhere"),
]
COMPILED_INNOCENT = ("no-mutable-state", "src/tcp/plant.c",
                     'extern const char *const yeon_names[];\nconst char *const yeon_names[] = {"a", "b"};\n')

count = 0


def report(good, name, remarks=()):
    global count
    count += 1
    print(f"{'' if good else 'not '}ok {count} - {name}")
    if not good:
        for remark in remarks:
            print(f"#   {remark}")


def lint(tree, *options):
    done = subprocess.run([sys.executable, str(LINT), "--root", str(tree), *options], capture_output=True, text=True, check=False)
    said = set(done.stdout.splitlines()[:-1]) if done.returncode in (0, 1) and not done.stderr else {done.stderr or done.stdout}
    return done.returncode, said


class Planted:
    """With a file of the copy replaced or made, and restored afterwards."""

    def __init__(self, tree, path, text, append):
        self.path = tree / path
        self.append = append
        self.text = text
        self.before = self.path.read_text(encoding="utf-8") if self.path.exists() else None
        self.made_folder = not self.path.parent.exists()

    def __enter__(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text((self.before or "") + self.text if self.append else self.text, encoding="utf-8")
        return self.path

    def __exit__(self, *_):
        if self.before is None:
            self.path.unlink()
        else:
            self.path.write_text(self.before, encoding="utf-8")
        if self.made_folder:
            self.path.parent.rmdir()


def appended(tree, path):
    return (tree / path).exists()


def compile_library(tree, path, build):
    """The planted file as DIR/libyeon.a and DIR/libyeon.so, the object named as Meson names it."""
    build.mkdir(exist_ok=True)
    name = build / (path.relative_to(tree).as_posix().replace("/", "_") + ".o")
    subprocess.run([*COMPILER, "-std=c17", "-O1", "-fPIC", "-fno-builtin", "-c", str(path), "-o", str(name)], check=True)
    archive = build / "libyeon.a"
    archive.unlink(missing_ok=True)
    subprocess.run(["ar", "rcs", str(archive), str(name)], check=True)
    subprocess.run([*COMPILER, "-shared", "-o", str(build / "libyeon.so"), str(name)], check=True)


def copy_tree(to):
    for name in COPIED:
        source = HOME / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, to / name)


def test_plants(tree, before):
    for rule, path, text, line in PLANTS:
        with Planted(tree, path, text, appended(tree, path)):
            status, said = lint(tree)
        new = said - before
        place = rf"{re.escape(path)}:{line or '[0-9]+'}: {re.escape(rule)}: "
        good = status == 1 and any(re.match(place, text) for text in new) and all(f": {rule}: " in text for text in new)
        report(good, f"{rule}: {path}", new or ["nothing was said"])


def test_edits(tree, before):
    for rule, path, old, new, also in EDITS:
        text = (tree / path).read_text(encoding="utf-8")
        with Planted(tree, path, text.replace(old, new, 1), False):
            status, said = lint(tree)
        fresh = said - before
        broken = {text.split(": ")[1] for text in fresh if ": " in text}
        report(old in text and status == 1 and rule in broken and broken <= {rule} | also, f"{rule}: {old} edited", fresh)


def test_innocent(tree, before):
    for name, path, text in INNOCENT:
        with Planted(tree, path, text, appended(tree, path)), Planted(tree, "cli/plant.h", "\n", False):
            new = lint(tree)[1] - before
        report(not new, f"innocent: {name}", new)


def test_compiled(tree):
    build = tree.parent / "objects"
    for rule, path, text, about in COMPILED:
        with Planted(tree, path, text, False) as planted:
            compile_library(tree, planted, build)
            status, said = lint(tree, "--build", str(build))
        report(status == 1 and any(f": {rule}: " in text and about in text for text in said), f"{rule}: {about}", sorted(said)[:9])
    rule, path, text = COMPILED_INNOCENT
    with Planted(tree, path, text, False) as planted:
        compile_library(tree, planted, build)
        said = lint(tree, "--build", str(build))[1]
    report(not any(f": {rule}: " in text for text in said), "innocent: a constant table of pointers", said)


def test_every_rule_is_planted():
    rules = subprocess.run([sys.executable, str(LINT), "--rules"], capture_output=True, text=True, check=True).stdout
    named = {line.split()[0] for line in rules.splitlines()}
    planted = {plant[0] for plant in PLANTS + EDITS} | {plant[0] for plant in COMPILED}
    report(named == planted, "every rule has a plant", sorted(named ^ planted))


def main():
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        copy_tree(tree)
        home_status, home = lint(HOME)
        status, before = lint(tree)
        report(status == home_status and before == home, "the copy is as clean as the tree", before ^ home)
        test_every_rule_is_planted()
        test_plants(tree, before)
        test_edits(tree, before)
        test_innocent(tree, before)
        test_compiled(tree)
    print(f"1..{count}")


if __name__ == "__main__":
    main()
