#!/usr/bin/env python3
"""TCP Fast Open of programs under `yeon run`: the first connection asks for a cookie, the next bring their bytes with the SYN, and all arrive as they were.
Speaks TAP.

    fastopen.py YEON
"""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
from live import Failed, Lab, Tap, enter, find, skip_all, HERE  # noqa: E402

PEER = os.path.join(HERE, "fastopen_peer.py")


def python(*words):
    return [find("python3"), "-B", PEER, *words]


def expect(what, got, wanted):
    if got != wanted:
        raise Failed("%s: %r, where %r was expected" % (what, got, wanted))


def run_clients(lab, how, connections):
    server = lab.start("server", python("serve", str(connections)))
    server.until("listens")
    client = lab.start("client", python(how))
    expect("the client's status", client.wait(60), 0)
    return client.output().split("\n")[:-1], server


def early(profile, first, later):
    """What each of the connections of `clients` says of its SYN."""
    with Lab("f-" + profile, profile) as lab:
        said, server = run_clients(lab, "clients", 9)
        small, large = 1004, 1004000
        sizes = [small] * 5 + [large] * 2 + [0]
        times = [first] + [later] * 6 + ["late"]
        expect("client", said, ["client %d %s" % x for x in zip(sizes, times)])
        server.until("server %d (early|late)\nserver 0 late" % small)
        expect("server", re.findall(r"server (\d+ \w+)", server.output()), ["%d %s" % x for x in zip(sizes[:-1] + [small, 0], times[:-1] + [later, "late"])])
    return "%s, then %s" % (first, later)


def refused():
    with Lab("f-refused", "yeon") as lab:
        client = lab.start("client", python("refused"))
        expect("status", client.wait(20), 0)
        expect("said", client.output().split(), ["ECONNREFUSED", "ECONNREFUSED"])


def gone():
    with Lab("f-gone", "yeon") as lab:
        server = lab.start("server", python("serve", "1"))
        server.until("listens")
        client = lab.start("client", python("gone"), stdin=subprocess.PIPE)
        client.until("client 1004 late")
        expect("the server's status", server.wait(10), 0)
        client.process.stdin.write(b"\n")
        client.process.stdin.close()
        expect("status", client.wait(20), 0)
        expect("said", client.output().split("\n")[1:3], ["connect 0", "ECONNREFUSED"])


def fallback():
    with Lab("f-fallback", "lecture") as lab:
        said, _ = run_clients(lab, "fallback", 1)
        expect("said", said, ["EOPNOTSUPP", "EOPNOTSUPP", "client 1004 late"] if said[:1] == ["EOPNOTSUPP"] else ["ENOTSUP", "ENOTSUP", "client 1004 late"])


def curl(profile, wanted):
    program = find("curl")
    with Lab("f-curl-" + profile, profile) as lab:
        server = lab.start("server", python("serve", "2"))
        server.until("listens")
        for n in range(2):
            client = lab.start("client", [program, "--silent", "--show-error", "--tcp-fastopen", "http://10.0.0.2:7000/"])
            expect("curl's status", client.wait(20), 0)
            if not re.fullmatch(r"[0-9a-f]{64}", client.output().strip()):
                raise Failed("curl got %r" % client.output())
            server.until(r"(server.*\n){%d}" % (n + 1))
        expect("server", re.findall(r"server \d+ (\w+)", server.output()), wanted)


def main():
    why = enter(__file__)
    tests = [("bytes on the SYN, profile yeon", lambda: early("yeon", "late", "early")),
             ("profile linux, whose servers do without: all the same but later", lambda: early("linux", "late", "late")),
             ("nobody listens", refused),
             ("nobody listens any more", gone),
             ("a profile without: told, and connect works", fallback),
             ("curl --tcp-fastopen, profile yeon", lambda: curl("yeon", ["late", "early"])),
             ("curl --tcp-fastopen, profile linux", lambda: curl("linux", ["late", "late"])),
             ("curl --tcp-fastopen, profile lecture", lambda: curl("lecture", ["late", "late"]))]
    if why is not None:
        return skip_all(why, [name for name, _ in tests])
    tap = Tap(len(tests))
    for name, fn in tests:
        tap.run("fast open: " + name, fn)
    return 1 if tap.failures else 0


sys.exit(main())
