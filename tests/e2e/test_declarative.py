"""Load balancers in files: the example of the page, told errors, and an apply whose control is killed midway."""
import json
import re
import subprocess
import threading

from harness import PROGRAM, ROOT

EXAMPLE = ROOT / "examples" / "tree.yaml"


def tree(name, weight):
    """A load balancer with one group, whose every part says which version of it this is."""
    return f"""---
kind: lb
name: {name}
spec: {{type: alb, subnetId: subnet-default, azs: [local-1a], description: "version {weight}"}}
---
kind: tg
name: servers
spec: {{loadBalancerId: {name}, targets: [{{ipAddress: 127.0.0.1, port: 9001, weight: {weight}}}]}}
---
kind: backend
name: web
spec: {{loadBalancerId: {name}, protocol: Http, port: 80, targetGroupIds: [servers], description: "version {weight}", healthCheck: {{protocol: Tcp}}}}
"""


def versions(cluster, name):
    """The versions that the parts of a load balancer are of."""
    text = cluster.cli("export", "--lb", name, "-o", "json").stdout
    objects = {one["kind"]: one["spec"] for one in json.loads(text)["objects"]}
    return {objects["lb"]["description"], objects["backend"]["description"], f"version {objects['tg']['targets'][0].get('weight', 10)}"}


def test_the_example_of_the_page_is_the_file_and_is_applied(up, tmp_path):
    page = (ROOT / "docs" / "operate" / "declarative.md").read_text()
    assert re.search(r"```yaml\n(.*?)```", page, re.S).group(1) == EXAMPLE.read_text()
    # Its ports may be somebody else's on this machine.
    file = tmp_path / "tree.yaml"
    text = EXAMPLE.read_text()
    (_, one), (_, two) = (up.targets.add(name, "http", address="127.0.0.1") for name in ("one", "two"))
    port = up.pick_port("127.0.0.1")
    for written, free in (("9001", one), ("9002", two), ("8081", port)):
        text = text.replace(written, str(free))
    file.write_text(text)
    before = up.cli("diff", "-f", file, check=False)
    assert before.returncode == 1 and before.stdout.startswith("+ lb shop\n"), before.stdout + before.stderr
    up.cli("apply", "-f", file)
    up.cli("wait", "listener", "front", "--timeout", "30")
    up.cli("wait", "backend", "web", "--for", "healthy", "--timeout", "30")
    lb = json.loads(up.cli("get", "lb", "shop", "-o", "json").stdout)
    assert up.http(lb["admin"]["vip"], port)[0] == 200
    assert up.cli("apply", "-f", file).stdout == "nothing to change\n"
    exported = up.cli("export").stdout
    same = up.cli("diff", "-f", "-", text=exported)
    assert same.stdout == ""

    fewer = tmp_path / "fewer.yaml"
    fewer.write_text(text.rsplit("---", 1)[0].replace("weight: 20", "weight: 30"))
    planned = up.cli("diff", "-f", fewer, "--prune", "-l", "app=shop", check=False)
    assert planned.returncode == 1
    assert "- listener front (lb shop)\n" in planned.stdout and ".weight: 20 -> 30" in planned.stdout, planned.stdout
    gone = up.cli("apply", "-f", fewer, "--prune", "-l", "app=shop").stdout
    assert gone == "listener front (lb shop) deleted\ntg servers (lb shop) changed\n"
    up.cli("wait", "listener", "front", "--for", "deleted")
    late = up.cli("wait", "listener", "front", check=False)
    assert late.returncode == 3, late.stderr


def test_every_error_of_every_file_is_told_with_its_place(up, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text(EXAMPLE.read_text().replace("port: 8081", "port: 80810").replace("LeastConn", "Fastest").replace("[servers]", "[nobody]"))
    for command in ("apply", "diff"):
        refused = up.cli(command, "-f", broken, check=False)
        assert refused.returncode == 2, refused.stderr
        line = {word: next(i for i, text in enumerate(broken.read_text().splitlines(), 1) if word in text) for word in ("80810", "Fastest", "nobody")}
        for word, kind, path in (("80810", "listener front", "spec.port"), ("Fastest", "backend web", "spec.algorithm"),
                                 ("nobody", "backend web", "spec.targetGroupIds[0]")):
            assert re.search(rf"{broken}:{line[word]} \(document \d, {kind}\): {re.escape(path)}: ", refused.stderr), refused.stderr
    assert up.api.items("lb") == []
    assert up.cli("apply", "-f", tmp_path / "none.yaml", check=False).returncode == 2
    assert up.cli("apply", "-f", EXAMPLE, "--prune", check=False).returncode == 2


def test_killed_midway_each_load_balancer_has_all_of_its_change_or_none(apart, tmp_path):
    names = [f"web-{i}" for i in range(5)]
    file = tmp_path / "trees.yaml"

    def write(weight):
        file.write_text("".join(tree(name, weight) for name in names))
    write(1)
    apart.cli("apply", "-f", file)
    mixed = 0
    for attempt in range(6):
        version = attempt + 2
        write(version)
        command = subprocess.Popen([str(PROGRAM), "apply", "-f", str(file), "--credentials", str(apart.credentials)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # From before the first transaction to behind the last.
        killer = threading.Timer(0.02 + 0.02 * attempt, apart.control.kill)
        killer.start()
        command.wait(60)
        killer.join()
        apart.start_control()
        seen = [versions(apart, name) for name in names]
        assert all(len(one) == 1 for one in seen), seen
        mixed += len({min(one) for one in seen}) > 1
        apart.cli("apply", "-f", file)
        assert all(versions(apart, name) == {f"version {version}"} for name in names)
    print(f"killed between load balancers in {mixed} of 6 runs")
