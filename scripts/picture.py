#!/usr/bin/env python3
"""Draws docs/run.svg, the picture in the README, from what the first act of `make run` really prints on a terminal.

  picture.py [--build DIR] [--size BYTES] [--out FILE]

The text keeps its colours as classes, with one palette for light pages and one for dark ones; each piece has its length in columns, so that the
drawing holds together whatever font the reader has."""
import argparse
import fcntl
import html
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLUMNS, CELL, LINE, MARGIN = 80, 8.4, 18, 16
COLOUR = re.compile(r"\x1b\[([\d;]*)m")
CLASSES = {"31": "bad", "32": "good", "33": "warn", "36": "calm"}
STYLE = """
  .page { fill: #ffffff; stroke: #d0d7de } text { fill: #1f2328; font: 14px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace }
  .bad { fill: #cf222e } .good { fill: #1a7f37 } .warn { fill: #9a6700 } .calm { fill: #0969da } .say { fill: #59636e }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #3d444d } text { fill: #e6edf3 }
    .bad { fill: #ff7b72 } .good { fill: #56d364 } .warn { fill: #e3b341 } .calm { fill: #79c0ff } .say { fill: #9198a1 }
  }"""


def record(command):
    """What it prints on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    env = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd=ROOT, env=env) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                got = os.read(ours, 65536)
            except OSError:  # so a terminal ends
                break
            if not got:
                break
            said += got
    os.close(ours)
    if process.returncode != 0:
        sys.exit(f"the story ended with {process.returncode}:\n{said.decode(errors='replace')}")
    return said.decode().replace("\r", "").split("\n")


def choose(lines):
    """The command, what happens, the cut and the recovery."""
    def index(words, after=0):
        return next(i for i in range(after, len(lines)) if words in COLOUR.sub("", lines[i]))
    command = index("$ yeon run")
    handshake, cut = index("The handshake."), index("The cut.")
    close = index("The close.")
    summary, over = index("connections ", close), index("survived ", close)
    return lines[command:handshake - 1] + [""] + lines[cut:close - 1] + [""] + [
        line for line in lines[summary:over + 1] if re.match("  [cs][a-z]", line) and "cable" not in line]


def pieces(line):
    """[(column, text, class)]"""
    found, name, column = [], "", 0
    for i, part in enumerate(COLOUR.split(line)):
        if i % 2:
            name = CLASSES.get(part.split(";")[-1], "")
        elif part:
            found.append((column, part, name))
            column += len(part)
    return found


def draw(lines):
    # A browser's monospace font; where there is none, textLength still holds the columns.
    width, height = COLUMNS * CELL + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" role="img">',
           "<title>yeon run: curl downloads from python's web server; the cable is pulled for three seconds, and the download comes out whole</title>",
           f"<style>{STYLE}\n</style>", f'<rect class="page" x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1}" rx="8"/>']
    for row, line in enumerate(lines):
        for column, text, name in pieces(line):
            if not name and re.match(r"[A-Za-z]", line):
                name = "say"
            kind = f' class="{name}"' if name else ""
            for words in re.finditer(r"\S+( \S+)*", text):
                x, y, wide = MARGIN + (column + words.start()) * CELL, MARGIN + row * LINE + 13, len(words[0]) * CELL
                out.append(f'<text x="{x:.1f}" y="{y}" textLength="{wide:.1f}" lengthAdjust="spacingAndGlyphs"{kind}>{html.escape(words[0])}</text>')
    return "\n".join(out) + "\n</svg>\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--size", default=str(1 << 30))
    parser.add_argument("--out", default=str(ROOT / "docs" / "run.svg"))
    options = parser.parse_args()
    lines = choose(record(["scripts/story.sh", "--act", "1", "--size", options.size, "--build", options.build]))
    Path(options.out).write_text(draw(lines), encoding="utf-8")
    print(f"{options.out}: {len(lines)} lines")


if __name__ == "__main__":
    main()
