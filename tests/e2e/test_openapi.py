"""The OpenAPI document against the running server: every operation of it is called and answers as it says, and there is no other."""
import json
import re
import subprocess
import urllib.request

import jsonschema
import pytest

from harness import PROGRAM, ROOT, free_port, wait_for
from openapi import METHODS, Document, Maker, Wire, merged

# What a made-up value cannot know: addresses that lie in the network, names of zones and lines.
NETWORK = "127.91"
NATIVE = {
    "createVpc": {"spec": {"addressPrefix": f"{NETWORK}.0.0/16"}},
    "createSubnet": {"spec": {"addressPrefix": f"{NETWORK}.1.0/24"}},
    "createInstance": {"spec": {"ipAddress": f"{NETWORK}.1.50", "az": "local-1a"}},
    "createAg": {"spec": {"azs": ["local-1a"]}},
    "createEip": {"spec": {"provider": "bgp"}},
    "createSecurityGroupRule": {"spec": {"addressPrefix": "10.0.0.0/8"}},
    "createLb": {"spec": {"azs": ["local-1a"]}},
    "createTarget": {"name": None, "spec": {"ipAddress": f"{NETWORK}.1.9", "port": 80}},
    "createBackend": lambda ids: {"spec": {"algorithm": "IpHash", "targetGroupIds": [ids["tg"]]}},
    "apply": {"objects": [], "prune": None},
    "createUser": {"spec": {"role": "viewer"}},
    "createToken": {"spec": {"user": "made"}},
    "createAccesskey": {"spec": {"user": "made"}},
    "setPassword": {"password": "correct horse battery"},
    "logIn": {"account": "default", "user": "made", "password": "correct horse battery"},
    "changePassword": {"oldPassword": "correct horse battery", "password": "another horse battery"},
}
V1 = {
    "createVpc": {"addressPrefix": f"{NETWORK}.0.0/16"},
    "createSubnet": {"addressPrefix": f"{NETWORK}.1.0/24"},
    "createLoadBalancer": {"azs": ["local-1a"], "type": "alb"},
    "createTargetGroup": {"type": "instance"},
    "createBackend": lambda ids: {"targetGroupIds": [ids["tg"]]},
    "createElasticIps": {"elasticIpSpec": {"provider": "bgp"}},
    "createAg": {"azs": ["local-1a"]},
    "createInstances": lambda ids: {"instanceSpec": {"name": "web.1", "az": "local-1a", "agId": ids["ag"],
                                                     "primaryNetworkInterface": {"networkInterface": {"primaryIpAddress": f"{NETWORK}.1.50"}}}},
    "registerTargets": lambda ids: {"targetSpecs": [{"instanceId": ids["instance"], "port": 80}]},
    "addNetworkSecurityGroupRules": {"networkSecurityGroupRuleSpecs": [{"protocol": 6, "direction": 0, "addressPrefix": "10.0.0.0/8"}]},
}
# Of changes: what takes effect without a wish of ours.
CHANGED = {"description": "changed", "bandwidthMbps": 7, "weight": 7}


@pytest.fixture
def document(up):
    wire = Wire(up.credentials)
    status, headers, text = wire.call("GET", "/weir/v1/openapi.json")
    assert (status, headers["Content-Type"]) == (200, "application/json"), text[:300]
    wire.close()
    return Document(text)


class Caller:
    """Makes one good call after the other and holds each answer against the document."""

    def __init__(self, up, document, words):
        self.document, self.wire, self.ids, self.called = document, Wire(up.credentials), {}, set()
        self.maker = Maker(document, self.ids, CHANGED)
        self.words = words
        self.made = {}  # the body that made the object of a kind

    def body(self, operation):
        if operation.body is None:
            return None
        words = self.words.get(operation.id, self.change(operation))
        kind = operation.path.split("/")[3]
        base = self.made.get(kind) if operation.id.startswith("replace") else None
        made = merged(base or self.maker.value(operation.body), words(self.ids) if callable(words) else words)
        if operation.id.startswith("create"):
            self.made[kind] = made
        return json.dumps(made)

    def change(self, operation):
        """Of an update: the description, where there is one."""
        members = self.document.resolved(operation.body).get("properties", {})
        if operation.id.startswith("create"):
            return {}
        if "description" in members:
            return {"description": "changed"}
        spec = self.document.resolved(members.get("spec", {})).get("properties", {})
        return {"spec": {"description": "changed"}} if "description" in spec else {}

    def query(self, operation):
        found = []
        for parameter in operation.of("query"):
            if parameter.get("required"):
                value = self.maker.value(parameter["schema"], parameter["name"])
                found += [(parameter["name"], one) for one in (value if isinstance(value, list) else [value])]
        return found

    def call(self, operation, expected=None):
        """The decoded answer, which must be the good one, or `expected`."""
        target = self.maker.target(operation, self.query(operation))
        status, headers, text = self.wire.call(operation.method, target, self.body(operation))
        answer = json.loads(text)
        what = f"{operation.id}: {operation.method} {target}: {status} {text[:600]}"
        wanted = expected or (400 if operation.is_later else operation.success[0])
        assert status == wanted, what
        assert self.document.problems(operation, status, answer) == [], what
        if status < 300:
            assert ("ETag" in headers) == ("ETag" in operation.success[1].get("headers", {})), what
        if operation.is_later:
            assert "not supported yet" in answer["error"]["message"], what
        self.called.add(operation.id)
        return answer

    def close(self):
        self.wire.close()


