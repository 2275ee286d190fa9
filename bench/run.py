#!/usr/bin/env python3
"""Runs the benchmark programs and makes a table and build/bench.json of what they print. docs/bench.md explains the figures.

  run.py [--build DIR] [--quick] [ONLY]     ONLY: a beginning of metric names, such as core.bulk

A figure that can vary is measured several times, in turn with its peer (theirs, ours, theirs, ours ...), and given as the median; the
ratio is the median of the pairs' ratios. The status is 1 when a measurement could not be made, and 0 whatever the figures say."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

REPEATS = 15
LIVE_ROUNDS = 5
BULK_BYTES, WARM_UP = 120_000_000, 12_000_000
PROFILED_BYTES, PROFILED_WARM_UP = 20_000_000, 2_000_000
COUNTS = (10, 10_000, 1_000_000)
BUDGETS = {"idle": 384, "timewait": 64, "halfopen": 96}
PEER_CONNECTS_MOST = 10_000  # lwIP looks through a list of all connections, and its port range ends at 16,384

# Of the live lab: the least that it shall be of the peer's rate, and the most that it may add to a round trip over the kernel's loopback.
LIVE_GOALS = {"slirp4netns": 3.0, "kernel_loopback": 0.5}
LIVE_ADDED_US = 50
NET_GOALS = {"cell": 0.9, "jain": 0.95}  # of the kernel's goodput in each cell; Jain's index of one flow of ours beside one of the kernel's
NET_OTHERS = {"kernel:yeon": "kernel_to_yeon", "yeon:yeon": "yeon_to_yeon"}
LIVE_PARTS = {"bulk": "live.bulk", "rtt": "live.rtt", "connections": "live.connections_per_s"}

# Variant of `bulk` -> name in the metric, does lwIP do the same work?
VARIANTS = {"acked": ("core.bulk", True), "paired": ("core.bulk.batch", True), "linux": ("core.bulk.linux", False),
            "ipv6": ("core.bulk.ipv6", False), "gso": ("core.bulk.gso", False)}


class Failed(Exception):
    pass


def run(command, env=None):
    """The `name value` lines a program printed, and its standard error."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                              env={**os.environ, **(env or {})}, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: status {done.returncode}: {done.stderr.strip()[-300:]}")
    pairs = (line.split() for line in done.stdout.splitlines())
    return {pair[0]: float(pair[1]) for pair in pairs if len(pair) == 2}, done.stderr


def spread(values):
    middle = statistics.median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def ratio(values, peers):
    return statistics.median(ours / theirs for ours, theirs in zip(values, peers)) if peers else None


