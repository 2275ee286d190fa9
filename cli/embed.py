#!/usr/bin/env python3
"""Writes embedded.c or embedded.h: the Lua files that the command carries within itself.

usage: embed.py OUTPUT PRELUDE... -- TOUR... -- LIVE   (the parts of the prelude become one text)"""
import os
import sys


def array(name, *paths):
    data = b"".join(open(path, "rb").read() for path in paths)
    rows = [", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
    return "static const unsigned char %s[] = {\n  %s, 0};\n" % (name, ",\n  ".join(rows)), len(data)


def main():
    output, split = sys.argv[1], sys.argv.index("--")
    last = sys.argv.index("--", split + 1)
    prelude, tours, live = sys.argv[2:split], sys.argv[split + 1:last], sys.argv[last + 1:]
    text, length = array("prelude", *prelude)
    out = ['#include "embedded.h"\n', text,
           "const unsigned char *const cli_embedded_prelude = prelude;\n",
           "const size_t cli_embedded_prelude_len = %d;\n" % length]
    entries = []
    for i, path in enumerate(tours):
        text, length = array("tour_%d" % i, path)
        out.append(text)
        entries.append('  {"%s", tour_%d, %d}' % (os.path.basename(path), i, length))
    out.append("const struct cli_embedded cli_embedded_tour[] = {\n%s};\n" % ",\n".join(entries))
    out.append("const size_t cli_embedded_tours = %d;\n" % len(tours))
    text, length = array("live", *live)
    out += [text, "const unsigned char *const cli_embedded_live = live;\n", "const size_t cli_embedded_live_len = %d;\n" % length]
    open(output, "w").write("\n".join(out))


if __name__ == "__main__":
    main()
