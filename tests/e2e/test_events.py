"""What happens is told to whoever follows it, over a control process that is killed and one that is started anew."""
import json
import subprocess

from harness import PROGRAM, wait_for


def follow(cluster, *arguments):
    """`weir events -w -o json` with its output in files."""
    out, err = cluster.folder / "events.out", cluster.folder / "events.err"
    with open(out, "wb") as to, open(err, "wb") as errors:
        child = subprocess.Popen([str(PROGRAM), "events", "-w", "-o", "json", "--credentials", str(cluster.credentials), *arguments],
                                 stdout=to, stderr=errors, stdin=subprocess.DEVNULL)
    return child, out, err


def seen(out):
    """Whole lines of what was printed."""
    return [json.loads(line) for line in out.read_text().splitlines(keepends=True) if line.endswith("\n")]


def test_events_are_followed_across_a_restart_and_a_kill_of_control(apart):
    apart.cli("create", "vpc", "first")
    child, out, err = follow(apart, "--kind", "vpc")
    try:
        wait_for(lambda: seen(out), f"what has happened so far:\n{err.read_text()}")
        expected = []
        for number in range(9):
            if number == 3:
                assert apart.control.stop() == 0
                apart.start_control()
            if number == 6:
                apart.control.kill()
                apart.start_control()
            made = apart.api.create("vpc", f"net{number}")
            changed = apart.api.patch("vpc", made["id"], description="x")
            gone = apart.api.delete("vpc", made["id"])
            expected += [("created", made["id"]), ("changed", made["id"]), ("deleted", made["id"])]
            assert made["revision"] < changed["revision"] < gone["revision"]
        apart.cli("create", "vpc", "last")

        def told():
            return [event for event in seen(out) if event["type"] != "reset"]

        wait_for(lambda: told() and told()[-1]["object"]["name"] == "last", f"the last event:\n{err.read_text()}", seconds=30)
        events = told()
        begin = [event["object"]["name"] for event in events].index("first")
        assert [(event["type"], event["object"]["id"]) for event in events[begin + 1:-1]] == expected
        assert events[-1]["call"] == "create vpc" and events[-1]["who"] and events[-1]["audit"] > 0
        # What nodes reported to the control that ended is lost, and it says so.
        assert "goes on where it was" in err.read_text() and "connected again" in err.read_text() and "some events were missed" in err.read_text()
    finally:
        child.terminate()
        child.wait(20)


def test_events_are_shown_as_a_table_and_narrowed(apart):
    apart.cli("create", "vpc", "net", "--label", "team=blue")
    id = apart.api.items("vpc", "?name=net")[0]["id"]
    apart.cli("update", "vpc", "net", "--description", "x")
    apart.cli("delete", "vpc", "net")
    lines = apart.cli("events", "--object", id).stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["created", "changed", "deleted"]
    assert f"vpc/{id}" in lines[1] and "update vpc: spec.description" in lines[1]
    assert len(apart.cli("events", "--type", "deleted", "--label", "team=blue", "--since", "1h").stdout.splitlines()) == 1
    assert len(apart.cli("events", "--kind", "vpc", "-n", 2).stdout.splitlines()) == 2
    refused = apart.cli("events", "--kind", "target", check=False)
    assert refused.returncode == 2 and "ask for tg" in refused.stderr
    assert apart.cli("events", "--since", "soon", check=False).returncode == 2
