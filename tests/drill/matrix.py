#!/usr/bin/env python3
"""Every state x every event: generates a script for each cell, runs them, and keeps the table in docs/drill-matrix.md.

  matrix.py YEON TABLE            TAP: all scripts over IPv4 and IPv6, the table is as committed and has no hole, and wrong scripts are noticed
  matrix.py --table FILE          writes the table
  matrix.py --scripts FOLDER      writes the scripts, to look at

A script has three parts: how the host comes into the state; the event and what it answers at once (matrix_rules.py, from RFC 9293 3.10); and the
proof of where it is then: what the socket reads, its state by name, how many segments are not acknowledged, and a probe, the answer to which tells
SND.NXT and RCV.NXT, or that there is no connection.
"""
import random
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from matrix_calls import CALLS, call
from matrix_rules import DIFFERENCES, MODULUS, NUMBERS, WINDOW, Segment, Tcb, arrives

PEER = f"win {WINDOW}"
SOCKET = ["0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [10000], 4) = 0",
          "+0 setsockopt(3, SOL_TCP, TCP_MAXSEG, [1000], 4) = 0",  # the first window is whole segments
          "+0 setsockopt(3, SOL_TCP, TCP_QUICKACK, [1], 4) = 0",   # and a FIN's acknowledgment may wait
          "+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0"]
LISTENS = SOCKET + ["+0 bind(3, ..., ...) = 0", "+0 listen(3, 1) = 0"]
HALF = LISTENS + [f"+0 < S 0:0(0) {PEER} <mss 1000>", f"+0 > S. 0:0(0) ack 1 {PEER} <...>"]
CONNECTS = SOCKET + ["+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)", f"+0 > S 0:0(0) {PEER} <...>"]
# Open, and a thousand bytes each way, so that there are numbers below; with the listener gone, CLOSED is CLOSED.
OPEN = HALF + [f"+.1 < . 1:1(0) ack 1 {PEER}", "+0 accept(3, ..., ...) = 4", "+0 close(3) = 0", "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
               "+0 write(4, ..., 1000) = 1000", "+0 > P. 1:1001(1000) ack 1", f"+.01 < P. 1:1001(1000) ack 1001 {PEER}",
               "+0 > . 1001:1001(0) ack 1001", "+0 read(4, ..., 1000) = 1000"]
ENDED_HERE = OPEN + ["+0 shutdown(4, SHUT_WR) = 0", f"+0 > F. 1001:1001(0) ack 1001 {PEER}"]
ENDED_HERE_KNOWN = ENDED_HERE + [f"+.01 < . 1001:1001(0) ack 1002 {PEER}"]
ENDED_THERE = OPEN + [f"+.01 < F. 1001:1001(0) ack 1001 {PEER}", "+0 > . 1001:1001(0) ack 1002"]

