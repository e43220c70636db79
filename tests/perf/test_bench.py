"""The arithmetic behind every number of ./dev bench: intervals, the A/A check, what is dropped, and the page."""
import os
import random
import sys

sys.path.insert(0, os.path.dirname(__file__))

import intervals  # noqa: E402
import marks  # noqa: E402
import page  # noqa: E402
import scale  # noqa: E402
import traffic  # noqa: E402
import tree  # noqa: E402


def pairs(true_ratio, count=24, noise=0.02, seed=7):
    """Rounds in which the machine's speed wanders by a third, and each block by `noise`."""
    dice = random.Random(seed)
    found = []
    for _ in range(count):
        speed = 10 * (1 + dice.random() / 3)
        found.append((true_ratio * speed * dice.gauss(1, noise), speed * dice.gauss(1, noise)))
    return found


def block(**more):
    return {"cpu_us": 10.0, "system_us": 30.0, "p50_us": 50, "p99_us": 100, "own_idle_share": 0.5, "steal_seconds": 0, "seconds": 1.0, "done": 1000,
            "failed": 0, "first_failure": "", "fault": "", **more}


def test_the_interval_of_a_ratio_holds_the_truth_and_is_narrow_though_the_machine_wanders():
    value, low, high = intervals.ratio(pairs(0.8))
    assert low < 0.8 < high and low <= value <= high and high - low < 0.05


def test_19_of_20_intervals_hold_the_truth():
    held = sum(low <= 0.8 <= high for _, low, high in (intervals.ratio(pairs(0.8, seed=s)) for s in range(60)))
    assert held >= 50, held


def test_the_same_numbers_always_give_the_same_interval():
    assert intervals.ratio(pairs(0.8)) == intervals.ratio(pairs(0.8))


def test_fewer_than_three_rounds_give_no_interval():
    assert intervals.ratio(pairs(1.0)[:2]) is None
    assert intervals.text(None) == "too few rounds" and not intervals.aa_is_valid(None)


def test_the_same_program_twice_is_valid_only_around_one_and_within_3_percent():
    assert intervals.aa_is_valid(intervals.ratio(pairs(1.0, noise=0.01)))
    assert not intervals.aa_is_valid(intervals.ratio(pairs(1.05, noise=0.01)))
    assert not intervals.aa_is_valid(intervals.ratio(pairs(1.0, noise=0.2)))


def test_exact_counts_that_differ_by_one_in_thousands_are_the_same():
    assert intervals.aa_is_valid(intervals.ratio([(7241, 7239)] * 3))
    assert not intervals.aa_is_valid(intervals.ratio([(7260, 7239)] * 3))


def test_the_excess_is_what_stands_above_the_floor():
    value, low, high = intervals.excess([(11.0, 14.0, 10.0)] * 8)
    assert value == low == high == 0.25


def test_blocks_with_a_failure_with_steal_or_with_a_busy_generator_do_not_count():
    assert traffic.fault(block()) == ""
    assert "failed" in traffic.fault(block(failed=1, first_failure="reset"))
    assert "steal" in traffic.fault(block(steal_seconds=0.1))
    assert "idle" in traffic.fault(block(own_idle_share=0.05))
    assert traffic.fault(block(done=0))


def test_a_round_counts_only_where_neither_of_its_two_blocks_has_a_fault():
    rounds = [{"weir": block(), "haproxy": block()}, {"weir": block(fault="steal"), "haproxy": block()}, {"weir": block(), "haproxy": block(fault="idle")}]
    assert len(traffic.clean(rounds, "cpu_us", "weir", "haproxy")) == 1


def sample_result(quiet):
    names = ["relay", "weir", "haproxy", "nginx", "weir-again"]
    cost = {"relay": 9.0, "weir": 10.0, "weir-again": 10.0, "haproxy": 13.0, "nginx": 14.0}
    found = traffic.summary([{n: block(cpu_us=cost[n]) for n in names} for _ in range(6)], names)
    machine = {"processor": "P", "cores": 2, "virtual": True, "memory_mib": 1, "kernel": "6", "congestion_control": "cubic", "load_1m": 0.1}
    return {"area": "http", "command": "./dev bench http", "started": "now", "took_seconds": 1, "quiet": quiet, "machine": machine, "versions": {"weir": "1"}, "build": "c0ffee",
            "cases": [{"protocol": "http", "case": "small-16", "offered_rate": 100, "modes": {"offered": found}}]}


def test_the_page_names_command_machine_intervals_and_what_is_missing():
    shown = page.text({"http": sample_result(True)})
    assert "`./dev bench http`" in shown and "2 cores of P" in shown and "| excess weir |  | 0.25 (0.25 to 0.25) | 0.20 (0.20 to 0.20) |" in shown
    assert "A/A 1.00 (1.00 to 1.00): valid" in shown and "Not measured yet." in shown and page.UNQUIET not in shown


