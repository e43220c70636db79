"""A balance sheet that could not fail would prove nothing."""
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import threading
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(pathlib.Path(__file__).parent)]

import changes  # noqa: E402
import kills  # noqa: E402
import mutants  # noqa: E402
import test_changes  # noqa: E402
import torture  # noqa: E402
from sheet import Ended, NotSetUp, Sheet, bound, share  # noqa: E402
from test_changes import Scene  # noqa: E402


@pytest.fixture
def sheet():
    return Sheet("nothing", 7)


def test_a_sheet_on_which_all_holds_passes_and_repeats_its_seed(sheet, capsys):
    sheet.equal("requests", client=3, proxy=3, targets=3)
    sheet.at_least("trials", 10, 10)
    sheet.within("time", 0.2, 0.3)
    assert sheet.close() == 0
    assert "seed 7" in capsys.readouterr().out


@pytest.mark.parametrize("spoil", [
    lambda sheet: sheet.equal("requests", client=3, proxy=3, targets=4),
    lambda sheet: sheet.at_least("trials", 9, 10),
    lambda sheet: sheet.zero("lost", 1),
    lambda sheet: sheet.within("time", 0.4, 0.3),
    lambda sheet: sheet.fail("the run did not end in time"),
])
def test_one_figure_that_does_not_hold_fails_the_run(sheet, capsys, spoil):
    sheet.equal("others", client=1, proxy=1)
    spoil(sheet)
    assert sheet.close() == 1
    assert "FAILED: " in capsys.readouterr().out


def test_shares_and_bounds_are_of_the_unfavourable_end():
    assert share([3, 1, 2], 0.5) == 2
    assert share(range(100), 0.99) == 99
    assert share([], 0.99) == 0
    assert "3.0e-06" in bound(1_000_000)
    assert bound(0) == "no trial"


class Fake(kills.Writer):
    """Writes numbers; `stored` is what a restart finds."""

    stored = 0

    def next_value(self):
        return self.known + 1

    def put(self, value):
        if value % 2 == 0:
            raise ConnectionResetError
        self.stored = value
        return value

    def get(self):
        return self.stored


@pytest.fixture
def writer():
    one = Fake(None, None)
    one.known = 0
    return one


def test_an_acknowledged_write_that_is_missing_is_told(writer):
    writer.write_one()
    assert (writer.known, writer.acknowledged) == (1, 1)
    writer.stored = 0
    writer.judge()
    assert len(writer.wrong) == 1


def test_an_unanswered_write_may_be_there_or_not_but_nothing_between(writer):
    writer.write_one()
    for found, wrong in ((1, 0), (2, 0), (5, 1)):
        writer.known, writer.stored = 1, 1
        writer.write_one()
        assert writer.doubt == 2
        writer.stored = found
        writer.judge()
        assert (len(writer.wrong), writer.doubt) == (wrong, None)
    assert (writer.found_absent, writer.found_stored) == (1, 1)


def test_every_kill_asked_for_has_a_victim():
    assert kills.shares(500, list(kills.KILLS)) == {"control": 300, "node": 100, "proxy": 100}
    assert kills.shares(7, ["control", "node"]) == {"control": 6, "node": 1}
    assert kills.shares(5, ["proxy"]) == {"proxy": 5}


def test_a_writer_that_meets_what_nobody_expects_tells_it_and_lives(writer):
    writer.next_value = lambda: 1 / 0
    writer.start()
    while not writer.refused:
        assert writer.is_alive()
    writer.stopping.set()
    writer.join()
    assert "ZeroDivisionError" in writer.refused[0]


def test_a_writer_whose_thing_cannot_be_read_any_more_has_lost_it(writer):
    def gone():
        raise kills.ApiError(404, {})
    writer.get = gone
    kills.judge_writers([writer])
    assert len(writer.wrong) == 1