# Key, state, script, where its numbers stand. Text or a FIN is outstanding wherever that is possible, so that "new" differs from "current".
STATES = (
    ("closed", Tcb("CLOSED"), []),
    ("listen", Tcb("LISTEN"), LISTENS),
    ("sent", Tcb("SYN-SENT", 0, 1, passive=False), CONNECTS),
    ("rcvd", Tcb("SYN-RECEIVED", 0, 1, 1), HALF),
    ("both", Tcb("SYN-RECEIVED", 0, 1, 1, passive=False), CONNECTS + [f"+.1 < S 0:0(0) {PEER} <mss 1000>", "+0 > S. 0:0(0) ack 1 <...>"]),
    ("est", Tcb("ESTABLISHED", 1001, 2001, 1001), OPEN + ["+0 write(4, ..., 1000) = 1000", f"+0 > P. 1001:2001(1000) ack 1001 {PEER}"]),
    ("fw1", Tcb("FIN-WAIT-1", 1001, 1002, 1001, fin=True), ENDED_HERE),
    ("fw2", Tcb("FIN-WAIT-2", 1002, 1002, 1001, fin=True), ENDED_HERE_KNOWN),
    ("cw", Tcb("CLOSE-WAIT", 1001, 2001, 1002), ENDED_THERE + ["+0 write(4, ..., 1000) = 1000", f"+0 > P. 1001:2001(1000) ack 1002 {PEER}"]),
    ("closing", Tcb("CLOSING", 1001, 1002, 1002, WINDOW - 1, fin=True),
     ENDED_HERE + [f"+.01 < F. 1001:1001(0) ack 1001 {PEER}", f"+0 > . 1002:1002(0) ack 1002 win {WINDOW - 1}"]),
    ("last", Tcb("LAST-ACK", 1001, 1002, 1002, fin=True), ENDED_THERE + ["+0 shutdown(4, SHUT_WR) = 0", f"+0 > F. 1001:1001(0) ack 1002 {PEER}"]),
    ("tw", Tcb("TIME-WAIT", 1002, 1002, 1002, WINDOW - 1, fin=True),
     ENDED_HERE_KNOWN + [f"+.01 < F. 1001:1001(0) ack 1002 {PEER}", f"+0 > . 1002:1002(0) ack 1002 win {WINDOW - 1}"]))


KINDS = (("SYN", "S", 0), ("FIN", "F", 0), ("RST", "R", 0), ("data", "P", 100), ("ACK", "", 0))
ACKS = ("none", "ancient", "old", "current", "new", "beyond")
PLACES = ("below", "again", "across", "left", "inside", "right", "beyond")


def place(where, t, length, space):
    """SEG.SEQ. 'again' ends just at RCV.NXT; 'right' is the last number of the window, 'beyond' the first after it."""
    rcv = t.rcv or 1
    at = {"below": rcv - 800 - space, "again": rcv - max(space, 1), "across": rcv - length // 2, "left": rcv, "inside": rcv + 500,
          "right": rcv + t.window - 1, "beyond": rcv + t.window}
    return at[where] % MODULUS


def acknowledgment(which, t):
    at = {"none": 0, "ancient": t.una - WINDOW - 1, "old": t.una - 500, "current": t.una, "new": t.nxt, "beyond": t.nxt + 1}
    return at[which] % MODULUS


def segments():
    """Rows and columns: kind, acknowledgment, place."""
    for kind, flag, length in KINDS:
        for which in ACKS:
            if kind == "ACK" and which == "none":
                continue  # no flag at all is no segment of TCP
            for where in PLACES:
                yield kind, flag, length, which, where


def event_line(s):
    end = (s.seq + s.length) % MODULUS
    ack = f" ack {s.ack}" if s.has(".") else ""
    return f"+.01 < {s.flags} {s.seq}:{end}({s.length}){ack} {PEER}" + (" <mss 1000>" if s.has("S") else "")


def answer_line(answer, delayed):
    flags, seq, ack = answer
    if flags == "R.":  # of no connection: as it stands on the wire
        return f"+0 > R. 0:0(0)! ack {ack}!"
    when = "+0~+.05" if delayed else "+0"  # 3.8.6.3: an acknowledgment of text in order may wait
    return f"{when} > {flags} {seq}:{seq}(0)" + (f" ack {ack}" if ack is not None else "") + (" <...>" if "S" in flags else "")


def reading(t):
    """What read() says: text, nothing yet, the end, or the error."""
    if t.text:
        return str(t.text)
    if t.ended == "refused":
        return "-1 ECONNREFUSED (Connection refused)"
    if t.ended == "reset":
        return "-1 ECONNRESET (Connection reset by peer)"
    ends = ("CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT", "CLOSED")
    return "0" if t.state in ends else "-1 EAGAIN (Resource temporarily unavailable)"


