"""Areas `http` and `tcp`: processor time per request, in interleaved blocks of fresh processes.

A round holds one block of every program; odd rounds go through them backwards (A B B A). A block starts the program afresh, warms it up and
measures it at an offered rate; in every fourth round before that as fast as the connections go. The program under measurement has core 1,
generator and target core 0.

Generator and target make as many system calls for a request as the cheapest proxy, so with them on one core a cheap proxy is never what ends the
run: as fast as it goes shows what the machine can, and its blocks mostly fall to the rule about the generator's idle share. Claims are judged at the
offered rate: 60 % of what the slowest program managed, or less where that does not leave the generator its share.
"""
import json
import os
import subprocess
import time

import intervals
import subjects

OFFERED_SHARE = 0.6
IDLE_MIN = 0.10
# The offered rate is lowered by a tenth until the generator has so much idle time, at most so often. Chosen as twice what a block must have.
IDLE_WANTED, SLOWER, SLOWER_TIMES = 0.20, 0.9, 6
STEAL_MAX = 0.01
ROUNDS_MIN, ROUNDS_MAX = 6, 40
CASES = {
    "small-16": ["--connections", 16, "--bytes", 100],
    "small-64": ["--connections", 64, "--bytes", 100],
    "100KB": ["--connections", 16, "--bytes", 102400],
    "fresh": ["--connections", 16, "--bytes", 100, "--fresh"],
}
# Parts of an area's time; claims are made of the first two.
WEIGHT = {"small-16": 3, "small-64": 3, "100KB": 2, "fresh": 2}
MODES = ("full", "offered")
FULL_EVERY = 4  # rounds
AREAS = ("http", "tcp")


