#!/usr/bin/env python3
"""The rules of the house, checked. Each has a name; a violation is printed as `path:line: rule: message`.

  lint.py                     the rules that need only the sources
  lint.py --build build       also those that look at what was compiled (libyeon.a, libyeon.so)
  lint.py --tap ...           one line of TAP per rule, for `meson test`
  lint.py --root DIR          another tree (tests/lint plants violations in a copy)

Python's standard library only. A new rule is a function with @rule; tests/lint/test_lint.py must plant a violation of it.
"""
import argparse
import bisect
import re
import subprocess
import sys
from pathlib import Path

# ---------------------------------------------------------------------------------------------------- the house
# Rooms and their floors: a room includes headers of its own floor and of lower ones only.
ROOMS = {
    "base": 0,
    "wire": 1,
    "cc": 2, "event": 2,
    "tcp": 3, "udp": 3, "ip": 3,
    "host": 4,
    "watch": 5, "sim": 5, "link": 5, "socket": 5,
    "lab": 6, "drill": 6, "ledger": 6, "play": 6,
}
# A public header stands on the lowest floor that needs its declarations. event.h lies below the room event/, since
# wire/ speaks its vocabulary (flags, SACK blocks); host.h carries the counters and readiness bits that floor 3 sets.
PUBLIC = {
    "base": 0, "frame": 0, "congestion": 0,
    "event": 1,
    "host": 3, "tcp": 3, "udp": 3,
    "watch": 5, "sim": 5, "cable": 5, "link": 5, "socket": 5,
    "lab": 6, "drill": 6,
}
# Above the library. "public": <yeon/...> and the folder's own headers. "all": whatever it likes, internals too.
UPSTAIRS = {"cli": "public", "examples": "public", "tests": "all", "bench": "all", "fuzz": "all"}
# Below this floor: no system call, no clock, no ambient randomness, no output.
SYSTEM_FLOOR = 5
PURE_HEADERS = {"assert", "errno", "inttypes", "limits", "stdalign", "stdarg", "stdbool", "stddef", "stdint", "stdio", "stdlib",
                "string"}
PURE_CALLS = re.compile(
    r"(malloc|calloc|realloc|free|mem(cpy|move|set|cmp|chr)|str(n?len|n?cmp|r?chr|n?cpy|tou?l|toull|spn|cspn|str)"
    r"|v?snprintf|__v?snprintf_chk|__(mem|str)\w+_chk|__isoc(23|99)_\w+|__assert_fail|__stack_chk_fail|abort|qsort|bsearch"
    r"|__ctype_b_loc|_GLOBAL_OFFSET_TABLE_)$")

FUNCTION_LINES = 70
FILE_LINES = 800

# ------------------------------------------------------------------------------------------------------ the RFCs
# Obsoleted -> what to cite instead.
OBSOLETE = {
    675: "9293", 760: "791", 761: "9293", 777: "792", 793: "9293", 813: "9293 3.8.6", 816: "9293 3.9.2", 879: "9293 3.7.1",
    896: "9293 3.7.4", 988: "1112", 1054: "1112", 1063: "1191", 1106: "7323", 1072: "7323 and 2018", 1185: "7323", 1323: "7323",
    1349: "2474", 1533: "2132", 1644: "7413", 1883: "8200", 1885: "4443", 1948: "9293 3.4.1", 1970: "4861", 1971: "4862",
    1981: "8201", 2001: "5681", 2068: "9112", 2140: "9040", 2373: "4291", 2385: "5925", 2401: "4301", 2402: "4302", 2406: "4303",
    2414: "5681 and 6928", 2460: "8200", 2461: "4861", 2462: "4862", 2463: "4443", 2481: "3168", 2581: "5681", 2582: "6582",
    2616: "9110 and 9112", 2861: "7661", 2873: "9293", 2988: "6298", 3041: "8981", 3330: "6890", 3448: "5348", 3484: "6724",
    3513: "4291", 3517: "6675", 3697: "6437", 3782: "6582", 4138: "5682", 4294: "8504", 4614: "7414", 4941: "8981",
    4960: "9260", 5246: "8446", 5405: "8085", 5735: "6890", 5996: "7296", 6013: "nothing (historic)", 6093: "9293 3.8.5",
    6347: "9147", 6429: "9293 3.8.6.1", 6434: "8504", 6528: "9293 3.4.1", 6691: "9293 3.7.1", 6824: "8684", 6937: "9937",
    7230: "9112", 7231: "9110", 7232: "9110", 7233: "9110", 7539: "8439", 7540: "9113", 8312: "9438",
}
RFC_MAP = "docs/rfc-map.md"
HISTORY = re.compile(r"^#+ History\b", re.IGNORECASE)  # the one place where the map may name an obsoleted RFC
STATES = ("done", "differs", "later")
# RFC 9293 appendix B numbers its requirements: MUST-1 to MUST-69 and so on, without a gap.
NUMBERED = {"MUST": 69, "SHLD": 31, "MAY": 18, "REC": 1}