def probe(t, rcv, nxt):
    """Text from long ago: answered with SND.NXT and RCV.NXT where there is a connection, with a reset where not."""
    base = (rcv - 900) % MODULUS
    sent = f"+.01 < P. {base}:{(base + 10) % MODULUS}(10) ack {t.una} {PEER}"
    return [sent, f"+0 > R {t.una}:{t.una}(0)" if t.state in ("CLOSED", "LISTEN") else f"+0 > . {nxt}:{nxt}(0) ack {rcv}"]


def proof(t, before, fd):
    """That the host is in t.state, with t's numbers, and has sent nothing more."""
    if before.state == "CLOSED":
        return ["+.01 < . 1:1(0) ack 5 win 1000", "+0 > R 5:5(0)"]
    refused = "+0 accept(3, ..., ...) = -1 EAGAIN (Resource temporarily unavailable)"
    if t.state == "LISTEN":  # an acknowledgment that would complete a handshake is reset
        return [refused, "+0 %{ assert tcpi_state == TCP_LISTEN }%", f"+.01 < . 1:1(0) ack 1 {PEER}", "+0 > R 1:1(0)"]
    lines = []
    if t.state == "SYN-RECEIVED" and t.passive:  # the handshake goes on
        lines += [refused, f"+.01 < . 1:1(0) ack 1 {PEER}"]
        t = Tcb("ESTABLISHED", 1, 1, 1)
    if before.passive and before.state in ("LISTEN", "SYN-RECEIVED"):
        lines += ["+0 accept(3, ..., ...) = 4", "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0"]
    if t.state == "SYN-SENT":
        return ["+0 %{ assert tcpi_state == TCP_SYN_SENT }%", f"+.005 < . 0:0(0) ack 77 {PEER}", "+0 > R 77:77(0)"]  # before the SYN goes again for it
    lines += [f"+0 read({fd}, ..., 20000) = {reading(t)}", f"+0 %{{ assert tcpi_state == {NUMBERS[t.state]}, tcpi_state }}%"]
    if t.state not in ("CLOSED", "SYN-RECEIVED", "TIME-WAIT"):
        lines.append(f"+0 %{{ assert tcpi_unacked == {int(t.una != t.nxt)}, tcpi_unacked }}%")
    lines += probe(t, t.rcv, t.nxt)
    if t.held and t.held < before.window - 1:  # what was held is there: the gap closes and all of it counts
        lines += [f"+.01 < P. {t.rcv}:{t.rcv + t.held}({t.held}) ack {t.una} {PEER}",
                  f"+0 > . {t.nxt}:{t.nxt}(0) ack {t.rcv + t.held + t.held_len + t.held_fin}", f"+0 read({fd}, ..., 20000) = {t.held + t.held_len}"]
    return lines


def segment_cell(t, row):
    kind, flag, length, which, where = row
    space = length + (kind in ("SYN", "FIN"))
    if where == "across" and kind != "data":
        return None
    s = Segment(flag + ("" if which == "none" else "."), place(where, t, length, space), length, acknowledgment(which, t))
    outcome = arrives(t, s)
    lines = [event_line(s)] + ([answer_line(outcome.answer, s.seq == t.rcv and s.length > 0)] if outcome.answer else [])
    return outcome, lines + proof(outcome.tcb, t, 4 if t.passive else 3)


@dataclass(frozen=True)
class Cell:
    name: str     # of the script
    key: str      # of the state
    row: tuple    # kind and acknowledgment, or the call
    column: str   # place; None for a call
    word: str     # what the table says
    lines: list   # the script
    head: int     # so many lines lead into the state


def cells():
    for key, t, before in STATES:
        rows = {}
        for row in segments():
            number = rows.setdefault((row[0], row[3]), len(rows) + 1)
            found = segment_cell(t, row)
            if found is None:
                continue
            outcome, lines = found
            word = outcome.word + (f" → {outcome.tcb.state}" if outcome.tcb.state != t.state else "") + (f" ({outcome.note})" if outcome.note else "")
            if not before:
                lines[0] = lines[0].replace("+.01", "0", 1)
            title = f"// {t.state}: {row[0]} {row[4]}, acknowledgment {row[3]}: {word}"
            name = f"{key}-{number:02}{'abcdefg'[PLACES.index(row[4])]}"
            yield Cell(name, key, (row[0], row[3]), row[4], word, [title] + before + lines, 1 + len(before))
        for what in CALLS:
            lines, word = call(what, key, t, before)
            yield Cell(f"{key}-{what}", key, (what,), None, word, [f"// {t.state}: {what}: {word}"] + lines, 1 + len(before))


