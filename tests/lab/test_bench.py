#!/usr/bin/env python3
"""`yeon bench net` in virtual time: its figures make sense, and are the same every time. Prints TAP.

usage: test_bench.py YEON"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

YEON = os.path.abspath(sys.argv[1])
count = 0


def report(held, name, why=""):
    global count
    count += 1
    print("%s %d - %s" % ("ok" if held else "not ok", count, name))
    for line in ("" if held else str(why)).splitlines()[:40]:
        print("# " + line)
    sys.stdout.flush()


def run(*args, env=None):
    done = subprocess.run([YEON, "bench", *args], capture_output=True, text=True, timeout=240, env={**os.environ, **(env or {})}, check=False)
    return done.returncode, done.stdout, done.stderr


def rows(*args):
    status, out, err = run("net", "--json", *args)
    if status != 0:
        raise SystemExit("Bail out! yeon bench net %s: %s" % (" ".join(args), err))
    return json.loads(out)


def test_grid():
    subset = ["--rtt", "20,80", "--rate", "2,20", "--loss", "clean,loss3,reorder", "--buffer", "0.25,1", "--seconds", "8"]
    found = rows(*subset)
    algorithms = {r["cc"] for r in found}
    report("newreno" in algorithms and len(found) == 24 * len(algorithms), "a row for each cell and algorithm", len(found))
    report(all(0 < r["goodput_share"] < 1.01 for r in found), "nobody carries more than the line can", found)
    by = {(r["cc"], r["cell"]): r for r in found}
    for cc in sorted(algorithms):
        clean = by[cc, "20ms-20mbit-clean-1bdp"]
        report(clean["goodput_share"] > 0.85, "%s fills a clean line with a buffer of one BDP" % cc, clean)
        report(all(r["again_share"] == 0 for r in found if r["cc"] == cc and r["queue_drops"] == 0 and r["loss"] == "clean"),
               "%s: what is not lost is not sent again" % cc)
        lossy = by[cc, "20ms-2mbit-loss3-1bdp"]
        report(0.02 < lossy["again_share"] < 0.2, "%s: three percent lost are some three percent sent again" % cc, lossy)
        report(all(r["queue_p50_ms"] <= r["queue_p99_ms"] <= max(r["buffer_bdp"] * r["rtt_ms"], 3 * 12 / r["rate_mbit"]) * 1.05 + 0.1
                   for r in found if r["cc"] == cc), "%s: nobody waits longer than a full queue" % cc)
    report(rows(*subset, "--jobs", "1") == found, "the same seed gives the same figures, however many run at a time")
    other = [r for r in found if r["cell"] == "20ms-2mbit-loss3-1bdp"]
    report(rows("--cell", "20ms-2mbit-loss3-1bdp", "--seconds", "8", "--seed", "2") != other, "another seed gives others")
    report(rows("--cell", "20ms-20mbit-loss3-1bdp", "--seconds", "8") == [r for r in found if r["cell"] == "20ms-20mbit-loss3-1bdp"],
           "a cell by name is the cell of the grid")


def test_accidents():
    """Three percent lost are up to four of the 32 segments in a flight, now and then, which says nothing of the rate."""
    found = [rows("--cell", "20ms-20mbit-loss3-1bdp", "--cc", "bbr", "--seconds", "10", "--seed", str(seed))[0]["goodput_share"] for seed in range(1, 9)]
    report(sum(found) / len(found) > 0.942, "bbr bears accidents in a row", found)


def test_fairness():
    found = rows("--fairness", "--rtt", "20,80", "--rate", "10", "--cc", "newreno,cubic", "--seconds", "30")
    alike = [r for r in found if r["flows"][0] == {**r["flows"][1], "goodput_mbit": r["flows"][0]["goodput_mbit"]}]
    report(len(alike) >= 2 and all(0.5 <= r["jain"] <= 1 for r in found), "an index between a half and one", found)
    fair = [r for r in alike if r["flows"][0]["cc"] == "newreno"]
    report(bool(fair) and all(r["jain"] > 0.9 for r in fair), "two flows of NewReno at one distance share", fair)
    report(all(r["goodput_share"] > 0.8 for r in fair), "and use what there is", fair)
    found = rows("--fairness", "--rtt", "20", "--rate", "5,10", "--loss", "clean,loss1", "--buffer", "1,4", "--cc", "newreno", "--seconds", "5")
    report(len({r["cell"] for r in found}) == 8, "a pair for every cell that is asked for", found)


def test_words():
    for words, status, says in ((["net", "--cell", "20ms-20mbit-wet-1bdp"], 2, "RTTms-RATEmbit-LOSS-BUFFERbdp"), (["net", "--rtt", "20,x"], 2, "whole numbers"),
                                (["net", "--rate", "0"], 2, "whole numbers"), (["net", "--loss", "some"], 2, "clean, loss0.1"), (["net", "--cc", "vegas2"], 2, "newreno"),
                                (["net", "--buffer", "-1"], 2, "numbers from 0"), (["net", "--profile", "beos"], 2, "no profile"), ([], 2, "yeon bench net"),
                                (["disk"], 2, "yeon bench net"), (["net", "--cells", "/nonexistent"], 2, "cannot be read"), (["net", "--ends", "a:b"], 2, "kernel:kernel"),
                                (["net", "--cell", "1ms-2mbit-clean-1bdp", "--rtt", "5"], 2, "not both"), (["net", "--kernel", "--plot", "x"], 2, "virtual time"),
                                (["net", "--sed", "1"], 2, "--seed"),
                                (["net", "--ends", "yeon:kernel"], 2, "only with --kernel"), (["net", "--repeat", "3"], 2, "only with --kernel"),
                                (["net", "--kernel", "--fairness", "--ends", "yeon:kernel"], 2, "single flows"), (["net", "--kernel", "--fairness", "--repeat", "2"], 2, "single flows"),
                                (["net", "--png"], 2, "--plot DIR --png"), (["net", "--seconds", "0"], 2, "--seconds")):
        got = run(*words)
        report(got[0] == status and says in got[2], "yeon bench %s" % " ".join(words), got)
    got = run("--help")
    report(got[0] == 0 and "--fairness" in got[1], "yeon bench --help")


def test_rows_as_they_come():
    """Whoever ends it before its end has what was measured until then."""
    env = dict(os.environ, LC_ALL="C.UTF-8")
    words = [YEON, "bench", "net", "--rtt", "1,20", "--rate", "2,20", "--loss", "clean", "--buffer", "1", "--cc", "newreno,cubic", "--seconds", "4"]
    whole = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True, env=env).stdout.splitlines()
    cells = [line.split()[:2] for line in whole if "mbit-" in line]
    report([c[1] for c in cells] == ["newreno", "cubic"] * 4 and len({c[0] for c in cells}) == 4, "rows stand in the order of cells", whole)
    long = subprocess.Popen([*words[:-1], "1000"], stdout=subprocess.PIPE, text=True, env=env)
    first = [long.stdout.readline() for _ in range(3)]
    long.send_signal(signal.SIGINT)
    long.wait(20)
    report(first[2].split()[:2] == cells[0], "the first row comes before the last run is over", first)


def test_plots():
    with tempfile.TemporaryDirectory() as folder:
        got = run("net", "--cell", "20ms-20mbit-clean-1bdp", "--plot", folder + "/p", env={"PATH": folder})
        report(got[0] == 2 and "apt install gnuplot" in got[2], "without gnuplot it says what to install", got)
        if shutil.which("gnuplot") is None:
            return
        got = run("net", "--cell", "20ms-20mbit-clean-1bdp", "--cc", "newreno", "--seconds", "5", "--plot", folder + "/p")
        path = folder + "/p/20ms-20mbit-clean-1bdp-newreno.svg"
        text = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
        report(got[0] == 0 and "cwnd" in text and "waiting in the queue" in text and text.rstrip().endswith("</svg>"), "cwnd and queue over time, as SVG", got)
        got = run("net", "--rtt", "20", "--rate", "2,20", "--buffer", "1", "--cc", "newreno", "--seconds", "2", "--plot", folder + "/p", "--png")
        path = folder + "/p/goodput-newreno.png"
        report(got[0] == 0 and os.path.exists(path) and open(path, "rb").read(4) == b"\x89PNG", "a heat map, as PNG", got)


test_grid()
test_accidents()
test_fairness()
test_words()
test_rows_as_they_come()
test_plots()
print("1..%d" % count)
