"""Power cuts: src/store/sqlite_store_power_cut_test.cpp at full size, and its control without full sync."""
import json
import os
import pathlib
import subprocess

from sheet import NotSetUp

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("WEIR_STORE_TESTS", ROOT / "build" / "release" / "weir_store_tests"))
# Enough for the control: it loses transactions at every second disk.
CONTROL_POINTS = 1_000
FATES = {"none": "none", "all": "all", "subset": "some", "torn": "some and a torn one"}
HARMS = ("lost", "halved", "unopened", "damaged", "stuck")


def run_test(sheet, name, points):
    """(its balance, whether it passed)."""
    if not PROGRAM.exists():
        raise NotSetUp(f"{PROGRAM} is not there")
    environment = {**os.environ, "WEIR_SEED": str(sheet.seed), "WEIR_CUT_POINTS": str(points)}
    child = subprocess.Popen([PROGRAM, f"--gtest_filter=PowerCutTest.{name}"], env=environment, text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    balance, text = None, ""
    try:
        for line in child.stdout:
            text += line
            if line.startswith("balance "):
                balance = json.loads(line[len("balance "):])
            elif " points, " in line:
                sheet.progress(line.strip(), now=True)
    finally:
        child.kill()
        child.wait()
    if balance is None:
        raise AssertionError(f"{PROGRAM} told no balance:\n{text[-3000:]}")
    return balance, "[  PASSED  ] 1 test" in text


def run(sheet, options):
    balance, passed = run_test(sheet, "Figure4_LosesNothingAcknowledgedAndHalvesNothing", options.points)
    sheet.at_least("moments at which the power failed", balance["points"], options.points)
    sheet.line("disks that were opened", balance["cuts"])
    for fate, what in FATES.items():
        sheet.at_least(f"  on which of the unsynced writes stand {what}", balance[fate], options.points // 2)
    # Chosen because a run of a few hundred moments may by chance see none of them.
    sheet.at_least("lives of the store", balance["lives"], options.points // 500)
    sheet.at_least("  that ended in order", balance["ends_in_order"], options.points // 5_000)
    sheet.at_least("transactions acknowledged", balance["acknowledged"], options.points // 100)
    sheet.line("in flight: found stored, found absent", f"{balance['present_unanswered']}, {balance['absent_unanswered']}")
    sheet.at_least("log folded into the database", balance["checkpoints"], options.points // 5_000)
    for harm in HARMS:
        sheet.zero(harm, balance[harm])
    sheet.must("the test says so too", passed, passed)
    control, seen = run_test(sheet, "Figure4_SeesWhatIsLostWithoutFullSync", min(options.points, CONTROL_POINTS))
    sheet.must("control, synchronous=NORMAL: disks without an acknowledged transaction", f"{control['lost']} of {control['cuts']}",
               seen and control["lost"] > 0)
