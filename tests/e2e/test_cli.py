"""The command line against the real service: every verb, every kind, every form, every exit status."""
import json
import subprocess

from harness import PROGRAM, Process, wait_for

import pytest


@pytest.fixture
def chain(up):
    """A chain made with the command line alone, references by name."""
    (address, port), = up.make_targets("http", 1)
    up.cli("create", "lb", "web", "--type", "alb", "--subnet", up.subnet_id(), "--azs", "local-1a")
    up.cli("create", "tg", "servers", "--lb", "web")
    up.cli("create", "target", "--tg", "servers", "--ip-address", address, "--port", port, "--weight", "5")
    up.cli("create", "backend", "web", "--lb", "web", "--protocol", "Http", "--port", "80", "--tg", "servers", "--health-check-protocol", "Tcp")
    up.cli("create", "listener", "front", "--lb", "web", "--protocol", "Http", "--port", up.pick_port("127.0.0.1"), "--backend", "web")
    return up


def rows(text):
    return [line.split() for line in text.splitlines()]


def test_a_chain_made_by_name_serves(chain):
    listener = json.loads(chain.cli("get", "listener", "front", "-o", "json").stdout)
    lb = json.loads(chain.cli("get", "lb", "web", "-o", "json").stdout)
    wait_for(lambda: rows(chain.cli("health", "web").stdout)[1][4] == "healthy", "a healthy target")
    wait_for(lambda: chain.http(lb["admin"]["vip"], listener["spec"]["port"])[0] == 200, "the first answer")


def test_lists_show_columns_and_plurals_are_accepted(chain):
    for word in ("lb", "lbs", "load-balancers", "listeners", "backends", "tgs", "targets", "vpcs", "subnets", "nodes"):
        table = rows(chain.cli("get", word).stdout)
        assert len(table) >= 2, word
        assert all(title.isupper() for title in table[0]), table[0]


def test_json_and_yaml_say_the_same(chain):
    import yaml
    as_json = json.loads(chain.cli("get", "backends", "-o", "json").stdout)
    as_yaml = yaml.safe_load(chain.cli("get", "backends", "-o", "yaml").stdout)
    assert as_json["items"][0]["spec"] == as_yaml["items"][0]["spec"]
    assert as_json["items"][0]["name"] == "web"


def test_update_changes_what_is_named_and_nothing_else(chain):
    before = json.loads(chain.cli("get", "backend", "web", "-o", "json").stdout)
    after = json.loads(chain.cli("update", "backend", "web", "--health-check-interval-seconds", "30", "-o", "json").stdout)
    assert after["spec"]["healthCheck"]["intervalSeconds"] == 30
    before["spec"]["healthCheck"]["intervalSeconds"] = 30
    assert after["spec"] == before["spec"]


def test_errors_name_every_field_and_the_exit_status_says_what_kind(chain):
    bad = chain.cli("create", "listener", "a/b", "--lb", "web", "--protocol", "Ftp", "--port", "65536", "--backend", "web", check=False)
    assert bad.returncode == 2
    assert "spec.port" in bad.stderr and "spec.protocol" in bad.stderr and "name" in bad.stderr, bad.stderr
    assert bad.stdout == ""
    assert chain.cli("get", "lb", "nobody", check=False).returncode == 3
    in_use = chain.cli("delete", "backend", "web", check=False)
    assert in_use.returncode == 4 and "listener-" in in_use.stderr, in_use.stderr
    assert chain.cli("get", "lb", "--token", "wrong", check=False).returncode == 5
    assert chain.cli("get", "lb", "--endpoint", "http://127.0.0.1:1", "--token", "x", check=False).returncode == 6
    assert chain.cli("get", "nonsense", check=False).returncode == 2


def test_a_stale_if_match_is_refused(chain):
    revision = json.loads(chain.cli("get", "lb", "web", "-o", "json").stdout)["revision"]
    chain.cli("update", "lb", "web", "--description", "one", "--if-match", revision)
    assert chain.cli("update", "lb", "web", "--description", "two", "--if-match", revision, check=False).returncode == 4


def test_delete_in_order_and_with_cascade(chain):
    chain.cli("delete", "listener", "front")
    chain.cli("delete", "backend", "web")
    assert chain.cli("delete", "lb", "web", check=False).returncode == 4
    chain.cli("delete", "lb", "web", "--cascade")
    assert len(rows(chain.cli("get", "tgs").stdout)) == 1


def test_watch_shows_changes_as_they_come(chain):
    log = chain.folder / "watch.log"
    watcher = Process([PROGRAM, "get", "lb", "-w", "--credentials", chain.credentials], log)
    try:
        wait_for(lambda: "web" in log.read_text(), "the list")
        chain.cli("create", "lb", "second", "--type", "nlb", "--subnet", chain.subnet_id(), "--azs", "local-1a")
        wait_for(lambda: "second" in log.read_text(), "the change")
    finally:
        watcher.kill()


def test_credentials_come_from_the_environment_too(chain):
    credentials = json.loads(chain.credentials.read_text())
    done = subprocess.run([str(PROGRAM), "get", "lb"], capture_output=True, text=True, timeout=30,
                          env={"WEIR_ENDPOINT": credentials["endpoint"], "WEIR_TOKEN": credentials["token"], "HOME": "/nonexistent"})
    assert done.returncode == 0 and "web" in done.stdout, done.stderr


def test_completion_offers_kinds_flags_choices_and_names(chain):
    script = chain.folder / "complete.sh"
    script.write_text(f"""
set -e
PATH={PROGRAM.parent}:$PATH
export WEIR_ENDPOINT={json.loads(chain.credentials.read_text())["endpoint"]} WEIR_TOKEN={json.loads(chain.credentials.read_text())["token"]}
source <(weir completion bash)
try() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weir; echo "${{COMPREPLY[*]}}"; }}
try weir create l
try weir create listener x --pro
try weir create listener x --protocol ''
try weir create tg x --lb w
""")
    out = subprocess.run(["bash", str(script)], capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    assert out == ["lb listener", "--protocol", "Http Tcp", "web"], out


def test_credentials_are_readable_by_their_owner_only(up):
    assert (up.credentials.stat().st_mode & 0o777) == 0o600
    assert set(json.loads(up.credentials.read_text())) >= {"endpoint", "accessKey", "secretKey", "token"}
    assert json.loads(up.credentials.read_text())["token"] not in up.logs()


def test_check_config_judges_a_file_with_every_problem_at_once(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("region: local\nazs: [local-1a]\nnode:\n  name: n1\n  az: local-1a\n")
    bad.write_text("region: 7\nazzs: []\nnode:\n  bindings:\n    - subnet: s\n      mode: sideways\n")
    assert subprocess.run([str(PROGRAM), "check-config", str(good)], timeout=20).returncode == 0
    done = subprocess.run([str(PROGRAM), "check-config", str(bad)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    for word in ("azzs", "mode"):
        assert word in done.stdout + done.stderr
