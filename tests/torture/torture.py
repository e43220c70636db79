#!/usr/bin/env python3
"""./dev torture: long runs that break one thing over and over and count what is lost. See docs/torture.md.

Programs come from build/release, or from where WEIR_PROGRAM, WEIR_TOOLS and WEIR_STORE_TESTS say.
"""
import argparse
import contextlib
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
from harness import Apart, remove, scratch, wait_for  # noqa: E402
from sheet import Ended, NotSetUp, Sheet  # noqa: E402

NOT_SET_UP = 3


def begin(cluster, starts_right):
    mutant = os.environ.pop("WEIR_MUTANT", "") if starts_right else ""
    try:
        cluster.start()
    except Exception as error:
        raise NotSetUp("control and node did not start") from error
    finally:
        if mutant:
            os.environ["WEIR_MUTANT"] = mutant


def end(cluster, sheet):
    """Ends all that was started, however far that came; what does not end in order is a failure."""
    cluster.stop_loads()
    cluster.targets.stop()
    for name in ("node", "control"):
        process = getattr(cluster, name, None)
        if process is None or not process.alive():
            continue
        try:
            status = process.stop()
            if status != 0:
                sheet.fail(f"{name} ended with status {status}: {process.tail()}")
        except AssertionError as error:
            sheet.fail(f"a process did not end in order: {error}")
    if not hasattr(cluster, "node"):
        return
    with contextlib.suppress(AssertionError):
        wait_for(lambda: not cluster.proxies(), "every proxy to end")
    for proxy in cluster.proxies():
        sheet.fail(f"proxy {proxy} outlived its node")
        with contextlib.suppress(ProcessLookupError):
            os.kill(proxy, signal.SIGKILL)


def with_cluster(run, starts_right=False):
    """A run on a control and a node of their own; what a failed one leaves stays for a look.

    `starts_right`: a planted mistake comes with the first program that the run itself starts.
    """
    def on_cluster(sheet, options):
        cluster = Apart(scratch("torture"))
        try:
            begin(cluster, starts_right)
            run(cluster, sheet, options)
        except NotSetUp:
            raise
        except (Ended, Exception) as error:  # pylint: disable=broad-except
            traceback.print_exception(error)
            sheet.fail(f"{error or type(error).__name__}")
        finally:
            end(cluster, sheet)
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


def ended(number, _):
    """Once: what follows is the cleaning up."""
    for each in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise Ended("the run did not end in time" if number == signal.SIGALRM else f"the run was ended by {signal.Signals(number).name}")


def carry_out(does, sheet, options):
    """The exit status. Whatever a run meets once it is set up is a failure of what it tries."""
    try:
        does(sheet, options)
    except NotSetUp:
        traceback.print_exc()
        return NOT_SET_UP
    except Ended as error:
        sheet.fail(str(error))
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc()
        sheet.fail(repr(error))
    finally:
        signal.alarm(0)
    return sheet.close()


def main():
    options = arguments()
    sheet = Sheet(options.run, random.randrange(1 << 30) if options.seed is None else options.seed, options.slowness)
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ended)
    signal.alarm(options.limit)
    sys.exit(carry_out(options.does, sheet, options))


if __name__ == "__main__":
    main()
