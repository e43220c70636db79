"""Intervals of measured ratios, and the A/A check. Pure; knows nothing of proxies.

A round holds one block of every program, so two blocks of one round are a pair: what disturbed the machine meanwhile disturbed both.
The interval is the bootstrap's 95 %: rounds are drawn with replacement, the statistic is computed anew, and 2.5 % fall off either end.
"""
import math
import random
import statistics

DRAWS = 4000
CONFIDENCE = 0.95
# A/A: the same program twice must give 1.00, within 3 %. Source: the benchmark method (README, "Measure it").
AA_TOLERANCE = 0.03
# Finer than any figure that is told. Exact counts (instructions) differ by one in thousands between two runs, and always the same way.
AA_RESOLUTION = 0.0005


def bootstrap(rounds, statistic, seed=1):
    """(value, low, high) of `statistic` over `rounds`, a list of anything; None for fewer than 3, of which no interval can be made."""
    if len(rounds) < 3:
        return None
    dice = random.Random(seed)
    drawn = sorted(statistic(dice.choices(rounds, k=len(rounds))) for _ in range(DRAWS))
    cut = int(DRAWS * (1 - CONFIDENCE) / 2)
    return statistic(rounds), drawn[cut], drawn[DRAWS - 1 - cut]


def median(values, seed=1):
    """Median with its interval."""
    return bootstrap(list(values), statistics.median, seed)


def quantile(values, share):
    """A quantile of many values with the 95 % interval of the order statistic, which needs no draws; None for fewer than 3."""
    if len(values) < 3:
        return None
    ordered, middle = sorted(values), len(values) * share
    reach = 1.96 * math.sqrt(middle * (1 - share))
    return tuple(ordered[min(len(values) - 1, max(0, math.ceil(rank) - 1))] for rank in (middle, middle - reach, middle + reach))


def ratio(pairs, seed=1):
    """Median of the per-pair ratios a/b with its interval."""
    return bootstrap([a / b for a, b in pairs if b > 0], statistics.median, seed)


def excess(triples, seed=1):
    """How far `a` stands above the floor in shares of how far `b` does: (a - floor) / (b - floor), each the median over the rounds."""
    def statistic(drawn):
        over = statistics.median(b - floor for _, b, floor in drawn)
        return statistics.median(a - floor for a, _, floor in drawn) / over if over > 0 else float("inf")
    return bootstrap(list(triples), statistic, seed)


def aa_is_valid(interval):
    """True when the same program twice gave an interval that contains 1.00 and lies within the tolerance."""
    if interval is None:
        return False
    _, low, high = interval
    contains_one = low <= 1 + AA_RESOLUTION and high >= 1 - AA_RESOLUTION
    return contains_one and 1 - AA_TOLERANCE <= low and high <= 1 + AA_TOLERANCE


def text(interval, unit="", digits=2):
    """ "0.81 (0.79 to 0.83)"."""
    if interval is None:
        return "too few rounds"
    value, low, high = (f"{x:.{digits}f}" for x in interval)
    return f"{value}{unit} ({low} to {high})"
