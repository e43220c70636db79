"""The pass marks, kept beside the code that measures them. A mark is met only by the unfavourable end of the interval, and only where the run is
valid: a quiet machine, and an A/A pair that gave 1.00. Traffic is judged at the offered rate (traffic.py says why).
"""
import intervals
import tree

# Where no more than 1.00 is promised, measuring is not finer than this. Source: the benchmark method, parity rows.
PARITY = 1.03
# (area, what, the case it stands in, where its interval stands, at most)
MARKS = [
    ("http", "excess over the relay, in shares of HAProxy's, 16 connections", "small-16", "excess weir/haproxy", 0.60),
    ("http", "excess over the relay, in shares of HAProxy's, 64 connections", "small-64", "excess weir/haproxy", 0.60),
    ("http", "processor time beside nginx's, 16 connections", "small-16", "cpu_us weir/nginx", PARITY),
    ("http", "processor time beside nginx's, 64 connections", "small-64", "cpu_us weir/nginx", PARITY),
    ("memory", "bytes of user space by idle HTTP connection", "http", "bytes", 512),
    ("scale", "start of control and node with 2 000 services and 20 000 targets, s", "", "cold", 5),
    ("scale", "a change applied at the node, p99 ms", "", "applied", 500),
    ("scale", "a change seen by clients' packets, p99 ms", "", "packets", 500),
    ("scale", "a page of 100 on the native face, p99 ms", "", "native", 20),
    ("scale", "a page of 100 on the JD Cloud face, p99 ms", "", "jdcloud", 20),
    ("scale", "highest memory of control, MB", "", "control_mb", 300),
    ("scale", "wrong verdicts", "", "wrong", 0),
    ("scale", "failed requests while changes run", "", "failed", 0),
    ("counts", "user-space instructions beside HAProxy's", "", "instructions weir/haproxy", 0.60),
    ("counts", "system calls by request at 64 connections", "", "calls", 4.5),
]


def rows(result):
    """[what, mark, measured, verdict] of each mark that this run answers."""
    found, cases = [], [one.get("case", one["protocol"]) for one in result.get("cases", [])]
    for area, what, case, where, most in MARKS:
        if area == result["area"] and (not case or case in cases):
            interval, aa_valid = locate(result, case, where)
            found.append([what, f"at most {most:.2f}", intervals.text(interval), verdict(interval, most, aa_valid and result["quiet"])])
    return found


def verdict(interval, most, is_valid):
    if interval is None:
        return "not measured"
    if not is_valid:
        return "not proven (A/A, a machine that was not quiet, or a small run)"
    return "met" if interval[2] <= most else "**missed**"


def locate(result, case, where):
    """(interval, whether its A/A pair is valid)."""
    if result["area"] == "http":
        found = next(one for one in result["cases"] if one["case"] == case)["modes"]["offered"]
        return found["ratios"].get(where), found["aa_valid"]
    if result["area"] == "memory":
        found = next(one for one in result["cases"] if one["protocol"] == case)
        return found["programs"]["weir"][where], found["aa_valid"]
    if result["area"] == "scale":
        # A smaller tree or a shorter time says nothing about the large one.
        return result["intervals"][where], result["services"] >= tree.SERVICES and result["change"]["seconds"] >= 300
    return result["medians"]["weir"]["calls"] if where == "calls" else result["ratios"].get(where), result["aa_valid"]
