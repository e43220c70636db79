"""A failure that the runner forgives by mistake is a failure that nobody sees."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools")]

import run_tests  # noqa: E402

PROGRAM = """#!/usr/bin/python3
import json, pathlib, sys
option = dict(one.lstrip("-").split("=", 1) for one in sys.argv[1:])
mark = pathlib.Path(sys.argv[0] + ".has_run")
is_first = not mark.exists()
mark.write_text("")
print("[ RUN      ] Dice.Calm\\nseed 3\\n[       OK ] Dice.Calm (0 ms)")
print("[ RUN      ] Dice.Wild\\nMESSAGE\\n[  FAILED  ] Dice.Wild (0 ms)" if is_first else "[ RUN      ] Dice.Wild\\n[       OK ] Dice.Wild (0 ms)")
if "gtest_output" in option:
    cases = [{"name": "Calm", "result": "COMPLETED"}, {"name": "Wild", "result": "COMPLETED", **({"failures": [{}]} if is_first else {})}]
    pathlib.Path(option["gtest_output"].removeprefix("json:")).write_text(json.dumps({"testsuites": [{"name": "Dice", "testsuite": cases}]}))
sys.exit(1 if is_first else 0)
"""


@pytest.fixture
def fails_once(tmp_path, monkeypatch):
    """Runs a program of which one test prints `message` and fails, the first time."""
    monkeypatch.setattr(run_tests, "BUILD", tmp_path)
    (tmp_path / "release").mkdir()
    program = tmp_path / "release" / "weir_dice_tests"

    def go(message):
        program.write_text(PROGRAM.replace("MESSAGE", message))
        program.chmod(0o755)
        return run_tests.run_unit("release", program)
    return go


def test_a_test_that_was_starved_is_unsteady(fails_once):
    tally = fails_once("waited 20 s for the state")
    assert (tally.failed, tally.unsteady, tally.passed) == ([], ["release:weir_dice_tests:Dice.Wild"], 2)


@pytest.mark.parametrize("message", ["WEIR_SEED=1234567", "lost 3 of them, seed 42", "Seed 7 lost them"])
def test_a_failure_with_its_own_dice_stands(fails_once, message):
    tally = fails_once(message)
    assert (tally.failed, tally.unsteady) == (["release:weir_dice_tests:Dice.Wild"], [])


def test_what_a_sanitizer_reports_stands(fails_once):
    assert fails_once("==1==ERROR: AddressSanitizer: heap-use-after-free").failed


def test_the_dice_of_another_test_do_not_count():
    text = "[ RUN      ] A.B\nseed 5\n[       OK ] A.B (1 ms)\n[ RUN      ] A.C/0\nlate\n[  FAILED  ] A.C/0, where GetParam() = 1 (2 ms)\n"
    assert not run_tests.SEED.search(run_tests.said_by("A.C/0", text))


def test_an_end_to_end_failure_with_its_own_dice_stands(tmp_path, monkeypatch):
    monkeypatch.setattr(run_tests, "BUILD", tmp_path)
    monkeypatch.setattr(run_tests, "build", lambda *_: True)
    monkeypatch.setattr(run_tests, "e2e_shares", lambda: [[["test_dice"]]])

    def pytest_once(command, log, timeout=None, env=None):
        again = [one for one in command if "::" in one]
        report = [one for one in command if one.startswith("--junitxml=")]
        log.write_text("")
        if report:
            assert "junit_logging=all" in command  # else nothing that a test printed is in the report
            pathlib.Path(report[0].removeprefix("--junitxml=")).write_text(
                '<testsuite><testcase classname="tests.e2e.test_dice" name="test_wild"><failure>lost</failure><system-out>seed 12</system-out>'
                '</testcase><testcase classname="tests.e2e.test_dice" name="test_slow"><failure>waited</failure></testcase></testsuite>')
        return (0 if again else 1), 0.0
    monkeypatch.setattr(run_tests, "run", pytest_once)

    class Options:
        pytest = []
    tally = run_tests.stage_e2e(Options())
    assert (tally.failed, tally.unsteady) == (["e2e:tests.e2e.test_dice.test_wild"], ["e2e:tests.e2e.test_dice.test_slow"])
