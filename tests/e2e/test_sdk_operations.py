"""Every operation of the JD Cloud face with every parameter, by the official Node client; what that lacks, by the tests' own signer.

The list of operations and parameters is the server's OpenAPI document: at the end each one was given in a call whose result was looked at, or was
refused with "not supported yet". No parameter can be added without a line here.
"""
import json
import re
import urllib.parse

import pytest

from openapi import LATER, Document, Wire
from sdk_client import Refused
from signer import SignedApi

SERVICES = {"vpcs": "vpc", "subnets": "vpc", "elasticIps": "vpc", "networkSecurityGroups": "vpc", "networkInterfaces": "vpc", "instances": "vm",
            "instances:describeBriefInstances": "vm", "instanceStatus": "vm", "instancePrivateIpAddress": "vm", "instanceTemplates": "vm",
            "availabilityGroups": "ag", "autoScaling": "ag", "asRules": "ag"}
CHARGE = {"chargeMode": "postpaid_by_usage", "chargeUnit": "month", "chargeDuration": 2}
TAGS = [{"key": "team", "value": "web"}]


def leaves(document, schema, path=""):
    """(path, schema) of everything that a body can say; lists are as their items."""
    resolved = document.resolved(schema)
    if "$ref" in schema and path:
        yield path, schema
    elif resolved.get("type") == "array":
        yield from leaves(document, resolved["items"], path) if path and "x-weir-effect" not in resolved else [(path, resolved)]
    elif resolved.get("type") == "object" and resolved.get("properties"):
        for name, member in resolved["properties"].items():
            yield from leaves(document, member, f"{path}.{name}" if path else name)
    else:
        yield path, resolved


def given(value, path=""):
    """Paths of what a call says."""
    if isinstance(value, list):
        yield path
        for one in value:
            yield from given(one, path)
    elif isinstance(value, dict):
        yield path
        for name, one in value.items():
            yield from given(one, f"{path}.{name}" if path else name)
    else:
        yield path