INTRODUCTION = """# Every state, every event

{count} scripts, run over IPv4 and over IPv6 by the test `drill-matrix`, and written by `tests/drill/matrix.py`, as is this table. What is expected
is in `matrix_rules.py` (segments, RFC 9293 3.10.7) and `matrix_calls.py` (calls, 3.10.2 to 3.10.5), in the RFC's terms; `matrix.py --scripts
FOLDER` writes the scripts.

A cell names its script, behind the state's own name: `08b` under `est` is `est-08b.pkt`. Then comes the answer and, if it is another one, the state
after it:

- **-** nothing; **ack** `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`; **challenge** the same, as RFC 5961 has it; **rst** a reset that the sender of the segment will believe
- **take** the bytes (or the FIN) are the application's; **hold** they are kept until the gap before them closes
- **reset**, **refused** the connection ends, and the application is told

Each script then proves the state: by what the socket reads, by its name, by what is not acknowledged, and by a probe whose answer shows SND.NXT and
RCV.NXT.

The sequence number: *below* the window; *again*: ends where it begins; *across* its left edge (text only, n/a for the rest); at the *left* edge;
*inside*; its last number, at the *right* edge; the first one *beyond*. The acknowledgment: *none*; *ancient*: below SND.UNA - MAX.SND.WND; *old*:
below SND.UNA; *current*: SND.UNA; *new*: SND.NXT, which is the same where nothing is outstanding (FIN-WAIT-2, TIME-WAIT); *beyond* SND.NXT. SYN
with an acknowledgment is the SYN-ACK. CLOSED, LISTEN and SYN-SENT have no window: any number is as good as another there, and the scripts show it.

Letters tell of where the answer is not the RFC's own, or not plain from it:

{letters}
"""


def table(all_cells):
    at = {(c.key, c.row, c.column): c for c in all_cells}
    text = [INTRODUCTION.format(count=len(all_cells), letters="\n".join(f"- **{letter}** {why}" for letter, why in DIFFERENCES.items()))]
    rows = list(dict.fromkeys((row[0], row[3]) for row in segments()))
    text += ["## Calls", "", "| state | " + " | ".join(CALLS) + " |", "|---" * (len(CALLS) + 1) + "|"]
    for key, t, _ in STATES:
        text.append(f"| {t.state} `{key}` | " + " | ".join(f"`{key}-{w}` {at[key, (w,), None].word}" for w in CALLS) + " |")
    for key, t, _ in STATES:
        opened = {"rcvd": ", from LISTEN", "both": ", from SYN-SENT"}.get(key, "")
        text += ["", f"## {t.state}{opened}: `{key}`", "", "| segment | acknowledgment | " + " | ".join(PLACES) + " |", "|---" * (len(PLACES) + 2) + "|"]
        for row in rows:
            found = [at.get((key, row, column)) for column in PLACES]
            text.append(f"| {row[0]} | {row[1]} | " + " | ".join(f"`{c.name[len(key) + 1:]}` {c.word}" if c else "n/a" for c in found) + " |")
    return "\n".join(text) + "\n"


def holes(all_cells, text):
    """Of eleven states, each kind of segment with each number, and each call, there is a cell, and the table has its script."""
    have = {(c.key, c.row, c.column) for c in all_cells}
    want = {(key, (kind, which), where) for key, _, _ in STATES for kind, _, _, which, where in segments() if kind == "data" or where != "across"}
    want |= {(key, (what,), None) for key, _, _ in STATES for what in CALLS}
    missing = [str(w) for w in want ^ have]
    missing += [state for state in NUMBERS if f" {state}" not in text]
    missing += [c.name for c in all_cells if f"`{c.name}`" not in text and f"| `{c.name[len(c.key) + 1:]}` {c.word} |" not in text]
    return missing


