"""docs/performance.md, made from the numbers in build/bench/*.json. Pure but for reading and writing those files."""
import json

import intervals
import marks
import scale

HEAD = """# Measured

Written by `./dev bench page` from the numbers of the commands named below; nothing here is typed by hand. In brackets the 95 % interval
(bootstrap over rounds; a round holds a fresh process of every program, odd rounds run backwards). A claim holds with the bracket's unfavourable end
or not at all. *A/A* is Weir beside itself: unless it contains 1.00 and lies within 3 %, the table beside it proves nothing.
*cpu* is the processor time of all processes of a program, *system* that of the whole machine, by request; *excess* is what a program takes over
the bare relay (`tests/perf/relay.cpp`), Weir's in shares of the other's. The generator checks the status and length of every answer; blocks with a
failure, with more than 1 % steal or with less than 10 % idle on the generator's core are dropped and counted. All programs have one worker on core 1,
generator and target share core 0 (so a cheap proxy that runs as fast as it can waits for them, and claims are judged at the offered rate), access logs
are off, upstream connections are kept, loopback throughout: the proxy's time contains its peers' receive work, so the relay stands in every table.
Requests have 150 bytes; TCP carries the same ones.
"""
ORDER = ["http", "tcp", "memory", "scale", "counts"]
UNQUIET = "**The machine was not quiet: these numbers show that the command works, and are not to be quoted.**"


def write(results, page):
    """Overwrites the page with what there is; says so when there is nothing."""
    found = {file.stem: json.loads(file.read_text()) for file in sorted(results.glob("*.json"))}
    if not found:
        raise SystemExit(f"nothing measured yet: no {results}/*.json")
    page.write_text(text(found))
    print(f"wrote {page}" + "".join(f"; no {area} yet" for area in ORDER if area not in found))


def text(found):
    """`found`: results by the name of their file; runs of one case come after those of their area."""
    rows = [row for result in found.values() for row in marks.rows(result)]
    parts = [HEAD, "## Marks\n", table(["what", "mark", "measured", "verdict"], rows)]
    for area in ORDER:
        parts.append(f"## {area}\n")
        parts += [section(result) for result in found.values() if result["area"] == area] or ["Not measured yet.\n"]
    return "\n".join(parts)


def section(result):
    writers = {"http": traffic_part, "tcp": traffic_part, "memory": memory_part, "scale": scale_part, "counts": counts_part}
    return "\n".join([provenance(result), *([] if result["quiet"] else [UNQUIET + "\n"]), writers[result["area"]](result)])


def provenance(result):
    m, versions = result["machine"], ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return (f"`{result['command']}`, {result['started']}, {result['took_seconds']} s. {m['cores']} cores of {m['processor']}"
            f"{' (virtual)' if m['virtual'] else ''}, {m['memory_mib']} MiB, Linux {m['kernel']}, {m['congestion_control']},"
            f" load before the start {m['load_1m']}. {versions}; Weir's commit {result['build']}.\n")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def ratio_table(ratios):
    """One row for what is compared, one column for what with: "cpu_us weir/nginx" stands in row "cpu_us weir", column "nginx"."""
    cells = {tuple(name.rsplit("/", 1)): intervals.text(value) for name, value in ratios.items()}
    anchors, measures = list(dict.fromkeys(b for _, b in cells)), list(dict.fromkeys(a for a, _ in cells))
    return table(["ratio of", *(f"to {b}" for b in anchors)], [[a, *(cells.get((a, b), "") for b in anchors)] for a in measures])


def aa_line(found):
    return f"A/A {intervals.text(found['aa'])}: {'valid' if found['aa_valid'] else '**not valid: this table proves nothing**'}.\n"


def traffic_part(result):
    parts = []
    for case in result["cases"]:
        for mode, found in case["modes"].items():
            if mode == "full" and not found["aa_valid"]:
                parts.append(no_air(case, found))
                continue
            pace = "as fast as the connections go" if mode == "full" else f"{case['offered_rate']} requests/s offered"
            rows = [[name, intervals.text(p["cpu_us"]), intervals.text(p["system_us"]), intervals.text(p["rate"], "", 0), intervals.text(p["p50_us"], "", 0),
                     intervals.text(p["p99_us"], "", 0), f"{100 * p['idle_min']:.0f} %", f"{len(p['dropped'])}/{p['blocks']}"]
                    for name, p in found["programs"].items()]
            head = ["program", "cpu us", "system us", "requests/s", "p50 us", "p99 us", "generator idle, least", "dropped"]
            parts += [f"### {case['protocol']} {case['case']}, {pace}\n", table(head, rows), ratio_table(found["ratios"]), aa_line(found)]
    return "\n".join(parts)


def no_air(case, found):
    """Instead of a table that proves nothing, and that the generator would have decided."""
    dropped = ", ".join(f"{name} {len(p['dropped'])} of {p['blocks']}" for name, p in found["programs"].items())
    return (f"### {case['protocol']} {case['case']}, as fast as the connections go\n\nNot shown: generator and target had no idle time left"
            f" (blocks dropped: {dropped}), so that what they can is what was measured.\n")


def memory_part(result):
    parts = []
    for case in result["cases"]:
        rows = [[name, intervals.text(p["bytes"], "", 0), intervals.text(p["resident_bytes"], "", 0), intervals.text(p["kept_bytes"], "", 0), intervals.text(p["slab_bytes"], "", 0),
                 " ".join(f"{one[name]['bytes']:.0f}" for one in case["rounds"])] for name, p in case["programs"].items()]
        parts += [f"### {case['protocol']}, {result['connections']} idle connections\n",
                  table(["program", "bytes of user space by connection", "bytes before", "kept after they ended", "kernel slab, all sides", "raw"], rows),
                  ratio_table(case["ratios"]), aa_line(case)]
    return "\n".join(parts)


def scale_part(result):
    return "\n".join([scale.made_text(result) + "\n", table(["what", "measured"], [list(row) for row in scale.rows(result)])])


def counts_part(result):
    rows = [[name, intervals.text(m["instructions"], "", 0), intervals.text(m["calls"]),
             ", ".join(f"{call} {share:.2f}" for call, share in result["programs"][name]["calls_by_name"].items())]
            for name, m in result["medians"].items()]
    return "\n".join([table(["program", "user instructions by request (16 connections)", "system calls by request (64 connections)", "shares under strace"], rows),
                      ratio_table(result["ratios"]), aa_line(result)])
