"""The command that runs fuzzers, with a program in place of libFuzzer: what it keeps, what it cleans up and what it calls a failure."""
import json
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools")]

import fuzz  # noqa: E402

PROGRAM = """#!/usr/bin/python3
import pathlib, shutil, sys
options = dict(one[1:].split("=", 1) for one in sys.argv[1:] if one.startswith("-"))
folders = [pathlib.Path(one) for one in sys.argv[1:] if not one.startswith("-")]
if "merge" in options:
    STUMBLE
    shutil.copy(folders[1] / "useful", folders[0] / "useful")
else:
    for name in ("useful", "reached twice"):
        (folders[0] / name).write_text(name)
    pathlib.Path(str(folders[0]) + ".folders").write_text(" ".join(map(str, folders)))
    (pathlib.Path(str(folders[0]) + ".seeds")).write_text(" ".join(p.name for f in folders[1:] for p in f.iterdir()))
    print("#7 NEW    cov: 3 ft: 9 corp: 2/9b", "stat::number_of_executed_units: " + str(MADE), sep="\\n", flush=True)
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(fuzz, "DATA", tmp_path / "cases.json")
    fuzz.DATA.write_text(json.dumps([{"id": "request/a-1", "kind": "request", "bytes": "GET"}, {"id": "b", "kind": "response", "bytes": "x"}]))

    def write(stumble="pass", made="1000"):
        path = tmp_path / "h1_request_fuzz"
        path.write_text(PROGRAM.replace("STUMBLE", stumble).replace("MADE", made))
        path.chmod(0o755)
        return path
    return write


def inputs(run):
    return sorted(one.name for one in run.corpus.iterdir())


def test_what_a_run_grows_is_made_small_again(program):
    run = fuzz.Run(program()).go(1)
    assert (run.status, run.executions, run.edges, inputs(run)) == (0, 1000, 3, ["useful"])


@pytest.mark.parametrize("stumble", ["sys.exit(1)", "sys.exit(0)", "import time; time.sleep(60)"])
def test_a_corpus_stays_whole_when_it_cannot_be_made_small(program, stumble, monkeypatch):
    monkeypatch.setattr(fuzz, "MERGE_SECONDS", 1)
    assert inputs(fuzz.Run(program(stumble)).go(1)) == ["reached twice", "useful"]


def test_cases_of_another_parser_are_seeds_of_one_run_only(program):
    run = fuzz.Run(program()).go(1)
    assert "request_a-1" in pathlib.Path(f"{run.corpus}.seeds").read_text().split()
    data = pathlib.Path(pathlib.Path(f"{run.corpus}.folders").read_text().split()[-1])
    assert not data.exists() and fuzz.KEPT not in data.parents


def test_a_number_of_executions_has_a_limit_and_must_be_made(program, monkeypatch, capsys):
    folder = program(made="options['runs']").parent
    monkeypatch.setattr(sys, "argv", ["fuzz", "--executions", "500", "--folder", str(folder)])
    with pytest.raises(SystemExit) as ended:
        fuzz.main()
    assert ended.value.code == 0
    program(made="int(options['max_total_time'])")
    monkeypatch.setattr(sys, "argv", ["fuzz", "--executions", "500", "--limit", "9", "--folder", str(folder)])
    with pytest.raises(SystemExit) as ended:
        fuzz.main()
    assert ended.value.code == 1 and "not done within 9 s: h1_request_fuzz" in capsys.readouterr().out