def creates(operations):
    return [one for one in operations if one.id.startswith("create") and not one.is_later]


def deletes(operations):
    """From the bottom up: what a create has made goes again."""
    order = [one for one in operations if one.method == "DELETE" and not one.is_later]
    return order[::-1]


def test_every_native_operation_answers_as_the_document_says(up, document):
    """Everything is made, looked at, changed and deleted by calls made of the document."""
    operations = [one for one in document.operations if one.is_native]
    caller = Caller(up, document, NATIVE)
    by_id = {one.id: one for one in operations}
    for operation in creates(operations):
        if operation.id == "createListener":
            vip = up.api.get(f"lb/{caller.ids['lb']}")["admin"]["vip"]
            caller.words = {**NATIVE, "createListener": {"spec": {"port": free_port(vip)}}}
        made = caller.call(operation)
        caller.ids[made["kind"]] = made["id"]
    # What control makes by itself.
    for kind in ("node", "placement", "table", "keyring", "drain"):
        listed = caller.call(by_id["list" + kind.capitalize()])["items"]
        caller.ids[kind] = listed[0]["id"] if listed else "none"
    wait_for(lambda: up.api.get(f"listener/{caller.ids['listener']}")["status"]["state"] == "serving", "the listener to serve")
    caller.maker.words = {**CHANGED, "client": "10.0.0.1:1000", "name": "made"}
    gone = set(map(id, deletes(operations)))
    for operation in operations:
        if operation.id in caller.called or id(operation) in gone:
            continue
        # Nothing is drained here, and the first token belongs to no user: it has neither sessions nor a password.
        drain = {"showDrain": 404} if caller.ids["drain"] == "none" else {}
        caller.call(operation, {"showSession": 404, "changePassword": 400, **drain}.get(operation.id))
    for operation in deletes(operations):
        # A node that is connected stays.
        caller.call(operation, {"deleteNode": 409, "endSession": 404}.get(operation.id))
    caller.close()
    assert caller.called == set(by_id)


def test_every_operation_of_the_jd_cloud_face_answers_as_the_document_says(up, document):
    operations = [one for one in document.operations if not one.is_native]
    caller = Caller(up, document, V1)
    by_id = {one.id: one for one in operations}
    below = ["createVpc", "createSubnet", "createNetworkSecurityGroup", "createLoadBalancer", "createAg", "createInstances", "createTargetGroup",
             "createBackend", "createListener", "createElasticIps"]
    assert sorted(below) == sorted(one.id for one in creates(operations))
    kinds = {"createVpc": "vpc", "createSubnet": "subnet", "createNetworkSecurityGroup": "securityGroup", "createLoadBalancer": "lb", "createAg": "ag",
             "createInstances": "instance", "createTargetGroup": "tg", "createBackend": "backend", "createListener": "listener",
             "createElasticIps": "eip"}
    for name in below:
        made = next(iter(caller.call(by_id[name])["result"].values()))
        caller.ids[kinds[name]] = made[0] if isinstance(made, list) else made
    first = ["registerTargets", "describeTargets", "updateTargets", "associateElasticIp", "associateSecurityGroup", "addNetworkSecurityGroupRules"]
    for name in first:
        answer = caller.call(by_id[name])
        if name == "describeTargets":
            caller.ids["target"] = answer["result"]["targets"][0]["targetId"]
    group = caller.call(by_id["describeNetworkSecurityGroup"])["result"]["networkSecurityGroup"]
    caller.ids["securityGroupRule"] = group["securityGroupRules"][0]["ruleId"]
    default = up.api.items("securityGroup", f"?vpcId={caller.ids['vpc']}&name=default")
    assert default, "a load balancer keeps one group"
    gone = set(map(id, deletes(operations)))
    # What undoes something comes behind all that looks at it.
    last = ["removeNetworkSecurityGroupRules", "deRegisterTargets", "disassociateElasticIp", "abandonInstances"]
    for operation in operations:
        if operation.id not in caller.called and id(operation) not in gone and operation.id not in [*last, "disassociateSecurityGroup"]:
            caller.call(operation)
    for name in last:
        caller.call(by_id[name])
    lb = up.api.get(f"lb/{caller.ids['lb']}")
    up.api.patch("lb", lb["id"], securityGroupIds=[caller.ids["securityGroup"], default[0]["id"]])
    caller.call(by_id["disassociateSecurityGroup"])
    for path in [by_id[name].path for name in below[::-1]]:
        caller.call(next(one for one in deletes(operations) if one.path.startswith(path + "/")))
    caller.close()
    assert caller.called == set(by_id)


