"""What an operator and a supervisor look at: liveness, readiness, metrics, logs."""
import json
import re
import urllib.error
import urllib.request

from harness import wait_for


def fetch(url):
    """(status, text) of a page, also of a refusal."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def pages(apart):
    return f"http://127.0.0.1:{apart.api_port}", f"http://127.0.0.1:{apart.ops_port}"


def test_both_processes_say_that_they_live_and_are_ready(apart):
    for page in pages(apart):
        assert fetch(page + "/livez") == (200, "ok\n")
        wait_for(lambda: fetch(page + "/readyz")[0] == 200, f"{page} to be ready")
        status, text = fetch(page + "/readyz?verbose")
        assert status == 200 and text.endswith("ready\n"), text


def test_a_node_without_control_stays_alive(apart):
    _, node = pages(apart)
    apart.control.kill()
    assert fetch(node + "/livez")[0] == 200


def test_metrics_are_well_formed_and_follow_the_traffic(apart):
    service = apart.service(apart.make_targets("http", 1)).wait_healthy()
    control, node = pages(apart)

    def requests():
        found = re.findall(rf'^weir_listener_requests_total{{listener="{service.listener}",code_class="2xx".*}} (\S+)$',
                           fetch(node + "/metrics")[1], re.M)
        return sum(map(float, found))
    before = wait_for(requests, "the first counted request")
    for _ in range(20):
        apart.http(service.vip, service.port)
    wait_for(lambda: requests() == before + 20, "20 more requests")
    for page in (control, node):
        for line in fetch(page + "/metrics")[1].splitlines():
            assert re.fullmatch(r'# (HELP|TYPE) weir_\w+ .+|weir_\w+(\{(\w+="[^"]*",?)*\})? [-+.eE\dNaInf]+', line), line


def test_control_and_node_say_which_build_runs_and_that_no_assumption_broke(apart):
    control, node = pages(apart)
    for page, role in ((control, "control"), (node, "node")):
        text = wait_for(lambda: fetch(page + "/metrics")[1], "the metrics")
        assert re.findall(r"^weir_bugs_total (\S+)$", text, re.M) == ["0"]
        assert re.findall(r'^weir_build_info\{.*role="(\w+)".*\} 1$', text, re.M) == [role]


def test_logs_are_json_lines_when_asked_for(up):
    up.stop()
    up.targets.processes.clear()
    log = up.folder / "up.log"
    log.write_text("")
    up.start("--log-format", "json")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines and all({"time", "level", "program", "message"} <= line.keys() for line in lines)