def spoil(cell, chance):
    """The script of a cell with one wrong expectation in it."""
    lines = list(cell.lines)
    spots = [n for n in range(cell.head, len(lines)) if re.search(r" > |assert|(read|write|shutdown|close)\(", lines[n])]
    spot = chance.choice(spots)
    line = lines[spot]
    if "tcpi_state" in line:
        right = re.search(r"TCP_\w+", line).group()
        lines[spot] = line.replace(right, chance.choice([name for name in NUMBERS.values() if name != right]))
    elif "tcpi_unacked" in line:
        lines[spot] = re.sub(r"== (\d)", lambda m: f"== {1 - int(m.group(1))}", line)
    elif " > " not in line:
        lines[spot] = re.sub(r"= [^=]*$", "= 77", line)
    elif chance.random() < 0.3:
        lines.insert(spot, line)  # twice, where once is right
    elif " ack " in line:
        lines[spot] = re.sub(r" ack (\d+)", lambda m: f" ack {int(m.group(1)) + 1}", line)
    else:
        lines[spot] = re.sub(r"(\d+):(\d+)", lambda m: f"{int(m.group(1)) + 1}:{int(m.group(2)) + 1}", line)
    return replace(cell, lines=lines)


def write(folder, some):
    for cell in some:
        (Path(folder) / f"{cell.name}.pkt").write_text("\n".join(cell.lines) + "\n")
    return [f"{cell.name}.pkt" for cell in some]


def run(yeon, some, version):
    """The lines of TAP, and what is in them of each script."""
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run([Path(yeon).resolve(), "drill", "--tap", "--ip_version", version, *write(folder, some)], cwd=folder, capture_output=True,
                             text=True, timeout=600)
    good = set(re.findall(r"^ok \d+ - (\S+)\.pkt$", ran.stdout, re.M))
    bad = set(re.findall(r"^not ok \d+ - (\S+)\.pkt", ran.stdout, re.M))
    return ran.stdout.split("\n") + ran.stderr.split("\n"), good, bad


def tell(number, good, name, lines=()):
    print(f"{'ok' if good else 'not ok'} {number} - {name}")
    for line in lines if not good else ():
        print(f"# {line}")


def check(yeon, committed):
    all_cells = list(cells())
    text = table(all_cells)
    print("1..5")
    for number, version in enumerate(("ipv4", "ipv6"), 1):
        lines, good, _ = run(yeon, all_cells, version)
        told = [line for line in lines if line and not line.startswith("ok ")]
        tell(number, good == {c.name for c in all_cells}, f"{len(good)} of {len(all_cells)} scripts of the matrix hold over {version}", told[:200])
    tell(3, Path(committed).read_text() == text, "the table is what the generator writes", ["run: tests/drill/matrix.py --table docs/drill-matrix.md"])
    missing = holes(all_cells, text)
    tell(4, not missing, "the table has no hole", missing)
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    wrong = [spoil(cell, chance) for cell in all_cells]
    _, good, bad = run(yeon, wrong, chance.choice(("ipv4", "ipv6")))
    unseen = {cell.name for cell in wrong} - bad
    tell(5, not unseen and not good, f"a wrong expectation is noticed in each of {len(wrong)} cells",
         [f"seed {seed}"] + [line for cell in wrong if cell.name in unseen for line in cell.lines])


def main(arguments):
    if len(arguments) != 2:
        sys.exit(__doc__)
    if arguments[0] == "--table":
        Path(arguments[1]).write_text(table(list(cells())))
    elif arguments[0] == "--scripts":
        write(arguments[1], list(cells()))
    else:
        check(*arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
