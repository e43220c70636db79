"""Area `memory`: what an idle client connection costs, and what is given back.

A fresh process answers some requests, so that whatever it builds at first use is there. Then 5 000 clients connect, get one answer each and stay
idle. The figure is the growth of Private_Dirty (smaps_rollup) of all of the program's processes, by connection; the kernel's slab is read beside it
and belongs to client, target and proxy together. TCP costs two connections of the proxy for each client, HTTP one.
"""
import json
import pathlib
import subprocess
import time

import intervals
import subjects
import traffic

CONNECTIONS = 5000
OPEN_RATE = 4000
WARM_REQUESTS = 2000
ROUNDS = 8
# Chosen because allocators and the loops of all four have nothing left to do after it.
SETTLE_SECONDS = 1.0


def private_dirty(pids):
    """Bytes that only these processes hold."""
    total = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_Dirty:"))
    return total * 1024


def slab():
    return int(pathlib.Path("/proc/meminfo").read_text().split("Slab:")[1].split()[0]) * 1024


def opened(subject, count):
    """The generator, holding `count` idle connections."""
    command = [subjects.TOOLS / "bench_load", f"{subject.address}:{subject.port}", "--connections", count, "--bytes", 100, "--hold", "--rate", OPEN_RATE]
    holder = subprocess.Popen(list(map(str, subjects.pinned(subjects.LOAD_CORE, command))), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return holder, json.loads(holder.stdout.readline())


def block(name, protocol, place, target, count):
    place.mkdir()
    subject = subjects.make(name, place, target, protocol, False)
    subject.start()
    try:
        traffic.load(subject, ["--connections", 64, "--bytes", 100], "--requests", WARM_REQUESTS)
        time.sleep(SETTLE_SECONDS)
        before, slab_before = private_dirty(subject.processes()), slab()
        holder, report = opened(subject, count)
        time.sleep(SETTLE_SECONDS)
        during, slab_during = private_dirty(subject.processes()), slab()
        holder.communicate("")
        time.sleep(SETTLE_SECONDS)
        after = private_dirty(subject.processes())
    finally:
        subject.stop()
    fault = f"{report['done']} of {count} held, {report['failed']} failed: {report['first_failure']}" if report["done"] != count or report["failed"] else ""
    return {"bytes": (during - before) / count, "slab_bytes": (slab_during - slab_before) / count, "resident_bytes": before,
            "kept_bytes": (after - before) / count, "fault": fault}


def run(folder, options):
    count = max(100, int(CONNECTIONS * options.scale))
    results = [measure(protocol, folder, count, options.rounds or ROUNDS) for protocol in ("http", "tcp")]
    return {"connections": count, "cases": results}


def measure(protocol, folder, count, wanted):
    place = folder / protocol
    place.mkdir()
    names, target, rounds = subjects.available(protocol), subjects.Target(place), []
    try:
        while len(rounds) < wanted:
            order = names if len(rounds) % 2 == 0 else names[::-1]
            rounds.append({n: block(n, protocol, place / f"{len(rounds)}-{n}", target, count) for n in order})
    finally:
        target.stop()
    result = {"protocol": protocol, "rounds": rounds, **summary(rounds, names)}
    print_case(result, count)
    return result


def summary(rounds, names):
    programs = {}
    for name in names:
        good = [one[name] for one in rounds if not one[name]["fault"]]
        programs[name] = {m: intervals.median(b[m] for b in good) for m in ("bytes", "slab_bytes", "resident_bytes", "kept_bytes")}
        programs[name]["dropped"] = [one[name]["fault"] for one in rounds if one[name]["fault"]]
    ratios = {f"bytes weir/{n}": intervals.ratio(traffic.clean(rounds, "bytes", "weir", n)) for n in names if not n.startswith("weir")}
    aa = intervals.ratio(traffic.clean(rounds, "bytes", "weir-again", "weir"))
    return {"programs": programs, "ratios": ratios, "aa": aa, "aa_valid": intervals.aa_is_valid(aa)}


def print_case(result, count):
    print(f"\n{result['protocol']}: {count} idle connections, {len(result['rounds'])} rounds; bytes of user-space memory by connection")
    for name, one in result["programs"].items():
        raw = " ".join(f"{r[name]['bytes']:.0f}{'!' if r[name]['fault'] else ''}" for r in result["rounds"])
        print(f"  {name:11} {intervals.text(one['bytes'], ' B', 0):26} on top of {intervals.text(one['resident_bytes'], ' B', 0)}, kept after they ended {intervals.text(one['kept_bytes'], ' B', 0):26}"
              f" slab of all sides {intervals.text(one['slab_bytes'], ' B', 0):30} raw: {raw}")
        for fault in one["dropped"]:
            print(f"    dropped: {fault}")
    traffic.print_ratios(result["ratios"])
    print(f"  A/A {intervals.text(result['aa'])}: {'valid' if result['aa_valid'] else 'not within 3 %'}", flush=True)
