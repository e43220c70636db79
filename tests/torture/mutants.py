"""Short runs of programs with a planted mistake (src/base/mutant.h): each must fail, and by the line that is meant to see it.

Every short run passes first without its mistake. The programs are those of a build that has mutants in it: build/dev, or the
folder that WEIR_MUTANTS_BUILD names.
"""
import os
import pathlib
import re
import subprocess
import sys

from sheet import NotSetUp

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("WEIR_MUTANTS_BUILD", ROOT / "build" / "dev"))
# Debug builds are slower; what is looked for here is no matter of time.
SLOWNESS = 8
END_SECONDS = 90
SHORT = {
    "changes": ["changes", "--changes", "120", "--requests", "20000", "--rate", "1000"],
    "kills of control": ["kills", "--kills", "40", "--of", "control"],
    "powercut": ["powercut", "--points", "300"],
}
# Mistake, the run that must see it, and what one of its failures says.
MUTANTS = [
    ("listener-rebound", "changes", r"requests failed|long connections|a change failed"),
    ("post-replayed", "changes", r"posts broken off: requests"),
    ("answer-before-commit", "kills of control", r"control does not answer"),
    ("start-forgets-last", "kills of control", r"lost or halved: .*found"),
    ("audit-row-apart", "kills of control", r"revisions without an audit row"),
    ("migration-in-steps", "powercut", r"^unopened"),
    ("synchronous-normal", "powercut", r"^lost"),
]


def short_run(sheet, run, mutant):
    """(exit status, its failures, all it said)."""
    environment = {**os.environ, "WEIR_PROGRAM": str(BUILD / "weir"), "WEIR_STORE_TESTS": str(BUILD / "weir_store_tests")}
    if mutant:
        environment["WEIR_MUTANT"] = mutant
    command = [sys.executable, "-B", str(ROOT / "tests" / "torture" / "torture.py"), *SHORT[run], "--seed", str(sheet.seed),
               "--slowness", str(SLOWNESS), "--limit", "900"]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        text, _ = child.communicate()
    finally:
        end(child)
    return child.returncode, re.findall(r"^FAILED: (.*)$", text, re.M), text


def end(child):
    """It ends what it has started when it is told to."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def run(sheet, _):
    for name in ("weir", "weir_store_tests"):
        if not (BUILD / name).exists():
            raise NotSetUp(f"{BUILD / name} is not there")
    for name in SHORT:
        status, failures, text = short_run(sheet, name, None)
        sheet.must(f"{name} without a mistake", "passed" if status == 0 else f"{failures or text[-2000:]}", status == 0)
        sheet.progress(f"{name} without a mistake: exit status {status}", now=True)
    for mutant, name, sign in MUTANTS:
        status, failures, text = short_run(sheet, name, mutant)
        seen = [failure for failure in failures if re.search(sign, failure)]
        caught = status == 1 and seen
        sheet.must(f"{mutant}, by {name}", f"caught: {seen[0][:150]}" if caught else f"SURVIVED: {status}, {failures or text[-2000:]}", caught)
        sheet.progress(f"{mutant}: {'caught' if caught else 'survived'}", now=True)