CODE = ("src", "include", "cli", "examples", "tests", "bench", "fuzz")
TEXT_SUFFIXES = {".c", ".h", ".md", ".py", ".sh", ".lua", ".build", ".txt", ".yml", ".html", ".ts", ""}
SKIP_DIRS = {"build", ".git", "__pycache__", "node_modules", "subprojects"}


class File:
    """A text file of the tree, with what several rules want to know of it."""

    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.text = path.read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        parts = self.path.split("/")
        self.top = parts[0]
        self.is_c = parts[-1].endswith((".c", ".h")) and self.top in CODE
        self.room = parts[1] if self.top == "src" and len(parts) > 2 else None
        self._code = None

    def line_of(self, offset):
        return bisect.bisect_right(self.starts, offset)

    @property
    def code(self):
        """The text with comments and the insides of literals blanked; offsets stay."""
        if self._code is None:
            self._code = blank(self.text)
        return self._code


LITERALS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank(text):
    def spaces(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] + re.sub(r"[^\n]", " ", found[1:-1]) + found[0]
        return re.sub(r"[^\n]", " ", found)
    return LITERALS.sub(spaces, text)


class Tree:
    def __init__(self, root, build):
        self.root = Path(root).resolve()
        self.build = Path(build).resolve() if build else None
        self.files = [File(self.root, path) for path in sorted(self.walk(self.root))]
        self.c_files = [file for file in self.files if file.is_c]
        self.by_path = {file.path: file for file in self.files}

    def walk(self, folder):
        for path in folder.iterdir():
            if path.is_symlink():
                continue
            if path.is_dir():
                if path.name not in SKIP_DIRS:
                    yield from self.walk(path)
            elif path.suffix in TEXT_SUFFIXES and path.stat().st_size < 4_000_000:
                yield path

    def core(self, *tops):
        return [file for file in self.c_files if file.top in tops]


RULES = {}     # name -> function(tree) that yields (path, line, message)
COMPILED = {}  # the same, for those that look at tree.build


def rule(name, compiled=False):
    def keep(function):
        (COMPILED if compiled else RULES)[name] = function
        return function
    return keep


# ------------------------------------------------------------------------------------------- rules: who sees whom
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)


def includes(file):
    for match in INCLUDE.finditer(file.text):
        yield file.line_of(match.start()), match.group(1), match.group(2)


def floor_of(file):
    if file.room:
        return ROOMS.get(file.room)
    if file.top == "include":
        return PUBLIC.get(Path(file.path).stem)
    return None


@rule("floors")
def floors(tree):
    """A room includes headers of its own floor and of lower ones only."""
    for file in tree.core("src", "include"):
        floor = floor_of(file)
        if floor is None:
            yield file.path, 1, "this room has no floor in scripts/lint.py (ROOMS, PUBLIC)"
            continue
        for line, quote, name in includes(file):
            if quote == '"' and file.top == "include":
                yield file.path, line, f'a public header includes public headers only, not "{name}"'
            elif quote == '"' and "/" not in name:
                yield file.path, line, f'write the room: #include "{file.room}/{name}"'
            elif quote == '"':
                yield from check_floor(file, line, name, floor, ROOMS.get(name.split("/")[0]))
            elif name.startswith("yeon/"):
                yield from check_floor(file, line, name, floor, PUBLIC.get(Path(name).stem))


def check_floor(file, line, name, mine, theirs):
    if theirs is None:
        yield file.path, line, f"{name} is in no room that scripts/lint.py knows"
    elif theirs > mine:
        yield file.path, line, f"{name} (floor {theirs}) is above this file (floor {mine})"


