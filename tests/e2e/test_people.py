"""Users, tokens and access keys from the command line, as an administrator hands them out."""
import json
import re
import subprocess

from harness import PROGRAM


def secret_of(made):
    return re.search(r"shown this once: (\S+)", made.stdout).group(1)


def run_as(apart, token, *arguments):
    return subprocess.run([str(PROGRAM), *map(str, arguments), "--endpoint", f"http://127.0.0.1:{apart.api_port}", "--token", token],
                          capture_output=True, text=True, timeout=60)


def test_a_viewer_reads_an_operator_makes_and_a_deleted_token_ends_at_once(apart):
    for name in ("viewer", "operator"):
        apart.cli("create", "user", name, "--role", name)
    viewer, operator = (secret_of(apart.cli("create", "token", name, "--user", name)) for name in ("viewer", "operator"))
    assert run_as(apart, operator, "create", "vpc", "net").returncode == 0
    shown = run_as(apart, viewer, "get", "vpc")
    assert shown.returncode == 0 and "net" in shown.stdout
    refused = run_as(apart, viewer, "create", "vpc", "other")
    assert refused.returncode == 5 and "needs role operator" in refused.stderr
    assert run_as(apart, operator, "delete", "vpc", "net").returncode == 5
    table = apart.cli("get", "token").stdout
    assert operator not in table and "EXPIRES" in table
    apart.cli("delete", "token", "operator")
    assert run_as(apart, operator, "get", "vpc").returncode == 5
    assert run_as(apart, viewer, "get", "vpc").returncode == 0


def test_an_account_sees_its_own_alone_and_a_user_goes_with_what_speaks_for_them(apart):
    apart.cli("create", "user", "ann", "--role", "administrator", "--account", "shop")
    token = secret_of(apart.cli("create", "token", "laptop", "--user", "ann", "--valid-days", 30))
    assert len(run_as(apart, token, "get", "vpc").stdout.splitlines()) == 1
    assert run_as(apart, token, "get", "vpc", "vpc-default").returncode == 3
    assert run_as(apart, token, "create", "vpc", "own").returncode == 0
    assert "own" not in apart.cli("get", "vpc").stdout
    assert run_as(apart, token, "audit", "verify").returncode == 5
    accounts = {row["account"] for row in json.loads(run_as(apart, token, "audit", "-o", "json").stdout)}
    assert accounts == {"shop"}
    apart.cli("delete", "user", "ann")
    assert run_as(apart, token, "get", "vpc").returncode == 5


def test_what_was_handed_out_still_speaks_after_a_restart(apart):
    apart.cli("create", "user", "ann", "--role", "viewer")
    token = secret_of(apart.cli("create", "token", "t", "--user", "ann"))
    assert apart.control.stop() == 0
    apart.start_control()
    assert run_as(apart, token, "get", "vpc").returncode == 0
    assert apart.cli("get", "vpc").returncode == 0, "the administrator of the first start"