# What other services have at such places.
GUESSES = {"events", "apply", "diff", "export", "plan", "session", "sessions", "login", "logout", "backup", "restore", "quota", "tags", "urlMaps", "certificates",
           "securityPolicies", "customizedConfigurations", "supportedCiphers", "sslCert", "metrics"}


def undocumented(up, document):
    """Calls that the server takes and the document lacks: other methods at its paths, and words that could be paths."""
    wire, documented = Wire(up.credentials), {}
    maker = Maker(document, {"node": up.api.items("node")[0]["id"], "vpc": "vpc-default", "subnet": "subnet-default"})
    for operation in document.operations:
        documented.setdefault(operation.path, {})[operation.method] = operation
    known = {path.replace("{regionId}", "local").replace("{id}", "none") for path in documented}
    probes = {(maker.target(next(iter(calls.values()))), method) for path, calls in documented.items() for method in {one.upper() for one in METHODS} - set(calls)}
    # What the program and its pages speak of: they do not come of the document.
    told = subprocess.run([str(PROGRAM), "--help"], capture_output=True, text=True, timeout=60).stdout
    told += "".join(re.findall("/weir/v1(/\\S+)", (ROOT / "docs/reference/native-api.md").read_text()))
    words = set(re.findall("[A-Za-z.]+", " ".join(documented) + " " + told)) | GUESSES
    probes |= {(prefix + word, method) for word in words for method in ("GET", "POST")
               for prefix in ("/weir/v1/", "/v1/regions/local/", "/weir/v1/audit/") if prefix + word not in known}
    found = []
    for target, method in sorted(probes):
        status, headers, text = wire.call(method, target, "{}" if method.startswith("P") else None)
        if status not in (404, 405):
            found.append(f"{method} {target}: {status} {text[:200]}")
        calls = next((calls for path, calls in documented.items() if maker.target(next(iter(calls.values()))) == target), None)
        # The server's own word for what it takes here.
        if status == 405 and (not calls or set(headers["Allow"].split(", ")) - {"HEAD"} != set(calls)):
            found.append(f"{target}: Allow {headers['Allow']}")
    wire.close()
    return found


def test_the_server_has_no_call_that_the_document_lacks(up, document):
    assert undocumented(up, document) == []


def test_a_document_with_a_mistake_is_found_out(up, document):
    whole = document.json
    for path, method in (("/weir/v1/version", None), ("/weir/v1/vpc/{id}", "patch"), ("/v1/regions/{regionId}/quotas", "get")):
        calls = dict(whole["paths"][path])
        calls.pop(method, None)
        paths = {**whole["paths"], path: calls if method else {}}
        assert undocumented(up, Document(json.dumps({**whole, "paths": paths}))), path
    shown = up.api.get("vpc/vpc-default")
    operation = next(one for one in document.operations if one.id == "showVpc")
    assert document.problems(operation, 200, shown) == []
    del shown["spec"]["description"], shown["owner"]
    assert any("owner" in one for one in document.problems(operation, 200, shown))
    assert document.problems(operation, 200, {**up.api.get("vpc/vpc-default"), "more": 1})
    assert document.problems(operation, 418, {})


def test_the_document_is_the_program_s_own_and_nobody_reads_it_twice(up, document):
    printed = subprocess.run([str(PROGRAM), "openapi"], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(printed.stdout) == document.json
    assert document.json["openapi"] == "3.1.0"
    ids = [call["operationId"] for calls in document.json["paths"].values() for call in calls.values()]
    assert len(ids) == len(set(ids)) > 150
    for schema in document.components["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    wire = Wire(up.credentials)
    _, headers, _ = wire.call("GET", "/weir/v1/openapi.json")
    assert wire.call("GET", "/weir/v1/openapi.json", headers={"If-None-Match": headers["ETag"]})[::2] == (304, "")
    assert wire.call("GET", "/weir/v1/openapi.json", headers={"If-None-Match": '"other"'})[0] == 200
    # Like every other page of the native face it takes a token, of any role.
    assert wire.call("GET", "/weir/v1/openapi.json", headers={"Authorization": "Bearer none"})[0] == 401
    wire.close()
    for secret in json.loads(up.credentials.read_text()).values():
        assert secret not in printed.stdout or len(secret) < 8


def test_every_counted_operation_stands_in_the_document(up, document):
    known = {one.counted_as for one in document.operations} | {"plan apply", "v1 other", "other", "livez", "readyz", "metrics"}
    up.api.get("version")
    page = urllib.request.urlopen(json.loads(up.credentials.read_text())["endpoint"].rstrip("/") + "/metrics", timeout=10).read().decode()
    counted = set(re.findall(r'weir_api_requests_total\{[^}]*operation="([^"]*)"', page))
    assert "version" in counted and counted <= known, counted - known