@rule("public-only")
def public_only(tree):
    """cli/ and examples/ live on the public headers and their own."""
    for file in tree.c_files:
        if UPSTAIRS.get(file.top) != "public":
            continue
        for line, quote, name in includes(file):
            home = tree.root / file.top
            places = [(folder / name).resolve() for folder in ((tree.root / file.path).parent, home)]
            if quote == '"' and not any(place.exists() and place.is_relative_to(home) for place in places):
                yield file.path, line, f'"{name}" is not in {file.top}/; of the library use <yeon/...>'


@rule("pure-core")
def pure_core(tree):
    """Below floor 5: no header through which one reaches the operating system."""
    for file in tree.core("src", "include"):
        floor = floor_of(file)
        if floor is None or floor >= SYSTEM_FLOOR:
            continue
        for line, quote, name in includes(file):
            if quote == "<" and not name.startswith("yeon/") and name.removesuffix(".h") not in PURE_HEADERS:
                yield file.path, line, f"<{name}> has no place below floor {SYSTEM_FLOOR}: no system call, clock or ambient randomness"


# ---------------------------------------------------------------------------------------------- rules: shape of code
FUNCTION_HEAD = re.compile(r"\)\s*(?:__attribute__\s*\(\(.*\)\)\s*)?$", re.DOTALL)


def functions(file):
    """(name, first line, last line) of every function defined in a C file."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda match: re.sub(r"[^\n]", " ", match.group(0)), file.code, flags=re.MULTILINE)
    depth = 0
    head = 0  # where the current top-level declaration began
    opened = None
    for match in re.finditer(r'[{};]|extern "C"\s*\{|extern "\s*"\s*\{', code):
        token = match.group(0)
        if token.startswith("extern"):
            head = match.end()
        elif token == "{":
            if depth == 0:
                text = code[head:match.start()]
                opened = (text, head) if FUNCTION_HEAD.search(text.rstrip()) and "=" not in text else None
            depth += 1
        elif token == "}":
            depth = max(0, depth - 1)
            if depth == 0:
                if opened:
                    text, start = opened
                    start += len(text) - len(text.lstrip())
                    name = re.search(r"(\w+)\s*\(", text)
                    yield (name.group(1) if name else "?"), file.line_of(start), file.line_of(match.start())
                    opened = None
                head = match.end()
        elif depth == 0:
            head = match.end()


@rule("function-length")
def function_length(tree):
    """A function fits a screen."""
    for file in tree.c_files:
        for name, first, last in functions(file):
            if last - first + 1 > FUNCTION_LINES:
                yield file.path, first, f"{name} has {last - first + 1} lines, {FUNCTION_LINES} are allowed"


@rule("file-length")
def file_length(tree):
    """A file is one talk."""
    for file in tree.files:
        if (file.is_c or file.path.endswith((".py", ".lua", ".sh"))) and len(file.lines) - 1 > FILE_LINES:
            yield file.path, FILE_LINES + 1, f"{len(file.lines) - 1} lines, {FILE_LINES} are allowed: is it one room, or two?"


@rule("no-if")
def no_if(tree):
    """No #if in src/ and include/ but include guards and C++ linkage: features are run-time choices."""
    for file in tree.core("src", "include"):
        code = file.code.split("\n")
        guard = None
        for number, line in enumerate(code, 1):
            match = re.match(r"\s*#\s*(if|ifdef|ifndef|elif|else)\b\s*(.*)", line)
            if not match:
                continue
            word, rest = match.group(1), match.group(2).strip()
            following = code[number].split() if number < len(code) else []
            if word == "ifndef" and guard is None and file.path.endswith(".h") and following[:2] == ["#define", rest]:
                guard = rest
            elif not (word == "ifdef" and rest == "__cplusplus" and file.top == "include"):
                yield file.path, number, f"#{word} {rest}".rstrip() + ": make it a run-time choice, or a file of link/ or lab/"