def test_a_mark_is_met_only_by_the_unfavourable_end_of_a_valid_run():
    assert marks.verdict((0.55, 0.5, 0.59), 0.6, True) == "met"
    assert marks.verdict((0.55, 0.5, 0.61), 0.6, True) == "**missed**"
    assert "not proven" in marks.verdict((0.1, 0.1, 0.1), 0.6, False) and marks.verdict(None, 0.6, True) == "not measured"
    assert [row[3] for row in marks.rows(sample_result(True))] == ["met", "met"]


def sample_scale(wrong=0):
    roles = {role: 0.25 for role in ("control", "node", "proxy")}
    made = [{"kind": kind, "late": 0.001, "called": 0, "answered": 0.002, "applied": 0.05 + number / 1000, "packets": 0.04 if kind == "move" else None}
            for number in range(50) for kind in ("move", "weight")]
    verdicts = {"right": 19999, "wrong": wrong, "unhealthy": 5, "examples": ["127.0.0.1: healthy instead of unhealthy"] * wrong, "seconds": 3.0}
    memory = {role: {"resident": 100_000_000, "most": 250_000_000} for role in roles}
    pages = {"native": [0.005] * 50, "jdcloud": [0.006] * 50}
    result = {**sample_result(True), "area": "scale", "listeners": 2040, "services": 2000, "hashed": 1000, "targets": 20000, "addresses": 20000,
              "interval_seconds": 30, "create_seconds": 9.0, "verdicts": {"created": verdicts, "changed": verdicts}, "memory": {"empty": memory},
              "checks": {"per_second": 667.0, "cores": roles, "node_us": 80.0, "stream_bytes_per_second": 14.0}, "descriptors": {"node": 2100},
              "lists": {"quiet": pages, "changing": {"native": [0.030], "jdcloud": [0.006] * 5}},
              "starts": {"cold": [{"api": 0.3, "applied": 2.0, "served": 2.1, "all": 2.1, "cpu": roles}] * 3, "node_empty": [3.0, 3.1, 3.2]},
              "change": {"count": 100, "seconds": 300, "stream_bytes": 1950.0, "cpu_ms": roles, "changes": made,
                         "traffic": {"done": 1000, "failed": 0, "first_failure": "", "seconds": 10.0, "p99_us": 900.0}}}
    scale.summary(result)
    return result


def test_of_the_large_tree_the_page_tells_times_memory_and_verdicts_and_every_mark_is_judged():
    shown = page.text({"scale": sample_scale()})
    assert "2040 listeners, 2000 backend services (1000 of them hash), 20000 targets at 20000 addresses" in shown
    assert "| start of control and node with 2 000 services and 20 000 targets, s | at most 5.00 | 2.10 (2.10 to 2.10) | met |" in shown
    assert "| a change applied at the node, p99 ms | at most 500.00 | 99.00 (98.00 to 99.00) | met |" in shown
    assert "| wrong verdicts | at most 0.00 | 0.00 (0.00 to 0.00) | met |" in shown
    # One page in 51 took 30 ms: more than one in a hundred may.
    assert "| a page of 100 on the native face, p99 ms | at most 20.00 | 30.00 (5.00 to 30.00) | **missed** |" in shown


def test_one_wrong_verdict_misses_its_mark():
    assert {row[0]: row[3] for row in marks.rows(sample_scale(wrong=1))}["wrong verdicts"] == "**missed**"


def test_a_run_that_is_short_or_small_meets_no_mark():
    def verdicts(services, seconds):
        spans = {name: (0, 0, 0) for name in ("cold", "applied", "packets", "native", "jdcloud", "control_mb", "wrong", "failed")}
        rows = marks.rows({"area": "scale", "quiet": True, "services": services, "change": {"seconds": seconds}, "intervals": spans})
        assert len(rows) == len(spans)
        return {row[3] for row in rows}
    assert verdicts(tree.SERVICES, 300) == {"met"}
    assert all("not proven" in told for told in verdicts(tree.SERVICES, 299) | verdicts(100, 300))


def test_a_quantile_lies_in_its_interval_and_the_interval_holds_the_truth():
    dice = random.Random(3)
    held = 0
    for _ in range(200):
        value, low, high = intervals.quantile([dice.random() for _ in range(1000)], 0.99)
        assert low <= value <= high
        held += low <= 0.99 <= high
    assert held >= 180, held
    assert intervals.quantile([1, 2], 0.99) is None and intervals.quantile([5] * 10, 0.99) == (5, 5, 5)


def test_numbers_of_a_busy_machine_are_marked():
    assert page.UNQUIET in page.text({"http": sample_result(False)})
