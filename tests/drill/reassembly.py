#!/usr/bin/env python3
"""Reassembly, all of it within bounds: four hundred bytes, cut at any hundred, so ten possible segments, overlapping as they like.

  reassembly.py YEON        TAP

Every sequence of up to three of them, and every order of four different ones that together are all of the bytes. After each segment the host acknowledges
at once what is there without a gap (RFC 9293 3.10.7.4, seventh; RFC 5681 4.2; MAY-13), and what the application then reads is as long. A set of
hundreds is the model: nothing about windows, rings or ranges is known here.
"""
import random
import sys
from itertools import permutations, product

from matrix import OPEN, PEER, Cell, run, spoil, tell

PIECES = [(first, last) for first in range(4) for last in range(first + 1, 5)]


def sequences():
    for count in (1, 2, 3):
        yield from product(PIECES, repeat=count)
    for four in permutations(PIECES, 4):
        if set().union(*(range(*piece) for piece in four)) == set(range(4)):
            yield four


def script(pieces):
    here, lines = set(), list(OPEN)
    for first, last in pieces:
        here |= set(range(first, last))
        edge = next(n for n in range(5) if n not in here)
        length = (last - first) * 100
        lines.append(f"+.01 < P. {1001 + first * 100}:{1001 + last * 100}({length}) ack 1001 {PEER}")
        lines.append(f"+0~+.05 > . 1001:1001(0) ack {1001 + edge * 100}")
    text = str(edge * 100) if edge else "-1 EAGAIN (Resource temporarily unavailable)"
    name = "-".join(f"{first}{last}" for first, last in pieces)
    lines += [f"+0 read(4, ..., 1000) = {text}", "+0 %{ assert tcpi_unacked == 0 }%"]
    return Cell(name, "", (), None, "", [f"// Hundreds, first to last: {name}"] + lines, 1 + len(OPEN))


def main(yeon):
    some = [script(pieces) for pieces in sequences()]
    names = {cell.name for cell in some}
    print("1..2")
    lines, good, _ = run(yeon, some, "ipv4")
    told = [line for line in lines if line and not line.startswith("ok ")]
    tell(1, good == names, f"{len(good)} of {len(some)} sequences of up to four segments", told[:100])
    chance = random.Random(9293)
    wrong = [spoil(cell, chance) for cell in some[::97]]
    _, good, bad = run(yeon, wrong, "ipv6")
    tell(2, not good and bad == {cell.name for cell in wrong}, f"{len(wrong)} wrong ones are noticed", sorted(good))


if __name__ == "__main__":
    main(sys.argv[1])
