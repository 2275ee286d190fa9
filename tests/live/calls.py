#!/usr/bin/env python3
"""What calls on sockets give, in the lab and over the kernel's loopback, line by line (calls_peer.py). Where they differ it must be as promised. Speaks TAP.

    calls.py YEON [PART...]
"""
import os
import sys

sys.dont_write_bytecode = True
from live import Failed, Lab, Stage, Tap, enter, find, skip_all, HERE  # noqa: E402

# By part, lines that differ: the kernel's and ours; docs/run.md tells of each. None: the line is not there.
PROMISED = {
    "connecting": [("sent to, with an address           1", "sent to, with an address           EISCONN")],
    "accepting": [("readable True ['IN']", "readable True ['IN OUT']")],
    "stream_flags": [("TRUNC discards                     3", "TRUNC discards                     EFAULT"),
                     ("the rest                           b'789'", "the rest                           b'456789'"),
                     ("unconnected recv                   ENOTCONN", "unconnected recv                   EAGAIN"),
                     ("unconnected send                   EPIPE", "unconnected send                   1")],
    "lowat": [("readable False", "readable True")],
    "urgent": [("send                               1", "send                               ENOTSUP"),
               ("recv                               b'x'", "recv                               EINVAL"),
               ("sendmsg                            1", "sendmsg                            ENOTSUP")],
    "packet_info": [("IP_RECVTOS                         None", "IP_RECVTOS                         ENOPROTOOPT"),
                    ("IP_RECVTTL                         None", "IP_RECVTTL                         ENOPROTOOPT"),
                    ("TOS, TTL b'x' [(0, 1), (0, 2), (0, 8)] 0", "TOS, TTL b'x' [(0, 8)] 0"),
                    ("SO_TIMESTAMP                       None", "SO_TIMESTAMP                       ENOPROTOOPT"),
                    ("time stamp [29]", "time stamp []")],
    "waiting": [("new ['OUT HUP'] ['OUT']", "new ['OUT'] ['OUT']"), ("listener []", "listener ['OUT']")],
}
PARTS = ("ports", "reuseport", "connecting", "accepting", "shutdowns", "stream_flags", "lowat", "urgent", "fast_open", "datagrams", "udp_ends", "many", "packet_info", "six", "options", "sockets",
         "waiting", "signals")
# What a refused call must leave on the log, once each.
LOGGED = {"urgent": ("MSG_OOB",), "packet_info": ("level 0 option 12", "level 1 option 29", "level 0, type 99"), "sockets": ("socket(2, 3, 255) refused", "socket(99, 1, 0) refused")}


def lines_of(stage, part):
    program = stage.start("client", [find("python3"), "-B", os.path.join(HERE, "calls_peer.py"), part])
    status = program.wait(60)
    if status != 0:
        raise Failed("status %d: %s" % (status, program.tail()))
    return program.output().splitlines()


def promised(lines, part):
    lines = list(lines)
    for kernel, ours in PROMISED.get(part, ()):
        if kernel not in lines:
            raise Failed("no %r over the kernel's loopback, so the promise is idle: %s" % (kernel, lines))
        lines[lines.index(kernel)] = ours
    return lines


def compare(part, number):
    with Stage("k%d" % number) as stage:
        expected = promised(lines_of(stage, part), part)
    with Lab("c%d" % number) as lab:
        got = lines_of(lab, part)
        if got != expected:
            width = max(len(x) for x in expected)
            pairs = [("  " if a == b else "! ") + "%-*s %s" % (width, a, b) for a, b in zip(expected + [""] * (len(got) - len(expected)), got + [""] * (len(expected) - len(got)))]
            raise Failed("promised, then got:\n%s\n%s" % ("\n".join(p for p in pairs if p[0] == "!"), lab.log()[-600:]))
        for words in LOGGED.get(part, ()):
            if words not in lab.log():
                raise Failed("the log does not tell of %r: %s" % (words, lab.log()))
    return "%d lines" % len(expected)


def main():
    why = enter(__file__)
    parts = [p for p in PARTS if not sys.argv[1:] or p in sys.argv[1:] or "YEON_LIVE" not in os.environ]
    if why is not None:
        return skip_all(why, list(parts))
    tap = Tap(len(parts))
    for number, part in enumerate(parts):
        tap.run("calls: " + part.replace("_", " "), lambda p=part, n=number: compare(p, n))
    return 1 if tap.failures else 0


if __name__ == "__main__":
    sys.exit(main())