@rule("guard")
def guards(tree):
    """A header has an include guard, named for its path."""
    for file in tree.core("src", "include"):
        if not file.path.endswith(".h"):
            continue
        wanted = re.sub(r"\W", "_", file.path.split("/", 1)[1]).upper()
        if not re.search(rf"^#ifndef {wanted}\n#define {wanted}$", file.text, re.MULTILINE):
            yield file.path, 1, f"the include guard should be {wanted}"


@rule("typedef")
def no_t_typedef(tree):
    """Structs are `struct x`: the names in _t belong to the system."""
    for file in tree.c_files:
        for match in re.finditer(r"\btypedef\b[^;{]*?\b(\w+_t)\s*;|\}\s*(\w+_t)\s*;", file.code):
            yield file.path, file.line_of(match.start()), f"{match.group(1) or match.group(2)}: no _t names"


@rule("unfinished")
def unfinished(tree):
    """Nothing is left for later in a comment: the issues have that."""
    marks = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    for file in tree.files:
        if file.path.startswith(("scripts/lint.py", "tests/lint/")):
            continue
        for match in marks.finditer(file.text):
            yield file.path, file.line_of(match.start()), f"{match.group(0)}: finish it, or make it an issue"


@rule("machine-path")
def machine_path(tree):
    """No path of somebody's machine."""
    paths = re.compile(r"(?<![\w.}*/-])/(?:home|root|Users|work|farm)/[\w.]")
    for file in tree.files:
        for match in paths.finditer(file.text):
            yield file.path, file.line_of(match.start()), f"a path of one machine: {file.lines[file.line_of(match.start()) - 1].strip()[:60]}"


# ----------------------------------------------------------------------------------------------- rules: the RFCs
CITATION = re.compile(r"\bRFCs?[ -]?(\d{3,4})\b")
SEPARATOR = re.compile(r"(?:\s*(?:,|;|/|-|\u2013|\band\b|\bto\b)\s*|\s+)(?:and\s+)?")
SECTION_WORD = re.compile(r"(?:sections?|sec\.|\u00a7+|appendix)\s*", re.IGNORECASE)
SECTION = re.compile(r"(?:\d{1,2}(?:\.\d{1,2})+|[A-Z](?:\.\d{1,2})+)(?![\w])")
BARE = re.compile(r"(?:[1-9]\d?|[A-Z])(?=\s*(?:[,;:().\-]|and\b|\*/|$))")
BARE_AFTER_WORD = re.compile(r"(?:\d{1,2}|[A-Z])\b")
NUMBER = re.compile(r"\d{3,4}(?=\s*(?:[,;:()/]|\.(?!\d)|and\b|\*/|$|\d+\.\d))")


def one_line(text):
    """Comment furniture at line starts becomes blanks, so that a citation may wrap. Offsets stay."""
    return re.sub(r"\n[ \t]*(?:\*(?!/)|//|#)?[ \t]*", lambda match: " " * len(match.group(0)), text)


def citations(text, known):
    """(offset, rfc, section or None) for every citation: "RFC 9293 3.1, 3.2; 7323 2.3", "RFC 5681/6582", "RFC 5961 section 7".

    A bare number after a separator is an RFC only if it is in `known`, so that "RFC 1122, 536 bytes" is read right.
    """
    flat = one_line(text)
    for match in CITATION.finditer(flat):
        rfc, at = int(match.group(1)), match.end()
        sections = 0
        start = match.start()
        while True:
            gap = SEPARATOR.match(flat, at)
            place = gap.end() if gap else at
            word = SECTION_WORD.match(flat, place)
            place = word.end() if word else place
            found = gap and SECTION.match(flat, place)
            if gap and not found and (word or sections or not gap.group(0).strip()):
                found = (BARE_AFTER_WORD if word else BARE).match(flat, place)
            if found:
                yield place, rfc, found.group(0)
                sections += 1
                at = found.end()
                continue
            number = gap and gap.group(0).strip() and not word and NUMBER.match(flat, place)
            if number and (int(number.group(0)) in known or int(number.group(0)) in OBSOLETE):
                if not sections:
                    yield start, rfc, None
                rfc, start, sections, at = int(number.group(0)), place, 0, number.end()
                continue
            break
        if not sections:
            yield start, rfc, None


LEVEL = re.compile(r"(?:(MUST|SHLD|MAY|REC)-(\d+)|(MUST|SHOULD|MAY)(?: NOT)?): ")


