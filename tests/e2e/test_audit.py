"""Who did what, from the command line; and a record that somebody with a shell has touched does not pass."""
import json
import sqlite3

from harness import wait_for


def touched(apart, *statements):
    """Runs SQL on the store while control is stopped, and starts it again."""
    assert apart.control.stop() == 0
    with sqlite3.connect(apart.data / "weir.db") as database:
        for statement in statements:
            database.execute(statement)
    database.close()
    apart.start_control()


def test_the_audit_shows_writes_and_refusals_and_reads_leave_nothing(apart):
    apart.cli("create", "vpc", "net", "--address-prefix", "10.9.0.0/16")
    apart.cli("create", "vpc", "a/b", check=False)
    rows = json.loads(apart.cli("audit", "-n", 2, "-o", "json").stdout)
    assert [(row["operation"], row["result"]) for row in rows] == [("create vpc", "refused: INVALID_ARGUMENT"), ("create vpc", "ok")]
    assert rows[1]["object"].startswith("vpc-") and rows[1]["account"] == "default" and rows[1]["source"] == "127.0.0.1"
    apart.cli("get", "vpc")
    assert json.loads(apart.cli("audit", "-n", 2, "-o", "json").stdout) == rows
    table = apart.cli("audit").stdout.splitlines()
    assert table[0].split() == ["NUMBER", "TIME", "WHO", "ACCOUNT", "SOURCE", "OPERATION", "OBJECT", "RESULT"]


def test_an_edited_a_deleted_and_a_cut_off_row_are_found(apart):
    for number in range(5):
        apart.cli("create", "vpc", f"net{number}")
    assert "whole" in apart.cli("audit", "verify").stdout
    newest = json.loads(apart.cli("audit", "-n", 1, "-o", "json").stdout)[0]["number"]
    # Only the last statement makes a difference: the copy goes back before each.
    touched(apart, "CREATE TABLE kept AS SELECT * FROM audit")
    for statement, found in ((f"UPDATE audit SET who='nobody' WHERE number={newest - 2}", f"row {newest - 2} does not fit"),
                             (f"DELETE FROM audit WHERE number={newest - 1}", f"row {newest - 1} is missing"),
                             (f"DELETE FROM audit WHERE number>={newest}", f"row {newest} is missing")):
        touched(apart, "DELETE FROM audit WHERE number<=(SELECT max(number) FROM kept)", "INSERT INTO audit SELECT * FROM kept")
        assert apart.cli("audit", "verify").returncode == 0
        touched(apart, statement)
        verdict = apart.cli("audit", "verify", check=False)
        assert verdict.returncode == 1 and found in verdict.stdout, verdict.stdout + verdict.stderr
    wait_for(lambda: apart.cli("audit", "verify", "-o", "json", check=False).returncode == 1, "the verdict as JSON")


def test_a_chain_that_was_closed_again_behind_a_cut_is_found_by_its_anchor(apart):
    for number in range(3):
        apart.cli("create", "vpc", f"net{number}")
    # Control notes an anchor when it starts and another row has come since.
    touched(apart, "SELECT 1")
    wait_for(lambda: json.loads((apart.data / "audit-anchors").read_text().splitlines()[-1])["number"] > 3, "an anchor of the newest rows")
    cut = json.loads(apart.cli("audit", "-n", 1, "-o", "json").stdout)[0]["number"] - 2
    touched(apart, f"DELETE FROM audit WHERE number>{cut}",
            f"UPDATE audit_ends SET number={cut}, hash=(SELECT hash FROM audit WHERE number={cut}) WHERE name='newest'")
    verdict = apart.cli("audit", "verify", check=False)
    assert verdict.returncode == 1 and "noted outside of the store" in verdict.stdout, verdict.stdout