def load(subject, arguments, *more):
    """One run of the generator against a subject; its report."""
    command = [subjects.TOOLS / "bench_load", f"{subject.address}:{subject.port}", *arguments, *more]
    done = subprocess.run(list(map(str, subjects.pinned(subjects.LOAD_CORE, command))), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


class Case:
    """One case of one area: its rounds, and what follows from them."""

    def __init__(self, protocol, name, folder, options):
        self.protocol, self.name, self.folder, self.options = protocol, name, folder, options
        self.fresh = "--fresh" in CASES[name]
        self.arguments = CASES[name] + (["--ends-first"] if self.fresh and protocol == "tcp" else [])
        self.names = subjects.available(protocol, name == "100KB")
        self.target = subjects.Target(folder)
        self.rounds, self.rate, self.serial = [], None, 0

    def run(self, until):
        """Rounds until the time is up, but at least ROUNDS_MIN; the first one only finds the rate to offer."""
        try:
            first = {name: self.block(name, ("full",)) for name in self.names}
            slowest = min(block["full"]["done"] / block["full"]["seconds"] for block in first.values())
            self.rate = self.bearable(slowest * OFFERED_SHARE)
            rounds = self.options.rounds
            while len(self.rounds) < (rounds or ROUNDS_MAX):
                if not rounds and len(self.rounds) >= ROUNDS_MIN and time.monotonic() >= until:
                    break
                order = self.names if len(self.rounds) % 2 == 0 else self.names[::-1]
                modes = MODES if len(self.rounds) % FULL_EVERY == 0 else ("offered",)
                self.rounds.append({name: self.block(name, modes) for name in order})
        finally:
            self.target.stop()
        return self.result()

    def bearable(self, rate):
        """The rate, lowered until the generator's core has air."""
        for _ in range(SLOWER_TIMES):
            self.rate = max(1, int(rate))
            if min(self.block(name, ("offered",))["offered"]["own_idle_share"] for name in ("relay", "weir")) >= IDLE_WANTED:
                break
            rate *= SLOWER
        return self.rate

    def block(self, name, modes):
        self.serial += 1
        folder = self.folder / f"{self.name}-{self.serial}"
        folder.mkdir()
        subject = subjects.make(name, folder, self.target, self.protocol, self.fresh)
        subject.start()
        try:
            return {mode: self.measure(subject, mode) for mode in modes}
        finally:
            subject.stop()

    def measure(self, subject, mode):
        watched = [word for pid in subject.processes() for word in ("--watch", pid)]
        pace = ["--rate", self.rate] if mode == "offered" else []
        report = load(subject, self.arguments, "--warmup", self.options.warmup, "--seconds", self.options.seconds, *pace, *watched)
        done = max(1, report["done"])
        report["cpu_us"] = report["cpu_seconds"] * 1e6 / done
        report["system_us"] = max(0.0, os.cpu_count() * report["seconds"] - report["idle_seconds"]) * 1e6 / done
        report["fault"] = fault(report)
        return report

    def result(self):
        return {"protocol": self.protocol, "case": self.name, "offered_rate": self.rate, "rounds": self.rounds,
                "modes": {mode: summary(self.of(mode), self.names) for mode in MODES}}

    def of(self, mode):
        """The rounds in which this was measured."""
        return [{name: block[mode] for name, block in one.items()} for one in self.rounds if all(mode in block for block in one.values())]


def fault(report):
    """Why a block does not count; empty when it does."""
    if report["failed"]:
        return f"{report['failed']} failed: {report['first_failure']}"
    if not report["done"]:
        return "nothing was answered"
    if report["steal_seconds"] > STEAL_MAX * report["seconds"] * os.cpu_count():
        return f"steal {report['steal_seconds']:.2f} s"
    if report["own_idle_share"] < IDLE_MIN:
        return f"the generator's core had {100 * report['own_idle_share']:.0f} % idle"
    return ""


def summary(rounds, names):
    """What the rounds of one mode say: medians per program, ratios against each, the excess over the relay, and the A/A check."""
    programs = {name: medians([one[name] for one in rounds]) for name in names}
    ratios, anchors = {}, [n for n in names if n not in ("weir", "weir-again")]
    for measure in ("cpu_us", "system_us"):
        for anchor in anchors:
            ratios[f"{measure} weir/{anchor}"] = intervals.ratio(clean(rounds, measure, "weir", anchor))
            if anchor != "relay":
                ratios[f"{measure} relay/{anchor}"] = intervals.ratio(clean(rounds, measure, "relay", anchor))
    for anchor in anchors[1:]:
        ratios[f"excess weir/{anchor}"] = intervals.excess(clean(rounds, "cpu_us", "weir", anchor, "relay"))
    for anchor in anchors:
        ratios[f"p99 weir/{anchor}"] = intervals.ratio(clean(rounds, "p99_us", "weir", anchor))
    aa = intervals.ratio(clean(rounds, "cpu_us", "weir-again", "weir"))
    return {"programs": programs, "ratios": ratios, "aa": aa, "aa_valid": intervals.aa_is_valid(aa)}


def clean(rounds, measure, *names):
    """The values of these programs in the rounds in which none of their blocks has a fault."""
    return [tuple(one[n][measure] for n in names) for one in rounds if not any(one[n]["fault"] for n in names)]


def medians(blocks):
    good = [b for b in blocks if not b["fault"]]
    found = {"blocks": len(blocks), "dropped": [b["fault"] for b in blocks if b["fault"]],
             "idle_min": min((b["own_idle_share"] for b in blocks), default=0)}
    for measure in ("cpu_us", "system_us", "p50_us", "p99_us", "own_idle_share"):
        found[measure] = intervals.median(b[measure] for b in good)
    found["rate"] = intervals.median(b["done"] / b["seconds"] for b in good)
    return found


def run(protocol, folder, options):
    """All cases of an area within the time that the command has."""
    names = [options.case] if options.case else list(CASES)
    until, results = time.monotonic(), []
    for name in names:
        place = folder / name
        place.mkdir()
        until += options.minutes * 60 * WEIGHT[name] / sum(WEIGHT[one] for one in names)
        results.append(Case(protocol, name, place, options).run(until))
        print_case(results[-1])
    return {"cases": results}


def raw(rounds, name, mode):
    """Every block in order; "!" marks one that does not count."""
    return " ".join(f"{one[name][mode]['cpu_us']:.2f}{'!' if one[name][mode]['fault'] else ''}" for one in rounds if mode in one[name])


def print_ratios(ratios):
    for name, value in ratios.items():
        if value is not None:
            print(f"  {name:30} {intervals.text(value)}")
    if None in ratios.values():
        print(f"  {list(ratios.values()).count(None)} ratios are missing: fewer than 3 rounds without a fault")


def print_case(result):
    print(f"\n{result['protocol']} {result['case']}: {len(result['rounds'])} rounds")
    for mode, found in result["modes"].items():
        print(f" {'as fast as it goes' if mode == 'full' else str(result['offered_rate']) + ' requests/s offered'}")
        for name, one in found["programs"].items():
            print(f"  {name:11} cpu {intervals.text(one['cpu_us'], ' us'):28} system {intervals.text(one['system_us'], ' us'):28}"
                  f" {intervals.text(one['rate'], '/s', 0):30} p99 {intervals.text(one['p99_us'], ' us', 0):24}"
                  f" generator idle {100 * one['idle_min']:.0f} % at least, {len(one['dropped'])} of {one['blocks']} dropped")
            print(f"              raw cpu us: {raw(result['rounds'], name, mode)}" + (f"; dropped: {'; '.join(one['dropped'][:3])}" if one["dropped"] else ""))
        print_ratios(found["ratios"])
        print(f"  A/A {intervals.text(found['aa'])}: {'valid' if found['aa_valid'] else 'NOT VALID, nothing of this may be quoted'}", flush=True)
