"""Every state of a connection, and every kind of segment that may stray into it: a script for each state, a connection of its own for each
segment. The event that is looked at bears the segment's name as its label."""

PORT = 8080
LISTEN = ["0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "+0 bind(3, ..., ...) = 0", "+0 listen(3, 30) = 0"]
ACCEPTED = ["< {p} S 0:0(0) win 10000 <mss 1000>", "< {p} . 1:1(0) ack 1 win 10000", "accept(3, ..., ...) = {fd}"]
FIN_HERE = ["shutdown({fd}, SHUT_WR) = 0"]
ALL_ACKNOWLEDGED = ["< {p} . 2:2(0) ack 2 win 10000", "close({fd}) = 0"]
RESET_HERE = ["setsockopt({fd}, SOL_SOCKET, SO_LINGER, {{onoff=1, linger=0}}, 8) = 0", "close({fd}) = 0"]
CONNECT = ["socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = {fd}",
           "connect({fd}, {{sa_family=AF_INET, sin_port=htons({port}), sin_addr=...}}, ...) = -1 EINPROGRESS"]

# name: how to get there, the peer's next number, the acknowledgment it would send now, how to leave
STATES = {
    "established": (ACCEPTED, 1, 1, RESET_HERE),
    "fin-wait-1": (ACCEPTED + FIN_HERE, 1, 1, RESET_HERE),
    "fin-wait-2": (ACCEPTED + FIN_HERE + ["< {p} . 1:1(0) ack 2 win 10000"], 1, 2, RESET_HERE),
    "closing": (ACCEPTED + FIN_HERE + ["< {p} F. 1:1(0) ack 1 win 10000"], 2, 1, ALL_ACKNOWLEDGED),
    "close-wait": (ACCEPTED + ["< {p} F. 1:1(0) ack 1 win 10000"], 2, 1, RESET_HERE),
    "last-ack": (ACCEPTED + ["< {p} F. 1:1(0) ack 1 win 10000"] + FIN_HERE, 2, 1, ALL_ACKNOWLEDGED),
    "time-wait": (ACCEPTED + FIN_HERE + ["< {p} F. 1:1(0) ack 2 win 10000"], 2, 2, ["close({fd}) = 0"]),
    "orphan": (ACCEPTED + ["close({fd}) = 0", "< {p} . 1:1(0) ack 2 win 10000"], 1, 2, []),
    "syn-received": (["< {p} S 0:0(0) win 10000 <mss 1000>"], 1, 1, ["< {p} R 1:1(0) win 0"]),
    "syn-sent": (CONNECT, 1, 1, RESET_HERE),
    "listen": ([], 1, 1, []),
    "closed": ([], 1, 1, []),
}


def segments(seq, ack):
    """label: flags, first number, bytes, acknowledgment or None"""
    window = 70000  # beyond any window that is open here
    return {
        "ack": (".", seq, 0, ack),
        "ack-old": (".", seq, 0, ack - 1),
        "ack-very-old": (".", seq, 0, ack - 200000),
        "ack-beyond": (".", seq, 0, ack + 1000),
        "ack-left-of-window": (".", seq - 1, 0, ack),
        "ack-right-of-window": (".", seq + window, 0, ack),
        "data": ("P.", seq, 100, ack),
        "data-old": ("P.", seq - 100, 100, ack),
        "data-half-old": ("P.", seq - 50, 100, ack),
        "data-ahead": ("P.", seq + 100, 100, ack),
        "data-right-of-window": ("P.", seq + window, 100, ack),
        "data-without-ack": ("P", seq, 100, None),
        "data-ack-beyond": ("P.", seq, 100, ack + 1000),
        "fin": ("F.", seq, 0, ack),
        "fin-with-data": ("FP.", seq, 100, ack),
        "fin-ahead": ("F.", seq + 100, 0, ack),
        "fin-old": ("F.", seq - 1, 0, ack),
        "fin-without-ack": ("F", seq, 0, None),
        "reset": ("R", seq, 0, None),
        "reset-with-ack": ("R.", seq, 0, ack),
        "reset-with-ack-beyond": ("R.", seq, 0, ack + 1000),
        "reset-ahead": ("R", seq + 100, 0, None),
        "reset-left-of-window": ("R", seq - 1, 0, None),
        "reset-right-of-window": ("R", seq + window, 0, None),
        "syn": ("S", seq, 0, None),
        "syn-first": ("S", 0, 0, None),
        "syn-ahead": ("S", seq + 100, 0, None),
        "syn-right-of-window": ("S", seq + window, 0, None),
        "syn-ack": ("S.", seq, 0, ack),
        "syn-ack-first": ("S.", 0, 0, ack),
        "syn-ack-beyond": ("S.", 0, 0, ack + 1000),
        "syn-fin": ("SF", seq, 0, None),
        "syn-reset": ("SR", seq, 0, None),
        "nothing": ("-", seq, 0, None),
        "everything": ("FSRPU.", seq, 0, ack),
    }


def packet(ports, segment, absolute):
    flags, seq, n, ack = segment
    seq %= 1 << 32
    text = "< %s %s %d:%d(%d)" % (ports, flags, seq, (seq + n) % (1 << 32), n)
    if ack is not None:
        text += " ack %d" % (ack % (1 << 32))
    return text.replace(" ack", "! ack") + " win 10000" if absolute and ack is not None else text + " win 10000"


def script(state, part):
    into, seq, ack, out = STATES[state]
    lines = ["// Made by matrix.py: segments that stray into %s." % state.upper()]
    lines += [] if state in ("closed", "syn-sent") else LISTEN
    for n, (label, segment) in enumerate(segments(seq, ack).items()):
        if n % 2 != part:
            continue
        names = {"p": "%d > %d" % (40000 + n, PORT), "fd": 10 + n, "port": 40000 + n}
        ports = "" if state == "syn-sent" else names["p"]
        for i, line in enumerate(into):
            late = i > 0 and "F." in into[i - 1]  # the kernel may take some ticks to acknowledge a FIN
            lines.append("%s %s // [%s,into%d]" % ("+.05" if late else "+0", line.format(**names), label, i))
        lines.append("+.03 %s // [%s]" % (packet(ports, segment, state in ("listen", "closed")), label))
        lines.append("+.05 `true` // [%s,later]" % label)
        lines += ["+0 %s // [%s,out%d]" % (line.format(**names), label, i) for i, line in enumerate(out)]
    return "\n".join(lines) + "\n"


def scripts():
    return {"matrix-%s-%d.pkt" % (state, part + 1): script(state, part) for state in STATES for part in (0, 1)}
