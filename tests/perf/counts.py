"""Area `counts`: figures that a noisy machine cannot bend.

- Instructions per request, user space: the program runs under callgrind, answers some requests, has its counters set to zero, and answers 2 000 more
  from 16 connections. Of Weir that is the proxy alone, which alone serves. What it executes while idle for as long is shown beside it and not taken off.
- System calls per request: counted by perf (tracepoint raw_syscalls:sys_enter) while 64 connections ask as fast as they can; the split by name is
  strace's, whose slowness makes batches larger, so only its proportions mean something.
"""
import os
import re
import subprocess
import time

import intervals
import subjects
import traffic

CALLGRIND_REQUESTS = 2000
CALLGRIND_CONNECTIONS = 16
PERF_REQUESTS = 60_000
STRACE_REQUESTS = 10_000
CALL_CONNECTIONS = 64
ROUNDS = 6
# Everything runs some fifty times slower there.
CALLGRIND_PATIENCE = 120


def asked(subject, connections, requests):
    report = traffic.load(subject, ["--connections", connections, "--bytes", 100], "--requests", requests)
    if report["failed"] or report["done"] < requests:
        raise AssertionError(f"{subject.name}: {report['done']} of {requests} answered, {report['failed']} failed: {report['first_failure']}")
    return report["done"]


def started(name, place, target):
    place.mkdir(parents=True)
    return subjects.make(name, place, target, "http", False)


def control(folder, *words):
    """callgrind_control, in the folder where the programs were started from (it asks through /tmp, whatever that is)."""
    done = subprocess.run(["callgrind_control", *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"callgrind_control {' '.join(words)}: {done.stdout}{done.stderr}")


def executed(folder, pids):
    """Instructions since the last call, by all of these processes; the counters start from zero."""
    known = set(folder.glob("callgrind.out.*"))
    for pid in pids:
        control(folder, "-d", str(pid))
    total = 0
    for dump in set(folder.glob("callgrind.out.*")) - known:
        total += sum(int(n) for n in re.findall(r"^(?:totals|summary): (\d+)", dump.read_text(errors="replace"), re.M)[:1])
    return total


def instructions(name, place, target, requests):
    """{per_request, idle}: user-space instructions by request, and those of an idle time as long, by request too."""
    subject = started(name, place, target)
    prefix = ["valgrind", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={place}/callgrind.out.%p"]
    subject.start(prefix, CALLGRIND_PATIENCE)
    try:
        asked(subject, CALLGRIND_CONNECTIONS, requests // 4)
        pids = [pid for pid in subject.processes() if "callgrind" in os.readlink(f"/proc/{pid}/exe")]
        executed(place, pids)
        began = time.monotonic()
        done = asked(subject, CALLGRIND_CONNECTIONS, requests)
        took = time.monotonic() - began
        busy = executed(place, pids)
        time.sleep(took)
        return {"per_request": busy / done, "idle": executed(place, pids) / done}
    finally:
        subject.stop()


def calls_by_perf(name, place, target, requests):
    """System calls by request, or None where perf may not count."""
    subject = started(name, place, target)
    subject.start()
    try:
        asked(subject, CALL_CONNECTIONS, requests // 10)
        pids = ",".join(map(str, subject.processes()))
        command = [subjects.TOOLS / "bench_load", f"{subject.address}:{subject.port}", "--connections", CALL_CONNECTIONS, "--bytes", 100, "--requests", requests]
        done = subprocess.run(["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", pids, "--",
                               *map(str, subjects.pinned(subjects.LOAD_CORE, command))], capture_output=True, text=True, check=False)
        counted = re.search(r"^(\d+),[^,]*,raw_syscalls:sys_enter", done.stderr, re.M)
        return int(counted.group(1)) / requests if counted and '"failed": 0' in done.stdout else None
    finally:
        subject.stop()


def calls_by_name(name, place, target, requests):
    """{system call: by request} under strace."""
    subject = started(name, place, target)
    subject.start()
    log = place / "strace"
    try:
        pids = [word for pid in subject.processes() for word in ("-p", str(pid))]
        tracer = subprocess.Popen(["strace", "-c", "-f", "-o", str(log), *pids], stderr=subprocess.DEVNULL)
        time.sleep(1)
        try:
            asked(subject, CALL_CONNECTIONS, requests)
        finally:
            tracer.terminate()
            tracer.wait()
    finally:
        subject.stop()
    rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", log.read_text(), re.M)
    return {call: int(count) / requests for count, call in rows if call != "total" and int(count) >= requests // 100}


def run(folder, options):
    scale = min(1.0, options.scale)
    target, names = subjects.Target(folder), subjects.available("http")
    rounds = options.rounds or ROUNDS
    try:
        programs = {n: {"instructions": [], "calls": []} for n in names}
        for number in range(rounds):
            for name in names if number % 2 == 0 else names[::-1]:
                programs[name]["calls"].append(calls_by_perf(name, folder / f"perf-{number}-{name}", target, int(PERF_REQUESTS * scale)))
        for name in names:
            programs[name]["calls_by_name"] = calls_by_name(name, folder / f"strace-{name}", target, int(STRACE_REQUESTS * scale))
        for number in range(min(rounds, 3)):
            for name in names:
                programs[name]["instructions"].append(instructions(name, folder / f"callgrind-{number}-{name}", target, int(CALLGRIND_REQUESTS * scale)))
    finally:
        target.stop()
    result = {"programs": programs, **summary(programs)}
    print_result(result)
    return result


def summary(programs):
    """Medians with intervals, and ratios of the rounds that stand side by side."""
    found = {"medians": {}, "ratios": {}}
    executed_by = {n: [i["per_request"] for i in p["instructions"]] for n, p in programs.items()}
    for name, program in programs.items():
        found["medians"][name] = {"instructions": intervals.median(executed_by[name]), "calls": intervals.median(c for c in program["calls"] if c)}
    for anchor in (n for n in programs if n not in ("weir", "weir-again")):
        found["ratios"][f"instructions weir/{anchor}"] = intervals.ratio(list(zip(executed_by["weir"], executed_by[anchor])))
        pairs = [(a, b) for a, b in zip(programs["weir"]["calls"], programs[anchor]["calls"]) if a and b]
        found["ratios"][f"calls weir/{anchor}"] = intervals.ratio(pairs)
    found["aa"] = intervals.ratio(list(zip(executed_by["weir-again"], executed_by["weir"])))
    found["aa_valid"] = intervals.aa_is_valid(found["aa"])
    return found


def print_result(result):
    print("\nhttp, keep-alive, 100 bytes; system calls at 64 connections, instructions at 16")
    for name, program in result["programs"].items():
        medians = result["medians"][name]
        print(f"  {name:11} system calls {intervals.text(medians['calls']):22} instructions {intervals.text(medians['instructions'], '', 0):24}"
              f" raw: {' '.join('?' if c is None else f'{c:.2f}' for c in program['calls'])};"
              f" {' '.join('%.0f (idle %.0f)' % (i['per_request'], i['idle']) for i in program['instructions'])}")
        print("    by name (strace): " + ", ".join(f"{call} {share:.2f}" for call, share in program["calls_by_name"].items()))
    traffic.print_ratios(result["ratios"])
    print(f"  A/A of instructions {intervals.text(result['aa'], '', 3)}: {'valid' if result['aa_valid'] else 'NOT VALID'}", flush=True)