class Client:
    """Calls operations by their names and notes what was given."""

    def __init__(self, sdk, up, modules):
        wire = Wire(up.credentials)
        self.document = Document(wire.call("GET", "/weir/v1/openapi.json")[2])
        wire.close()
        self.operations = {one.id: one for one in self.document.operations if not one.is_native}
        self.sdk, self.key = sdk, json.loads(up.credentials.read_text())
        self.sources = {one: (modules / f"jdcloud-sdk-js/src/repo/{one}/v1/{one}.js").read_text() for one in ("lb", "vpc", "vm", "ag")}
        self.noted, self.by_sdk, self.by_signer, self.carried = set(), set(), set(), set()

    def service(self, operation):
        return SERVICES.get(operation.path.split("/")[4], "lb")

    def client_words(self, operation):
        """Parameters that the client's source has; none of an operation that it lacks."""
        found = re.search(r"\n  " + operation.id + r" \(opts.*?\n  }\n", self.sources[self.service(operation)], re.S)
        return set(re.findall(r"opts\.(\w+)", found.group())) if found else set()

    def sdk_has(self, operation, parameters):
        return set(parameters) <= self.client_words(operation)

    def call(self, name, /, **parameters):
        operation = self.operations[name]
        self.note(operation, parameters)
        if self.sdk_has(operation, parameters):
            self.by_sdk.add(name)
            self.carried |= {(name, parameter) for parameter in parameters}
            return self.sdk.call(self.service(operation), name, **parameters)
        self.by_signer.add(name)
        return self.signed(operation, parameters)

    def note(self, operation, parameters):
        for key, value in parameters.items():
            if key == "filters":
                self.noted |= {(operation.id, "filters." + one["name"]) for one in value}
            self.noted |= {(operation.id, path) for path in given(value, key)}

    def signed(self, operation, parameters, service=None):
        rest, path = dict(parameters), operation.path.replace("{regionId}", "local")
        for one in operation.of("path"):
            if one["name"] != "regionId":
                path = path.replace("{" + one["name"] + "}", rest.pop(one["name"]))
        query = []
        if operation.method in ("GET", "DELETE"):
            for number, one in enumerate(rest.pop("filters", []), 1):
                query += [(f"filters.{number}.name", one["name"])]
                query += [(f"filters.{number}.operator", one["operator"])] if "operator" in one else []
                query += [(f"filters.{number}.values.{at}", value) for at, value in enumerate(one["values"], 1)]
            for number, one in enumerate(rest.pop("tags", []), 1):
                query += [(f"tags.{number}.key", one["key"]), (f"tags.{number}.values.1", one["values"][0])]
            for name in [name for name, value in rest.items() if isinstance(value, list)]:
                query += [(f"{name}.{at}", value) for at, value in enumerate(rest.pop(name), 1)]
            query += [(name, str(value).lower() if isinstance(value, bool) else value) for name, value in rest.items()]
        target = path + ("?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote) if query else "")
        api = SignedApi(self.key["endpoint"].split("//")[1].rstrip("/"), self.key["accessKey"], self.key["secretKey"],
                        service=service or self.service(operation))
        status, answer = api.call(operation.method, target, rest if operation.method.startswith("P") else None)
        if status >= 400:
            raise Refused(answer["error"])
        return answer["result"]

    def refused(self, name, /, **parameters):
        with pytest.raises(Refused) as caught:
            self.call(name, **parameters)
        return str(caught.value)

    def missing(self):
        """What no call has given: (operation, parameter)."""
        for operation in self.operations.values():
            if operation.is_later:
                continue
            for one in operation.of("query"):
                name = one["name"]
                if name == "filters.N.name" and "enum" in one["schema"]:
                    names = ["filters." + word for word in one["schema"]["enum"]]
                else:
                    names = [re.sub(r"\.N.*", "", name)]
                yield from ((operation.id, name) for name in names if (operation.id, name) not in self.noted)
            for path, _ in leaves(self.document, operation.body) if operation.body else ():
                if path and (operation.id, path) not in self.noted:
                    yield operation.id, path


    def tagged(self, name, /, **parameters):
        """Creates that the client sends without tags: another object with them, which goes again."""
        made = self.call(name, **parameters, userTags=TAGS)
        self.call(name.replace("create", "delete"), **made)

    def uncarried(self):
        """What the client can say and has not said itself: (operation, parameter). What comes later is refused to the signer."""
        for operation in self.operations.values():
            if operation.is_later:
                continue
            body = self.document.resolved(operation.body or {}).get("properties", {})
            later = {name for name, schema in body.items() if schema.get("x-weir-effect") == LATER}
            yield from ((operation.id, name) for name in self.client_words(operation) - later if (operation.id, name) not in self.carried)

    def unnamed(self):
        """What the client can say and the document does not name: (operation, parameter)."""
        for operation in self.operations.values():
            if operation.is_later:
                continue
            named = {re.sub(r"\.N.*", "", one["name"]) for one in operation.parameters}
            named = {one.split(".")[0] for one in named} | set(self.document.resolved(operation.body or {}).get("properties", {}))
            yield from ((operation.id, name) for name in self.client_words(operation) - named)


def shows(answer, **expected):
    assert {name: answer.get(name) for name in expected} == expected


class World:
    """Objects of every kind, each made with all that its create takes; what the calls say is what is shown."""

    def __init__(self, client):
        self.client = client
        call = client.call
        self.vpc = call("createVpc", vpcName="own", addressPrefix="127.92.0.0/16", description="ours", azType="standard", az="local-1a")["vpcId"]
        client.tagged("createVpc", vpcName="tagged", addressPrefix="127.93.0.0/16")
        shows(call("describeVpc", vpcId=self.vpc)["vpc"], vpcName="own", addressPrefix="127.92.0.0/16", description="ours")
        self.subnet = call("createSubnet", vpcId=self.vpc, subnetName="own", addressPrefix="127.92.1.0/24", description="ours")["subnetId"]
        client.tagged("createSubnet", vpcId=self.vpc, subnetName="tagged", addressPrefix="127.92.2.0/24")
        shows(call("describeSubnet", subnetId=self.subnet)["subnet"], vpcId=self.vpc, subnetName="own", addressPrefix="127.92.1.0/24",
              description="ours", availableIpCount=252)
        self.group = call("createNetworkSecurityGroup", vpcId=self.vpc, networkSecurityGroupName="own", description="ours")["networkSecurityGroupId"]
        client.tagged("createNetworkSecurityGroup", vpcId=self.vpc, networkSecurityGroupName="tagged")
        shows(self.security_group(), vpcId=self.vpc, networkSecurityGroupName="own", description="ours", networkSecurityGroupType="custom")
        self.default = next(one["networkSecurityGroupId"] for one in call("describeNetworkSecurityGroups", filters=[
            {"name": "vpcId", "values": [self.vpc]}])["networkSecurityGroups"] if one["networkSecurityGroupType"] == "default")
        self.make_elastic_ip()
        self.make_instances()
        self.make_service()

    def security_group(self):
        return self.client.call("describeNetworkSecurityGroup", networkSecurityGroupId=self.group)["networkSecurityGroup"]

    def make_elastic_ip(self):
        call = self.client.call
        spec = {"bandwidthMbps": 5, "provider": "bgp", "chargeSpec": CHARGE}
        wanted = {"maxCount": 1, "elasticIpSpec": spec, "elasticIpAddress": "127.127.0.77", "userTags": TAGS, "ipType": "standard"}
        assert call("createElasticIps", **wanted, dryRun=True) == {"elasticIpIds": []}
        self.elastic_ip = call("createElasticIps", **wanted, dryRun=False)["elasticIpIds"][0]
        shown = call("describeElasticIp", elasticIpId=self.elastic_ip)["elasticIp"]
        shows(shown, bandwidthMbps=5, provider="bgp", elasticIpAddress="127.127.0.77", tags=TAGS, status="NOT_ASSOCIATED", ipType="standard")
        assert shown["charge"]["chargeMode"] == "postpaid_by_usage"

    def make_instances(self):
        call = self.client.call
        self.ag = call("createAg", agName="own", azs=["local-1a"], agType="vm", configurationType="loose", description="ours")["agId"]
        self.client.tagged("createAg", agName="tagged", azs=["local-1a"])
        shows(call("describeAg", agId=self.ag)["ag"], name="own", azs=["local-1a"], agType="vm", configurationType="loose", description="ours")
        disk = {"diskCategory": "cloud", "autoDelete": True, "deviceName": "vda", "cloudDiskSpec": {"diskType": "ssd.gp1", "diskSizeGB": 40}}
        spec = {"name": "web-[1]", "az": "local-1a", "description": "ours", "userTags": TAGS, "instanceType": "g.n2.medium", "imageId": "img-1",
                "hostname": "web", "keyNames": ["key"], "systemDisk": disk, "dataDisks": [disk], "charge": CHARGE, "agId": self.ag,
                "primaryNetworkInterface": {"networkInterface": {"subnetId": self.subnet, "primaryIpAddress": "127.92.1.50"}}}
        wanted = {"instanceSpec": spec, "maxCount": 2, "clientToken": "once"}
        self.instances = call("createInstances", **wanted)["instanceIds"]
        assert len(self.instances) == 2 and call("createInstances", **wanted)["instanceIds"] == self.instances
        shown = call("describeInstance", instanceId=self.instances[1])["instance"]
        shows(shown, instanceName="web-2", az="local-1a", description="ours", tags=TAGS, instanceType="g.n2.medium", imageId="img-1", hostname="web",
              keyNames=["key"], subnetId=self.subnet, vpcId=self.vpc, privateIpAddress="127.92.1.51", status="running")
        assert shown["ag"] == {"id": self.ag, "name": "own"} and shown["systemDisk"]["cloudDisk"] == disk["cloudDiskSpec"]
        assert call("describeAg", agId=self.ag)["ag"]["count"] == 2

    def make_service(self):
        call = self.client.call
        self.lb = call("createLoadBalancer", loadBalancerName="own", type="alb", subnetId=self.subnet, azs=["local-1a"], securityGroupIds=[self.group],
                       privateIpAddress="127.92.1.9", description="ours", deleteProtection=True, chargeSpec=CHARGE, userTags=TAGS,
                       elasticIp={"bandwidthMbps": 7, "provider": "bgp", "chargeSpec": CHARGE})["loadBalancerId"]
        shown = self.load_balancer()
        shows(shown, loadBalancerName="own", type="alb", subnetId=self.subnet, vpcId=self.vpc, azs=["local-1a"], securityGroupIds=[self.group],
              description="ours", deleteProtection=True, tags=TAGS, azType="standard")
        assert shown["privateIp"]["privateIpAddress"] == "127.92.1.9" and shown["charge"]["chargeMode"] == "postpaid_by_usage"
        self.made_with = shown["privateIp"]["elasticIpId"]
        self.tg = call("createTargetGroup", targetGroupName="own", loadBalancerId=self.lb, description="ours", type="instance")["targetGroupId"]
        self.client.tagged("createTargetGroup", targetGroupName="tagged", loadBalancerId=self.lb)
        shows(call("describeTargetGroup", targetGroupId=self.tg)["targetGroup"], targetGroupName="own", type="instance", description="ours",
              loadBalancerId=self.lb, loadBalancerType="alb", loadBalancerName="own")
        self.check = {"protocol": "Http", "healthyThresholdCount": 2, "unhealthyThresholdCount": 4, "checkTimeoutSeconds": 2, "intervalSeconds": 300,
                      "port": 8081, "httpVersion": "HTTP1.1", "httpDomain": "a.example", "httpPath": "/check", "httpCode": ["2xx", "404"]}
        flags = {name: True for name in ("httpForwardedProtocol", "httpForwardedPort", "httpForwardedHost", "httpForwardedVip", "httpForwardedClientPort")}
        wanted = {"backendName": "own", "loadBalancerId": self.lb, "protocol": "Http", "port": 80, "algorithm": "LeastConn", "description": "ours",
                  "targetGroupIds": [self.tg], **flags}
        self.backend = call("createBackend", **wanted, healthCheckSpec=self.check)["backendId"]
        self.client.tagged("createBackend", backendName="tagged", loadBalancerId=self.lb, protocol="Http", port=82, healthCheckSpec=self.check)
        shows(call("describeBackend", backendId=self.backend)["backend"], **wanted, healthCheck=self.check, loadBalancerType="alb")
        self.members = call("createBackend", backendName="members", loadBalancerId=self.lb, protocol="Tcp", port=81, agIds=[self.ag],
                            healthCheckSpec={"protocol": "Tcp"})["backendId"]
        wanted = {"listenerName": "own", "loadBalancerId": self.lb, "protocol": "Http", "port": 18080, "backendId": self.backend,
                  "connectionIdleTimeSeconds": 77, "description": "ours"}
        self.listener = call("createListener", **wanted)["listenerId"]
        self.client.tagged("createListener", listenerName="tagged", loadBalancerId=self.lb, protocol="Http", port=18090, backendId=self.backend)
        shows(call("describeListener", listenerId=self.listener)["listener"], **wanted, status="On", loadBalancerType="alb", action="Forward")

    def load_balancer(self):
        return self.client.call("describeLoadBalancer", loadBalancerId=self.lb)["loadBalancer"]


def change_everything(world):
    """Every update with every parameter, each seen in the answer after it."""
    call = world.client.call
    call("modifyVpc", vpcId=world.vpc, vpcName="new", description="later")
    shows(call("describeVpc", vpcId=world.vpc)["vpc"], vpcName="new", description="later")
    call("modifySubnet", subnetId=world.subnet, subnetName="new", description="later")
    shows(call("describeSubnet", subnetId=world.subnet)["subnet"], subnetName="new", description="later")
    call("modifyNetworkSecurityGroup", networkSecurityGroupId=world.group, networkSecurityGroupName="new", description="later")
    shows(world.security_group(), networkSecurityGroupName="new", description="later")
    call("modifyElasticIp", elasticIpId=world.elastic_ip, bandwidthMbps=9)
    shows(call("describeElasticIp", elasticIpId=world.elastic_ip)["elasticIp"], bandwidthMbps=9)
    call("updateAg", agId=world.ag, name="new", description="later")
    shows(call("describeAg", agId=world.ag)["ag"], name="new", description="later")
    call("modifyInstanceAttribute", instanceId=world.instances[0], name="new", description="later", hostname="host")
    shows(call("describeInstance", instanceId=world.instances[0])["instance"], instanceName="new", description="later", hostname="host")
    call("updateTargetGroup", targetGroupId=world.tg, targetGroupName="new", description="later")
    shows(call("describeTargetGroup", targetGroupId=world.tg)["targetGroup"], targetGroupName="new", description="later")
    call("updateListener", listenerId=world.listener, listenerName="new", description="later", status="Off", connectionIdleTimeSeconds=88,
         backendId=world.backend)
    shows(call("describeListener", listenerId=world.listener)["listener"], listenerName="new", description="later", status="Off",
          connectionIdleTimeSeconds=88)
    flags = {name: False for name in ("httpForwardedProtocol", "httpForwardedPort", "httpForwardedHost", "httpForwardedVip", "httpForwardedClientPort")}
    check = {**world.check, "intervalSeconds": 9, "httpPath": "/new"}
    wanted = {"backendName": "new", "description": "later", "algorithm": "RoundRobin", "targetGroupIds": [world.tg], "sessionStickiness": False, **flags}
    call("updateBackend", backendId=world.backend, healthCheckSpec=check, closeHealthCheck=True, **wanted)
    shows(call("describeBackend", backendId=world.backend)["backend"], healthCheck=check, **wanted)
    call("updateBackend", backendId=world.members, agIds=[])
    shows(call("describeBackend", backendId=world.members)["backend"], agIds=[])
    call("updateLoadBalancer", loadBalancerId=world.lb, loadBalancerName="new", description="later", deleteProtection=False, action="Stop",
         privateIpAddress="127.92.1.10")
    shown = world.load_balancer()
    shows(shown, loadBalancerName="new", description="later", deleteProtection=False)
    assert shown["privateIp"]["privateIpAddress"] == "127.92.1.10" and shown["state"]["code"] in ("STOPPING", "DOWN")


def use_targets_and_rules(world):
    """Calls that change a part of an object."""
    call = world.client.call
    call("registerTargets", targetGroupId=world.tg, targetSpecs=[{"instanceId": world.instances[0], "type": "vm", "port": 80, "weight": 5}])
    target = call("describeTargets", targetGroupId=world.tg)["targets"][0]
    shows(target, instanceId=world.instances[0], type="vm", port=80, weight=5, privateIpAddress="127.92.1.50")
    call("updateTargets", targetGroupId=world.tg, targetUpdateSpecs=[{"targetId": target["targetId"], "port": 81, "weight": 6}])
    shows(call("describeTargets", targetGroupId=world.tg)["targets"][0], port=81, weight=6)
    healths = call("describeTargetHealth", backendId=world.backend, pageNumber=1, pageSize=10)
    assert healths["totalCount"] == 1
    # The client knows no pages of it.
    assert call("describeTargetHealth", backendId=world.backend)["targetHealths"] == healths["targetHealths"]
    shows(healths["targetHealths"][0], instanceId=world.instances[0], targetGroupId=world.tg, status="N/A", port=8081, weight=6, type="vm")
    # No target has a tag, and a check is closed by an update alone.
    assert call("describeTargets", targetGroupId=world.tg, tags=[{"key": "team", "values": ["web"]}])["totalCount"] == 0
    assert "closeHealthCheck" in world.client.refused("createBackend", backendName="closed", loadBalancerId=world.lb, protocol="Http", port=80,
                                                      healthCheckSpec={"protocol": "Tcp"}, closeHealthCheck=True)
    tg = call("createTargetGroup", targetGroupName="ips", loadBalancerId=world.lb, type="ip")["targetGroupId"]
    call("registerTargets", targetGroupId=tg, targetSpecs=[{"ipAddress": "127.92.1.99", "type": "ip"}])
    by_address = call("describeTargets", targetGroupId=tg)["targets"][0]
    shows(by_address, ipAddress="127.92.1.99", type="ip", port=0, weight=10)
    for name, value, count in (("targetIds", target["targetId"], 1), ("instanceId", world.instances[0], 1), ("type", "ip", 0), ("port", "81", 1),
                               ("ipAddress", "127.92.1.50", 1)):
        assert call("describeTargets", targetGroupId=world.tg, pageNumber=1, pageSize=10, filters=[{"name": name, "values": [value]}])["totalCount"] == count
    call("deRegisterTargets", targetGroupId=world.tg, targetIds=[target["targetId"]])
    assert call("describeTargets", targetGroupId=world.tg)["totalCount"] == 0
    rule = {"protocol": 6, "direction": 0, "addressPrefix": "10.0.0.0/8", "ruleAction": "DENY", "priority": 7, "addressPrefixType": "CIDR", "fromPort": 80,
            "toPort": 90, "description": "ours"}
    before = len(world.security_group()["securityGroupRules"])
    call("addNetworkSecurityGroupRules", networkSecurityGroupId=world.group, networkSecurityGroupRuleSpecs=[rule])
    added = world.security_group()["securityGroupRules"][-1]
    shows(added, **rule, ruleType="custom", ipVersion=4)
    new = {"protocol": 17, "addressPrefix": "11.0.0.0/8", "ruleAction": "ALLOW", "priority": 8, "addressPrefixType": "CIDR", "fromPort": 81, "toPort": 91,
           "description": "later"}
    call("modifyNetworkSecurityGroupRules", networkSecurityGroupId=world.group, modifySecurityGroupRuleSpecs=[{"ruleId": added["ruleId"], **new}])
    shows(world.security_group()["securityGroupRules"][-1], direction=0, **new)
    call("removeNetworkSecurityGroupRules", networkSecurityGroupId=world.group, ruleIds=[added["ruleId"]])
    assert len(world.security_group()["securityGroupRules"]) == before


def use_associations(world):
    call = world.client.call
    call("associateSecurityGroup", loadBalancerId=world.lb, securityGroupIds=[world.default])
    assert world.load_balancer()["securityGroupIds"] == [world.group, world.default]
    listed = call("describeLoadBalancersBySecurityGroup", networkSecurityGroupId=world.group, pageNumber=1, pageSize=10)
    assert [one["loadBalancerId"] for one in listed["loadBalancers"]] == [world.lb]
    call("disassociateSecurityGroup", loadBalancerId=world.lb, securityGroupIds=[world.default])
    assert world.load_balancer()["securityGroupIds"] == [world.group]
    call("disassociateElasticIp", loadBalancerId=world.lb, elasticIpId=world.made_with, deleteElasticIp=True)
    assert "not found" in world.client.refused("describeElasticIp", elasticIpId=world.made_with)
    call("associateElasticIp", loadBalancerId=world.lb, elasticIpId=world.elastic_ip)
    assert world.load_balancer()["privateIp"]["elasticIpAddress"] == "127.127.0.77"
    # The client lets it go and never deletes it.
    call("disassociateElasticIp", loadBalancerId=world.lb, elasticIpId=world.elastic_ip)
    shows(call("describeElasticIp", elasticIpId=world.elastic_ip)["elasticIp"], status="NOT_ASSOCIATED")
    call("associateElasticIp", loadBalancerId=world.lb, elasticIpId=world.elastic_ip)
    call("stopInstance", instanceId=world.instances[0], chargeOnStopped="keepCharging")
    shows(call("describeInstance", instanceId=world.instances[0])["instance"], status="stopped")
    call("startInstance", instanceId=world.instances[0])
    shows(call("describeInstance", instanceId=world.instances[0])["instance"], status="running")


def list_everything(world):
    """Each list, with every filter, a page and a tag: what it names is found, and nothing else."""
    lists = {
        "describeVpcs": ("vpcs", {"vpcIds": world.vpc, "vpcNames": "new", "azType": "standard", "azs": None}),
        "describeSubnets": ("subnets", {"subnetIds": world.subnet, "subnetNames": "new", "vpcId": world.vpc, "subnetType": "standard", "azType": "standard",
                                        "routeTableId": None, "aclId": None, "azs": None}),
        "describeNetworkSecurityGroups": ("networkSecurityGroups", {"networkSecurityGroupIds": world.group, "networkSecurityGroupNames": "new",
                                                                    "vpcId": world.vpc}),
        "describeElasticIps": ("elasticIps", {"elasticIpIds": world.elastic_ip, "elasticIpNames": world.elastic_ip, "elasticIpAddress": "127.127.0.77",
                                              "elasticIpPoolId": "default", "chargeStatus": "normal", "ipType": "standard", "azs": None,
                                              "bandwidthPackageId": None, "status": "ASSOCIATED", "providers": "bgp"}),
        "describeNetworkInterfaces": ("networkInterfaces", {"networkInterfaceIds": "port-" + world.instances[0][2:], "networkInterfaceNames": "new",
                                                            "vpcId": world.vpc, "subnetId": world.subnet, "role": "Primary", "azType": "standard",
                                                            "azs": "local-1a"}),
        "describeAgs": ("ags", {"agName": "ne", "agId": world.ag, "instanceTemplateId": None, "vpcId": world.vpc, "placementType": "fd"}),
        "describeLoadBalancers": ("loadBalancers", {"loadBalancerType": "alb", "loadBalancerIds": world.lb, "loadBalancerNames": "new", "vpcId": world.vpc,
                                                    "azType": "standard", "azs": "local-1a", "privateIpAddresses": "127.92.1.10", "ipv6Addresses": None,
                                                    "serviceCodes": None, "serviceIds": None, "elasticIpAddress": "127.127.0.77",
                                                    "targetPrivateIpAddress": "127.92.1.99", "customizedConfigurationIds": None}),
        "describeListeners": ("listeners", {"listenerNames": "new", "listenerIds": world.listener, "loadBalancerId": world.lb, "loadBalancerType": "alb",
                                            "urlMapIds": None, "securityPolicyIds": None}),
        "describeBackends": ("backends", {"backendIds": world.backend, "backendNames": "new", "loadBalancerId": world.lb, "agId": None,
                                          "loadBalancerType": "alb", "protocol": "Http"}),
        "describeTargetGroups": ("targetGroups", {"targetGroupIds": world.tg, "targetGroupNames": "new", "loadBalancerId": world.lb,
                                                  "loadBalancerType": "alb"}),
    }
    servers = {"instanceId": world.instances[0], "privateIpAddress": "127.92.1.5", "az": "local-1a", "vpcId": world.vpc, "status": "running", "name": "ew",
               "imageId": "img-1", "networkInterfaceId": "port-" + world.instances[0][2:], "subnetId": world.subnet, "agId": world.ag, "faultDomain": "1",
               "dedicatedHostId": None, "dedicatedPoolId": None, "instanceType": "g.n2.medium", "elasticIpAddress": None}
    lists |= {"describeInstances": ("instances", servers), "describeBriefInstances": ("instances", servers),
              "describeInstanceStatus": ("instanceStatuses", servers), "describeInstancePrivateIpAddress": ("instancePrivateIpAddress", servers)}
    tagged = {"describeElasticIps", "describeLoadBalancers", "describeInstances", "describeBriefInstances", "describeInstanceStatus",
              "describeInstancePrivateIpAddress"}
    assert world.client.call("describeElasticIps", resourceGroupIds=["rg-1"])["totalCount"] == 0
    for name, (plural, filters) in lists.items():
        call = world.client.call

        def count(wanted=None, tag=None, name=name, plural=plural):
            listed = call(name, pageNumber=1, pageSize=10, filters=[{"name": one, "values": [text]} for one, text in (wanted or {}).items()],
                          **({"tags": [{"key": tag[0], "values": [tag[1]]}]} if tag else {}))
            assert len(listed[plural]) == min(listed["totalCount"], 10)
            return listed["totalCount"]

        for key, value in filters.items():
            what = f"{name} {key}={value}"
            # What no object has yet is filtered by all the same, and matches nothing.
            assert (count({key: value or "x"}) > 0) == bool(value), what
            assert count({key: "nothing-has-this"}) == 0, what
        assert (count(tag=("team", "web")) > 0) == (name in tagged), name
        assert count(tag=("team", "other")) == 0, name


def refuse_what_is_later(world):
    """Operations and parameters whose effect comes later."""
    client = world.client
    ids = {"vpcId": world.vpc, "subnetId": world.subnet, "networkSecurityGroupId": world.group, "elasticIpId": world.elastic_ip, "agId": world.ag,
           "instanceId": world.instances[0], "loadBalancerId": world.lb, "targetGroupId": world.tg, "backendId": world.backend, "listenerId": world.listener}
    for operation in client.operations.values():
        path = {one["name"]: ids.get(one["name"], "none") for one in operation.of("path") if one["name"] != "regionId"}
        if operation.is_later:
            with pytest.raises(Refused) as caught:
                client.signed(operation, path)
            assert LATER in str(caught.value), operation.id
            continue
        for name, schema in leaves(client.document, operation.body) if operation.body else ():
            if schema.get("x-weir-effect") != LATER:
                continue
            value = {"boolean": True, "integer": 7, "array": ["x"]}.get(schema.get("type"), "x")
            body = value
            for part in reversed(name.split(".")):
                body = {part: body}
            client.note(operation, body)
            with pytest.raises(Refused) as caught:
                client.signed(operation, {**path, **body})
            assert any(one["message"].endswith(LATER) and one["field"].startswith(name) for one in caught.value.details), f"{operation.id} {name}"


def settings_of_an_nlb(world):
    """What an alb does not have."""
    call = world.client.call
    lb = call("createLoadBalancer", loadBalancerName="nlb", type="nlb", subnetId=world.subnet, azs=["local-1a"])["loadBalancerId"]
    wanted = {"sessionStickiness": True, "sessionStickyTimeout": 77, "connectionDrainingSeconds": 7}
    backend = call("createBackend", backendName="nlb", loadBalancerId=lb, protocol="Tcp", port=80, healthCheckSpec={"protocol": "Tcp"}, **wanted)["backendId"]
    shows(call("describeBackend", backendId=backend)["backend"], **wanted)
    wanted = {"sessionStickiness": False, "sessionStickyTimeout": 78, "connectionDrainingSeconds": 8}
    call("updateBackend", backendId=backend, **wanted)
    shows(call("describeBackend", backendId=backend)["backend"], **wanted)
    call("deleteLoadBalancer", loadBalancerId=lb, cascade=True)
    assert "not found" in world.client.refused("describeBackend", backendId=backend)


def ask_for_quotas(world):
    call, client = world.client.call, world.client
    quota = call("describeQuota", type="elastic_ip")["quota"]
    shows(quota, type="elastic_ip", maxLimit=10, count=1)
    # Of the services that have it the client knows that of vpc.
    assert client.sdk.vpc("describeQuota", type="elastic_ip")["quota"] == quota
    by_group = client.sdk.vpc("describeQuota", type="security_group", parentResourceId=world.vpc)["quota"]
    shows(by_group, type="security_group", parentResourceId=world.vpc, maxLimit=50, count=1)
    call("modifyQuota", type="vpc", account="acme", maxLimit=12)
    shows(call("describeQuota", type="vpc", account="acme")["quota"], maxLimit=12, count=0)
    call("modifyQuota", type="loadbalancer", lbType="nlb", maxLimit=7)
    shows(call("describeQuota", type="loadbalancer", lbType="nlb")["quota"], maxLimit=7, count=0)
    call("modifyQuota", type="listener", parentResourceId=world.lb, maxLimit=1)
    shows(call("describeQuota", type="listener", parentResourceId=world.lb)["quota"], maxLimit=1, count=1)
    assert "QUOTA_EXCEEDED" in client.refused("createListener", listenerName="more", loadBalancerId=world.lb, protocol="Http", port=18081,
                                              backendId=world.backend)
    operation = client.operations["describeQuota"]
    for service, resource, used in (("vm", "instance", 2), ("ag", "ag", 1)):
        filters = [{"name": "resourceTypes", "values": [resource]}]
        by_client = world.client.sdk.call(service, "describeQuotas", filters=filters)["quotas"]
        assert by_client == client.signed(operation, {"filters": filters}, service)["quotas"]
        assert [(one["resourceType"], one["used"]) for one in by_client] == [(resource, used)]
    client.note(operation, {"filters": filters})
    # Of load balancers a quota is asked for by its type.
    with pytest.raises(Refused) as caught:
        client.signed(operation, {}, "lb")
    assert [one["field"] for one in caught.value.details] == ["type"]


def remove_everything(world):
    call = world.client.call
    call("abandonInstances", agId=world.ag, instanceIds=world.instances)
    assert call("describeAg", agId=world.ag)["ag"]["count"] == 0
    call("deleteListener", listenerId=world.listener)
    for backend in (world.backend, world.members):
        call("deleteBackend", backendId=backend)
    for group in call("describeTargetGroups")["targetGroups"]:
        call("deleteTargetGroup", targetGroupId=group["targetGroupId"])
    call("deleteLoadBalancer", loadBalancerId=world.lb)
    for instance in call("describeInstances")["instances"]:
        call("deleteInstance", instanceId=instance["instanceId"])
    call("deleteAg", agId=world.ag)
    call("deleteElasticIp", elasticIpId=world.elastic_ip)
    call("deleteNetworkSecurityGroup", networkSecurityGroupId=world.group)
    call("deleteSubnet", subnetId=world.subnet)
    call("deleteVpc", vpcId=world.vpc)
    assert "not found" in world.client.refused("describeVpc", vpcId=world.vpc)


def test_every_operation_is_called_with_every_parameter_and_says_what_the_product_says(up, sdk, sdk_modules):
    client = Client(sdk, up, sdk_modules)
    world = World(client)
    change_everything(world)
    use_targets_and_rules(world)
    use_associations(world)
    list_everything(world)
    settings_of_an_nlb(world)
    ask_for_quotas(world)
    refuse_what_is_later(world)
    remove_everything(world)
    unnamed = sorted(client.unnamed())
    assert not unnamed, unnamed
    uncarried = sorted(client.uncarried())
    assert not uncarried, uncarried
    missing = sorted(client.missing())
    assert not missing, missing
    assert client.by_sdk | client.by_signer == {one.id for one in client.operations.values() if not one.is_later}
    # The client, not the signer, is who most of it is for.
    assert len(client.by_sdk) > 50, client.by_sdk
