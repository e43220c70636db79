"""A balance sheet that could not fail would prove nothing."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(pathlib.Path(__file__).parent)]

import kills  # noqa: E402
from sheet import Sheet, bound, share  # noqa: E402


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
