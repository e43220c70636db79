"""The balance sheet of a run: what was done, what was counted on each side, and what must agree.

A criterion that does not hold, a figure that differs, too few trials and a run that does not end are failures. Exit
status: 0 all held, 1 something did not, 3 the run could not be set up.
"""
import threading
import time

PROGRESS_SECONDS = 10


class NotSetUp(Exception):
    """What is to be tried could not be started."""


class Ended(BaseException):
    """The run took longer than it may, or was told to end; a failure. Nothing on the way may take it for one of the product's."""


class Sheet:
    def __init__(self, name, seed, slowness=1.0):
        self.name, self.seed, self.slowness = name, seed, slowness
        self.started = self.told = time.monotonic()
        self.lock = threading.Lock()
        self.lines, self.failures = [], []
        print(f"torture {name}: seed {seed} (repeat with --seed {seed})", flush=True)

    def progress(self, text, now=False):
        """At most one line in PROGRESS_SECONDS, unless `now`; `text` may be a function that makes it."""
        with self.lock:
            time_now = time.monotonic()
            if not now and time_now - self.told < PROGRESS_SECONDS:
                return
            self.told = time_now
        print(f"{time_now - self.started:7.0f} s  {text() if callable(text) else text}", flush=True)

    def line(self, what, value):
        self.lines.append((what, str(value)))

    def must(self, what, value, holds):
        """A criterion; `value` is shown beside it."""
        self.lines.append((what, f"{value}{'' if holds else '   <-- FAILED'}"))
        if not holds:
            self.fail(f"{what}: {value}")

    def zero(self, what, value):
        self.must(what, value, value == 0)

    def at_least(self, what, value, least):
        self.must(what, f"{value} (at least {least})", value >= least)

    def within(self, what, seconds, limit):
        """A time; the limit is that of a quiet machine."""
        limit *= self.slowness
        self.must(what, f"{seconds * 1000:.0f} ms (at most {limit * 1000:.0f} ms)", seconds <= limit)

    def equal(self, what, **counts):
        """Counters of different parties of the same things."""
        text = ", ".join(f"{name} {count}" for name, count in counts.items())
        self.must(what, text, len(set(counts.values())) == 1)

    def fail(self, text):
        self.failures.append(text)

    def close(self):
        """Prints the sheet; the exit status."""
        print(f"\nbalance of torture {self.name}, seed {self.seed}, {time.monotonic() - self.started:.0f} s")
        for what, value in self.lines:
            print(f"  {what:44} {value}")
        for failure in self.failures:
            print(f"FAILED: {failure}")
        print(f"torture {self.name}: {'FAILED' if self.failures else 'passed'}", flush=True)
        return 1 if self.failures else 0


def share(values, part):
    """The value that `part` of all do not exceed."""
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))] if values else 0.0


def bound(trials):
    """No failure in so many trials: the true rate is below this with 95 % confidence."""
    return f"none in {trials}: the true rate is below {3 / trials:.1e} (95 %)" if trials else "no trial"
