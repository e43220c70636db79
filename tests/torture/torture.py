#!/usr/bin/env python3
"""./dev torture: long runs that break one thing over and over and count what is lost. See docs/torture.md.

Programs come from build/release, or from where WEIR_PROGRAM, WEIR_TOOLS and WEIR_STORE_TESTS say.
"""
import argparse
import os
import pathlib
import random
import signal
import sys
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(pathlib.Path(__file__).parent)]

import changes  # noqa: E402
import kills  # noqa: E402
import mutants  # noqa: E402
import powercut  # noqa: E402
from harness import Apart, remove, scratch  # noqa: E402
from sheet import Sheet  # noqa: E402

NOT_SET_UP = 3


class TooLate(Exception):
    """The run took longer than it may; a failure."""


def with_cluster(run, starts_right=False):
    """A run on a control and a node of their own; what a failed one leaves stays for a look.

    `starts_right`: a planted mistake comes with the first program that the run itself starts.
    """
    def on_cluster(sheet, options):
        cluster = Apart(scratch("torture"))
        mutant = os.environ.pop("WEIR_MUTANT", "") if starts_right else ""
        cluster.start()
        if mutant:
            os.environ["WEIR_MUTANT"] = mutant
        try:
            run(cluster, sheet, options)
        except TooLate as error:
            sheet.fail(str(error))
        finally:
            cluster.stop_loads()
            try:
                cluster.stop()
            except AssertionError as error:
                sheet.fail(f"a process did not end in order: {error}")
                for process in (cluster.node, cluster.control):
                    process.kill()
        if sheet.failures:
            sheet.line("left for a look", cluster.folder)
        else:
            remove(cluster.folder)
    return on_cluster


def arguments():
    parser = argparse.ArgumentParser(prog="./dev torture", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    runs = parser.add_subparsers(dest="run", required=True)
    one = runs.add_parser("changes", help="changes of every kind under checked load")
    one.add_argument("--changes", type=int, default=2_000)
    one.add_argument("--requests", type=int, default=1_000_000)
    one.add_argument("--long", type=int, default=200, help="long connections")
    one.add_argument("--rate", type=float, default=2_500, help="requests a second")
    one.set_defaults(does=with_cluster(changes.run))
    one = runs.add_parser("kills", help="kill -9 of control, node and proxy")
    one.add_argument("--kills", type=int, default=500, help="in all; three fifths of control, a fifth each of node and proxy")
    one.add_argument("--of", action="append", choices=list(kills.KILLS), help="only of this process (may be repeated)")
    one.set_defaults(does=with_cluster(kills.run, starts_right=True))
    one = runs.add_parser("powercut", help="power cuts under the store")
    one.add_argument("--points", type=int, default=5_000, help="moments of a cut; each may leave up to four different disks")
    one.set_defaults(does=powercut.run)
    one = runs.add_parser("mutants", help="short runs of programs with a planted mistake, each of which must fail")
    one.set_defaults(does=mutants.run)
    for each in runs.choices.values():
        each.add_argument("--seed", type=int, default=None)
        each.add_argument("--slowness", type=float, default=1.0, help="limits on times are multiplied by it; for a busy machine")
        each.add_argument("--limit", type=int, default=7_200, help="seconds; a run that takes longer has failed")
    return parser.parse_args()


def too_late(*_):
    raise TooLate("the run did not end in time")


def main():
    options = arguments()
    sheet = Sheet(options.run, random.randrange(1 << 30) if options.seed is None else options.seed, options.slowness)
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(options.limit)
    try:
        options.does(sheet, options)
    except TooLate as error:
        sheet.fail(str(error))
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        sys.exit(NOT_SET_UP)
    finally:
        signal.alarm(0)
    sys.exit(sheet.close())


if __name__ == "__main__":
    main()