class Row:
    """A row of docs/rfc-map.md: | RFC | section | what | where | test | state |, "what" perhaps after its level."""

    def __init__(self, line, cells):
        self.line = line
        self.rfc, section, self.what, self.where, self.test, self.state = cells
        self.sections = [part.strip() for part in section.split(",") if part.strip()]
        level = LEVEL.match(self.what)
        self.number = (level.group(1), int(level.group(2))) if level and level.group(1) else None
        self.level = {"SHLD": "SHOULD", "REC": "SHOULD"}.get(level.group(1), level.group(1) or level.group(3)) if level else None
        self.kind = self.state.split(":")[0].split(" ")[0]


def map_rows(tree):
    file = tree.by_path.get(RFC_MAP)
    for number, line in enumerate(file.lines if file else [], 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 6 and re.fullmatch(r"\d{3,4}", cells[0]):
            yield Row(number, cells)


def known_rfcs(tree):
    return {int(row.rfc) for row in map_rows(tree)}


@rule("obsolete-rfc")
def obsolete_rfc(tree):
    """No citation of an RFC that another has replaced."""
    known = known_rfcs(tree)
    for file in tree.files:
        if file.path == "scripts/lint.py" or file.path.startswith("tests/lint/"):
            continue
        history = next((number for number, line in enumerate(file.lines, 1) if HISTORY.match(line)), None) \
            if file.path == RFC_MAP else None
        for offset, rfc, _ in citations(file.text, known):
            line = file.line_of(offset)
            if rfc in OBSOLETE and not (history and line > history):
                yield file.path, line, f"RFC {rfc} is obsolete; cite RFC {OBSOLETE[rfc]}"
        if file.path == RFC_MAP:
            for row in map_rows(tree):
                if int(row.rfc) in OBSOLETE:
                    yield file.path, row.line, f"RFC {row.rfc} is obsolete; cite RFC {OBSOLETE[int(row.rfc)]}"


@rule("rfc-map")
def rfc_map(tree):
    """Every section that src/ and include/ cite has a row in docs/rfc-map.md."""
    rows = list(map_rows(tree))
    known = {int(row.rfc) for row in rows}
    mapped = {(int(row.rfc), section) for row in rows for section in row.sections}
    for file in tree.core("src", "include"):
        for offset, rfc, section in citations(file.text, known):
            if section is None and rfc not in known and rfc not in OBSOLETE:
                yield file.path, file.line_of(offset), f"RFC {rfc} has no row in {RFC_MAP}"
            elif section is not None and (rfc, section) not in mapped:
                yield file.path, file.line_of(offset), f"RFC {rfc} {section} has no row in {RFC_MAP}"


@rule("rfc-map-row")
def rfc_map_row(tree):
    """A row of the map names files, functions and tests that exist, and one of the known states."""
    core = "\n".join(file.text for file in tree.core("src", "include"))
    tests = "\n".join(file.text for file in tree.files
                      if file.top in ("tests", "fuzz", "bench", "cli") and not file.path.startswith("tests/lint/"))
    words = {"where": set(re.findall(r"\w+", core)), "test": set(re.findall(r"\w+", tests))}
    for row in map_rows(tree):
        for column, cell in (("where", row.where), ("test", row.test)):
            for name in re.findall(r"`([^`]+)`", cell):
                if "/" in name:
                    there = any((tree.root / base / name).exists() for base in ("src", "include", "tests", "."))
                else:
                    there = name in words[column] or any(file.path.endswith("/" + name) for file in tree.files)
                if not there:
                    yield RFC_MAP, row.line, f"{column}: `{name}` is not there"
        if row.kind not in STATES:
            yield RFC_MAP, row.line, f'state "{row.state}": begin with one of {", ".join(STATES)}'
        if row.kind == "done" and "`" not in row.where:
            yield RFC_MAP, row.line, "done, but where?"
        if row.kind == "done" and "`" not in row.test and not (row.test.startswith("none: ") and row.level != "MUST"):
            yield RFC_MAP, row.line, 'done, but which test shows it? (or "none: " and why there can be none; never for a MUST)'
        if row.level == "MUST" and row.kind != "done" and "`" not in row.test:
            yield RFC_MAP, row.line, "a MUST has a test, also where we differ: it shows how"
        if row.kind in ("differs", "later") and ": " not in row.state:
            yield RFC_MAP, row.line, f"{row.kind}: how, and why?"


@rule("rfc-map-numbers")
def rfc_map_numbers(tree):
    """Every numbered requirement of RFC 9293 has one row of its own."""
    seen = {}
    for row in map_rows(tree):
        if not row.number:
            continue
        name, number = row.number
        if row.rfc != "9293" or not 1 <= number <= NUMBERED[name]:
            yield RFC_MAP, row.line, f"RFC {row.rfc} has no {name}-{number}"
        elif row.number in seen:
            yield RFC_MAP, row.line, f"{name}-{number} has a row already, line {seen[row.number]}"
        seen.setdefault(row.number, row.line)
    for name, last in NUMBERED.items():
        for number in range(1, last + 1):
            if (name, number) not in seen:
                yield RFC_MAP, 1, f"{name}-{number} of RFC 9293 has no row"


TOTALS = ("MUST", "SHOULD", "MAY")


def totals(tree):
    """The lines of the map's table of totals, counted from the rows above it."""
    file = tree.by_path[RFC_MAP]
    end = next((number for number, line in enumerate(file.lines, 1) if line == "## Totals"), len(file.lines))
    rows = [row for row in map_rows(tree) if row.line < end]
    for name, chosen in (("numbered in RFC 9293", [row for row in rows if row.number]),
                         ("of all RFCs", [row for row in rows if row.level])):
        for level in TOTALS:
            mine = [row for row in chosen if row.level == level]
            counts = [sum(row.kind == kind for row in mine) for kind in STATES]
            tested = sum("`" in row.test for row in mine)
            yield f"| {level}, {name} | {len(mine)} | " + " | ".join(map(str, counts)) + f" | {tested} |"
    yield f"| rows altogether | {len(rows)} | " + " | ".join(str(sum(row.kind == kind for row in rows)) for kind in STATES) \
        + f" | {sum('`' in row.test for row in rows)} |"


@rule("rfc-map-totals")
def rfc_map_totals(tree):
    """The totals at the end of the map are those of its rows."""
    file = tree.by_path.get(RFC_MAP)
    for line in totals(tree) if file else ():
        if line not in file.lines:
            yield RFC_MAP, len(file.lines), f"the totals should say {line}"


# ------------------------------------------------------------------------------------------------ rules: documents
@rule("drill-listed")
def drill_listed(tree):
    """A drill script that no list has is never run. tests/drill/self is read as a folder."""
    lists = tree.by_path.get("tests/drill/meson.build")
    for path in sorted((tree.root / "tests/drill").glob("*/*.pkt")) if lists else ():
        name = f"{path.parent.name}/{path.name}"
        names = {name} | {name.replace(word, "@0@") for word in ("ipv4", "ipv6", "freebsd", "lecture", "windows")}
        if path.parent.name != "self" and not any(f"'{one}'" in lists.text for one in names):
            yield f"tests/drill/{name}", 1, f"no list of {lists.path} has it, so it never runs"


@rule("links")
def links(tree):
    """What a document points to exists: links, and paths of this repository between backticks."""
    path_like = re.compile(r"`((?:src|include|cli|examples|tests|bench|fuzz|scripts|docs)/[\w./-]*)`")
    for file in tree.files:
        if not file.path.endswith(".md"):
            continue
        folder = (tree.root / file.path).parent
        for match in re.finditer(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", file.text):
            target = match.group(1)
            if not re.match(r"[a-z]+:", target) and not (folder / target).exists():
                yield file.path, file.line_of(match.start()), f"link to {target}, which is not there"
        for match in path_like.finditer(file.text):
            target = match.group(1)
            if not any((tree.root / (target + suffix)).exists() for suffix in ("", ".c", ".h")):
                yield file.path, file.line_of(match.start()), f"`{target}` is not there"


# ----------------------------------------------------------------------------------- rules on what was compiled
def objdump(tree, path):
    """(object name, section, symbol) of everything defined, section "*UND*" for what is only used."""
    found = subprocess.run(["objdump", "-t", str(path)], capture_output=True, text=True, check=True).stdout
    name = ""
    for line in found.splitlines():
        head = re.match(r"(\S+):\s+file format", line)
        if head:
            name = head.group(1)
            continue
        parts = re.match(r"[0-9a-f]{8,16} (.{7}) (\S+)\t\s*([0-9a-f]+)\s+(?:\.hidden |\.protected |\.internal )?(\S+)", line)
        if parts:
            yield name, parts.group(1), parts.group(2), parts.group(4)


def source_of(tree, object_name):
    """src_tcp_input.c.o -> the file src/tcp/input.c."""
    for file in tree.c_files:
        if file.path.replace("/", "_") + ".o" == object_name:
            return file
    return None


def place_of(tree, object_name, symbol):
    file = source_of(tree, object_name)
    if not file:
        return object_name, 1
    match = re.search(rf"\b{re.escape(symbol.split('.')[0])}\b", file.code)
    return file.path, file.line_of(match.start()) if match else 1


@rule("no-mutable-state", compiled=True)
def no_mutable_state(tree):
    """No variable that outlives a call: the library has no writable section, file-scope or static-local."""
    for name, flags, section, symbol in objdump(tree, tree.build / "libyeon.a"):
        writable = re.match(r"\.(t?bss|t?data)\b|\*COM\*", section) and not section.startswith(".data.rel.ro")
        if writable and "d" not in flags and symbol != section:
            path, line = place_of(tree, name, symbol)
            yield path, line, f"{symbol} is a variable that outlives the call ({section}); pass it, or make it const"


@rule("no-system", compiled=True)
def no_system(tree):
    """Below floor 5 the objects call nothing but memory, string and assert functions of the C library."""
    symbols = list(objdump(tree, tree.build / "libyeon.a"))
    ours = {symbol for _, _, section, symbol in symbols if section != "*UND*"}
    for name, _, section, symbol in symbols:
        file = source_of(tree, name)
        floor = floor_of(file) if file else None
        if section == "*UND*" and floor is not None and floor < SYSTEM_FLOOR and symbol not in ours \
                and not PURE_CALLS.match(symbol):
            path, line = place_of(tree, name, symbol)
            yield path, line, f"calls {symbol}: no system call, clock or ambient randomness below floor {SYSTEM_FLOOR}"


@rule("exports", compiled=True)
def exports(tree):
    """The shared library exports yeon_* and nothing else, and all that the public headers declare."""
    library = tree.build / "libyeon.so"
    found = subprocess.run(["nm", "-D", "--defined-only", str(library)], capture_output=True, text=True, check=True).stdout
    exported = {line.split()[-1].split("@")[0] for line in found.splitlines() if line.strip()}
    for symbol in sorted(exported):
        if not symbol.startswith("yeon_"):
            yield "libyeon.so", 1, f"exports {symbol}"
    for file in tree.core("include"):
        for match in re.finditer(r"(?<!define )\bYEON_API\b[^;{]*?\b(\w+)\s*\(", file.code):
            if match.group(1) not in exported:
                yield file.path, file.line_of(match.start()), f"{match.group(1)} is declared and nowhere defined"


# -------------------------------------------------------------------------------------------------------- the run
def main(arguments):
    parser = argparse.ArgumentParser(description="the rules of the house")
    parser.add_argument("--root", default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--build", help="a build directory with libyeon.a and libyeon.so")
    parser.add_argument("--tap", action="store_true")
    parser.add_argument("--rules", action="store_true", help="only name the rules")
    options = parser.parse_args(arguments)
    rules = {**RULES, **(COMPILED if options.build or options.rules else {})}
    if options.rules:
        for name, function in rules.items():
            print(f"{name:18}{function.__doc__.splitlines()[0]}")
        return 0
    tree = Tree(options.root, options.build)
    if options.tap:
        print(f"1..{len(rules)}")
    total = 0
    for number, (name, function) in enumerate(rules.items(), 1):
        broken = [f"{path}:{line}: {name}: {message}" for path, line, message in function(tree)]
        total += len(broken)
        if options.tap:
            print(f"{'not ' if broken else ''}ok {number} - {name}")
        for text in broken:
            print(f"# {text}" if options.tap else text)
    if not options.tap:
        print(f"lint: {len(rules)} rules, {len(tree.files)} files, {total} violation{'' if total == 1 else 's'}")
    return 1 if total and not options.tap else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