def store_files(folder):
    """Files of a store, with an index that can be spoiled, and the judge of them."""
    (folder / "data").mkdir()
    with sqlite3.connect(folder / "data" / "weir.db") as database:
        database.executescript("CREATE TABLE meta (name TEXT, value INTEGER); INSERT INTO meta VALUES ('revision', 0);"
                               "CREATE TABLE audit (number INTEGER, revision INTEGER); CREATE INDEX i ON audit (revision);")
        database.executemany("INSERT INTO audit VALUES (?, 0)", [(number,) for number in range(5_000)])
    database.close()
    return folder / "data" / "weir.db", kills.Files(types.SimpleNamespace(data=folder / "data", folder=folder))


def test_whole_files_are_not_damaged(tmp_path):
    _, files = store_files(tmp_path)
    files.judge()
    assert (files.damaged, files.unaudited) == ([], 0)


@pytest.mark.parametrize("spoil", [
    lambda path: path.write_bytes(b"no database at all" * 300),
    lambda path: path.write_bytes(path.read_bytes()[:8192]),
    lambda path: path.write_bytes(path.read_bytes()[:16384] + b"x" * 30_000 + path.read_bytes()[46384:]),
    lambda path: path.unlink(),
])
def test_spoiled_files_are_told_and_end_no_run(tmp_path, spoil):
    path, files = store_files(tmp_path)
    spoil(path)
    files.judge()
    assert files.damaged


def test_failures_that_lie_with_the_proxy_or_a_target_fail_the_run(sheet):
    changes.judge_failures(sheet, {"client_aborted": 3})
    assert not sheet.failures
    changes.judge_failures(sheet, {"client_aborted": 3, "connect_failed": 1})
    assert len(sheet.failures) == 1


@pytest.fixture
def scene():
    """Three writers whose changes do nothing."""
    one = Scene.__new__(Scene)
    one.changers = [object()] * 3
    return one


def test_no_writer_goes_on_for_ever_once_one_has_failed(scene, monkeypatch):
    turns = iter(range(10))

    def change(_):
        if next(turns, None) is None:
            raise ValueError("one change too many")
    monkeypatch.setattr(test_changes, "KINDS", [change])
    with pytest.raises(ValueError):
        scene.change(10, lambda: False)


def test_no_writer_goes_on_once_the_run_has_taken_too_long(scene, monkeypatch):
    monkeypatch.setattr(test_changes, "KINDS", [lambda _: None])
    begun = threading.Event()

    def is_enough():
        begun.set()
        return False

    def too_late(*_):
        raise Ended("too late")
    before = signal.signal(signal.SIGUSR1, too_late)
    threading.Thread(target=lambda: begun.wait() and os.kill(os.getpid(), signal.SIGUSR1)).start()
    try:
        with pytest.raises(Ended):
            scene.change(10, is_enough)
    finally:
        signal.signal(signal.SIGUSR1, before)


def failing(error):
    def does(*_):
        raise error
    return does


@pytest.mark.parametrize("error", [ValueError("two rows"), sqlite3.DatabaseError("damaged"), AssertionError("waited"), Ended("too late")])
def test_what_a_run_meets_once_it_is_set_up_is_a_failure_with_a_sheet_and_a_seed(sheet, capsys, error):
    assert torture.carry_out(failing(error), sheet, None) == 1
    assert "balance of torture nothing, seed 7" in capsys.readouterr().out


def test_a_run_that_could_not_be_set_up_is_told_apart(sheet):
    assert torture.carry_out(failing(NotSetUp("no program")), sheet, None) == torture.NOT_SET_UP


def test_a_short_run_of_a_mutant_is_told_to_end_before_it_is_killed():
    child = subprocess.Popen([sys.executable, "-c", "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); "
                              "print('up', flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
    child.stdout.readline()
    mutants.end(child)
    assert child.returncode == 7


def test_a_control_that_does_not_answer_ends_the_kills(writer):
    def silent():
        raise TimeoutError("timed out")
    writer.get = silent
    with pytest.raises(AssertionError, match="control does not answer"):
        kills.judge_writers([writer])