class Bench:
    def __init__(self, build, only, quick):
        self.build = build
        self.folder = Path(build) / "bench"
        self.only = only
        self.repeats = 5 if quick else REPEATS
        self.counts = COUNTS[:2] if quick else COUNTS
        self.rows, self.notes, self.failures = [], [], []
        self.lwip = self.folder / "bulk-lwip"
        if not self.lwip.exists():
            self.lwip = None
            self.notes.append("lwIP is not here (liblwip-dev): no comparison")

    def wants(self, section):
        return section.startswith(self.only) or self.only.startswith(section)

    def add(self, metric, values, unit, peers=(), peer=None, budget=None, digits=1, better="lower", goal=None):
        """budget: the most that the value may be; goal: the least that the ratio shall be."""
        if not metric.startswith(self.only):
            return
        value = round(statistics.median(values), digits)
        row = {"metric": metric, "value": value, "unit": unit,
               "peer": peer if peers else None,
               "peer_value": round(statistics.median(peers), digits) if peers else None,
               "ratio": round(ratio(values, peers), 3) if peers else None,
               "spread": round(spread(values), 3), "better": better}
        if budget is not None:
            row["budget"] = budget
            row["holds"] = value <= budget
        if goal is not None and peers:
            row["budget"], row["budget_of"] = goal, "ratio"
            row["holds"] = row["ratio"] >= goal
        self.rows.append(row)

    def attempt(self, what, function, *arguments):
        try:
            function(*arguments)
        except Failed as error:
            self.failures.append(f"{what}: {error}")

    # ------------------------------------------------------------------------------------------------------ bulk
    def bulk_command(self, variant, size, warm_up):
        program = [self.lwip] if variant == "lwip" else [self.folder / "bulk", variant]
        return [str(word) for word in (*program, size, warm_up)]

    def bulk(self, variant):
        prefix, paired = VARIANTS[variant]
        ours, theirs = [], []
        for _ in range(self.repeats):
            if paired and self.lwip:
                theirs.append(run(self.bulk_command("lwip", BULK_BYTES, WARM_UP))[0])
            ours.append(run(self.bulk_command(variant, BULK_BYTES, WARM_UP))[0])

        def per_segment(figures):
            return [one["ns"] / one["segments"] for one in figures]

        def gbit(figures):
            return [one["bytes"] * 8 / one["ns"] for one in figures]
        self.add(f"{prefix}.ns_per_segment", per_segment(ours), "ns", per_segment(theirs), "lwIP")
        self.add(f"{prefix}.Gbit_s", gbit(ours), "Gbit/s", gbit(theirs), "lwIP", digits=2, better="higher")

    def instructions(self, variant):
        """Of the measured part alone: callgrind collects inside the function bench_measured."""
        # Valgrind counts each byte that `rep movsb` copies as an instruction; libc is asked to copy with vectors whatever the size.
        env = {"GLIBC_TUNABLES": "glibc.cpu.x86_rep_movsb_threshold=1073741824"}
        command = ["valgrind", "--tool=callgrind", "--toggle-collect=bench_measured", "--callgrind-out-file=/dev/null"]
        figures, log = run(command + self.bulk_command(variant, PROFILED_BYTES, PROFILED_WARM_UP), env)
        collected = [line.split()[-1] for line in log.splitlines() if "Collected" in line]
        if not collected:
            raise Failed("valgrind printed no count")
        return int(collected[0]) / figures["segments"]

    def profile(self):
        if shutil.which("valgrind") is None:
            self.notes.append("valgrind is not here: no instruction counts")
            return
        theirs = [self.instructions("lwip")] if self.lwip else []
        for variant, (prefix, paired) in VARIANTS.items():
            if not self.wants(f"{prefix}.instructions_per_segment"):
                continue
            self.add(f"{prefix}.instructions_per_segment", [self.instructions(variant)], "instructions",
                     theirs if paired else (), "lwIP", digits=0)

    # ----------------------------------------------------------------------------------------------- connections
    def record_bytes(self):
        return [run([str(self.lwip), "connect", "1"])[0]["pcb_bytes"]] if self.lwip else []

    def weigh(self, kind, count):
        repeats = 1 if count > 10_000 else 3
        figures, theirs = [], []
        for _ in range(repeats):
            figures.append(run([str(self.folder / "connections"), kind, str(count)])[0])
            if kind == "idle" and self.lwip and count <= PEER_CONNECTS_MOST:
                theirs.append(run([str(self.lwip), "connect", str(count)])[0]["connect_ns"])
        heavier = [max(one["active_bytes"], one["passive_bytes"]) for one in figures]
        peers = self.record_bytes() * repeats
        names = [f"core.{kind}.bytes.{count}"] + ([f"core.{kind}.bytes"] if count == self.counts[-1] else [])
        for name in names:
            self.add(name, heavier, "bytes", peers, "lwIP tcp_pcb", BUDGETS[kind], digits=1)
        if kind == "idle" and count == self.counts[0]:
            self.add("core.host.bytes", [one["host_bytes"] for one in figures], "bytes", digits=0)
        if kind == "idle":
            self.add(f"core.connect.ns.{count}", [one["connect_ns"] for one in figures], "ns", theirs, "lwIP", digits=0)

    # ------------------------------------------------------------------------------------------------------ live
    def live(self):
        """Unmodified programs over a live lab and over its peers; bench/live.py makes the places and takes the turns."""
        parts = [part for part, prefix in LIVE_PARTS.items() if self.wants(prefix)]
        if not parts:
            return
        if shutil.which("iperf3") is None and "bulk" in parts:
            self.notes.append("iperf3 is not here: no live.bulk")
            parts.remove("bulk")
        command = [sys.executable, "-B", str(Path(__file__).parent / "live.py"), "--build", str(self.build), "--rounds",
                   str(3 if self.repeats < REPEATS else LIVE_ROUNDS), *parts]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode == 3:
            self.notes.append(f"no live.*: {done.stderr.strip()}")
        elif done.returncode != 0:
            raise Failed(done.stderr.strip()[-600:])
        else:
            said = json.loads(done.stdout)
            self.notes += said["notes"]
            self.live_rows(said["figures"])

    def live_rows(self, figures):
        for name, by_side in figures.items():
            for peer in (one for one in ("slirp4netns", "kernel_loopback") if one in by_side):
                pairs = (by_side["yeon"], {"bulk": "Mbit/s", "rtt": "us"}.get(name.split(".")[0], "1/s"), by_side[peer], peer)
                if name.startswith("rtt"):
                    self.add(f"live.{name}", *pairs)
                elif name.startswith("bulk"):
                    self.add(f"live.{name}.mbit_per_s", *pairs, digits=0, better="higher", goal=LIVE_GOALS[peer])
                else:
                    self.add(f"live.{name}", *pairs, digits=0, better="higher")
            if name == "rtt.median_us":
                kernel = by_side["kernel_loopback"]
                added = [ours - theirs for ours, theirs in zip(by_side["yeon"], kernel)]
                self.add("live.rtt.added_us", added, "us", kernel, "kernel_loopback", budget=LIVE_ADDED_US)

    # ------------------------------------------------------------------------------------------------------- net
    def net(self):
        """Beside the kernel's TCP over one cable in real time; bench/net.py takes the turns."""
        if not self.wants("net."):
            return
        command = [sys.executable, "-B", str(Path(__file__).parent / "net.py"), "--build", str(self.build), self.only]
        done = subprocess.run(command + (["--rounds", "1"] if self.repeats < REPEATS else []), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=3600, check=False)
        if done.returncode == 3:
            self.notes.append(f"no net.*: {done.stderr.strip()}")
        elif done.returncode != 0:
            raise Failed(done.stderr.strip()[-600:])
        else:
            said = json.loads(done.stdout)
            self.notes += said["notes"]
            self.net_rows(said)

    def net_rows(self, said):
        for one in said["cells"]:
            name, ends = f"net.{one['cell']}.{one['cc']}", one["ends"]
            peers = ends.get("kernel:kernel", ())
            self.add(name, ends["yeon:kernel"], "Mbit/s", peers, "kernel", digits=2, better="higher", goal=NET_GOALS["cell"])
            for pair, word in NET_OTHERS.items():
                if pair in ends:
                    self.add(f"{name}.{word}", ends[pair], "Mbit/s", peers[:len(ends[pair])], "kernel", digits=2, better="higher")
        ratios = sorted((row["ratio"], row["metric"]) for row in self.rows if row["metric"].startswith("net.") and row.get("budget_of") == "ratio")
        if ratios:
            at_least = [sum(one >= least for one, _ in ratios) for least in (1, 0.995, 0.99)]
            self.notes.append(f"of {len(ratios)} cells {at_least[0]} have the kernel's goodput or more, {at_least[1]} 0.995 of it, {at_least[2]} 0.99; "
                              f"least {ratios[0][0]} ({ratios[0][1]})")
        for one in said["fair"]:
            name = f"net.fair.{one['cell']}.{one['cc']}"
            self.add(f"{name}.mbit", one["mbit"][:1], "Mbit/s", one["mbit"][1:], "kernel", digits=2, better="higher")
            self.add(f"{name}.jain", [one["jain"]], "", digits=3, better="higher")
            if self.rows and self.rows[-1]["metric"] == f"{name}.jain":
                self.rows[-1].update({"budget": NET_GOALS["jain"], "budget_of": "least", "holds": one["jain"] >= NET_GOALS["jain"]})

    # ------------------------------------------------------------------------------------------------------- all
    def core(self):
        for variant, (prefix, _) in VARIANTS.items():
            if self.wants(f"{prefix}.ns_per_segment") or self.wants(f"{prefix}.Gbit_s"):
                self.attempt(f"bulk {variant}", self.bulk, variant)
        if any(self.wants(f"{prefix}.instructions_per_segment") for prefix, _ in VARIANTS.values()):
            self.attempt("instructions", self.profile)
        for kind in BUDGETS:
            if self.wants(f"core.{kind}.bytes") or (kind == "idle" and any(map(self.wants, ("core.connect.ns", "core.host.bytes")))):
                for count in self.counts:
                    self.attempt(f"{count} {kind}", self.weigh, kind, count)

    def table(self):
        head = ("metric", "value", "unit", "peer", "ratio", "spread", "budget")
        lines = [head]
        for row in self.rows:
            peer = f"{row['peer_value']:,} {row['peer']}" if row["peer"] else ""
            budget = ""
            if row.get("budget_of") == "ratio":
                budget = f"{'holds' if row['holds'] else 'BELOW'} {row['budget']:g}x"
            elif row.get("budget_of") == "least":
                budget = f"{'holds' if row['holds'] else 'BELOW'} {row['budget']:g}"
            elif "budget" in row:
                budget = f"{'holds' if row['holds'] else 'OVER'} {row['budget']}"
            lines.append((row["metric"], f"{row['value']:,}", row["unit"], peer,
                          f"{row['ratio']:.2f}" if row["ratio"] is not None else "", f"{row['spread']:.1%}", budget))
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        right = {1, 3, 4, 5}
        for line in lines:
            cells = (cell.rjust(width) if i in right else cell.ljust(width) for i, (cell, width) in enumerate(zip(line, widths)))
            print("  ".join(cells).rstrip())


def main():
    parser = argparse.ArgumentParser(description="Measures yeon; docs/bench.md explains the figures.")
    parser.add_argument("only", nargs="?", default="", help="a beginning of metric names")
    parser.add_argument("--build", default="build")
    parser.add_argument("--quick", action="store_true", help="fewer repeats, no million connections")
    options = parser.parse_args()
    bench = Bench(options.build, options.only, options.quick)
    bench.core()
    bench.attempt("live", bench.live)
    bench.attempt("net", bench.net)
    bench.table()
    for note in bench.notes:
        print(f"note: {note}")
    for failure in bench.failures:
        print(f"could not measure {failure}", file=sys.stderr)
    if not bench.rows and not bench.failures:
        bench.failures.append("nothing")
        print(f"no metric begins with {options.only}", file=sys.stderr)
    (Path(options.build) / "bench.json").write_text(json.dumps(bench.rows, indent=2) + "\n", encoding="utf-8")
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
