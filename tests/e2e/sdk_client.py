"""The official Node client in a process of its own, for tests: tests/sdk/bridge.js speaks it."""
import json
import os
import pathlib
import subprocess

import pytest

from harness import ROOT

SOURCES = ROOT / "tests" / "sdk"
ALGORITHMS = {"alb": ["RoundRobin", "LeastConn", "IpHash"], "nlb": ["RoundRobin", "LeastConn", "IpHash"], "dnlb": ["IpHash", "QuintupleHash"]}


class Refused(Exception):
    def __init__(self, error):
        super().__init__(str(error))
        self.code, self.status, self.details = error["code"], error["status"], error.get("details", [])


class Sdk:
    """The client, with the access key of the credentials file."""

    def __init__(self, cluster, modules):
        credentials = json.loads(pathlib.Path(cluster.credentials).read_text())
        environment = {**os.environ, "SDK_MODULES": str(modules), "SDK_ENDPOINT": credentials["endpoint"],
                       "SDK_ACCESS_KEY": credentials["accessKey"], "SDK_SECRET_KEY": credentials["secretKey"]}
        self.child = subprocess.Popen(["node", str(SOURCES / "bridge.js")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True, env=environment)

    def call(self, service, method, **parameters):
        self.child.stdin.write(json.dumps({"service": service, "method": method, "parameters": parameters}) + "\n")
        self.child.stdin.flush()
        for line in self.child.stdout:
            if not line.startswith("ANSWER "):
                continue
            answer = json.loads(line[len("ANSWER "):])
            if answer.get("error"):
                raise Refused(answer["error"])
            assert answer.get("requestId"), answer
            return answer["result"]
        raise AssertionError("the client's process ended")

    def lb(self, method, **parameters):
        return self.call("lb", method, **parameters)

    def vm(self, method, **parameters):
        return self.call("vm", method, **parameters)

    def ag(self, method, **parameters):
        return self.call("ag", method, **parameters)

    def vpc(self, method, **parameters):
        return self.call("vpc", method, **parameters)

    def refusal(self, method, service="lb", **parameters):
        with pytest.raises(Refused) as caught:
            self.call(service, method, **parameters)
        return caught.value.code, caught.value.status

    def close(self):
        self.child.stdin.close()
        self.child.wait(10)


class Network:
    """A VPC bound to loopback with one subnet, made by the client; the last part of each address tells its instances apart."""

    def __init__(self, sdk):
        self.sdk = sdk
        self.vpc = sdk.vpc("createVpc", vpcName="own", addressPrefix="127.80.0.0/16")["vpcId"]
        self.subnet = sdk.vpc("createSubnet", vpcId=self.vpc, subnetName="own", addressPrefix="127.80.1.0/24")["subnetId"]
        self.instances = []

    def address(self, number):
        return f"127.80.1.{100 + number}"

    def instance(self, number, az="local-1a"):
        """Registers the server at address(number)."""
        interface = {"networkInterface": {"subnetId": self.subnet, "primaryIpAddress": self.address(number)}}
        spec = {"name": f"server.{number}", "az": az, "instanceType": "g.n2.medium", "imageId": "img-any", "primaryNetworkInterface": interface}
        made = self.sdk.vm("createInstances", instanceSpec=spec)["instanceIds"]
        assert len(made) == 1
        self.instances += made
        return made[0]

    def lb(self, lb_type="alb", name=None, azs=("local-1a",)):
        """A load balancer of the type; (id, its address)."""
        more = {} if lb_type == "dnlb" else {"azs": list(azs)}
        lb = self.sdk.lb("createLoadBalancer", loadBalancerName=name or lb_type, subnetId=self.subnet, type=lb_type, **more)["loadBalancerId"]
        return lb, self.sdk.lb("describeLoadBalancer", loadBalancerId=lb)["loadBalancer"]["privateIp"]["privateIpAddress"]

    def remove(self):
        for instance in self.instances:
            self.sdk.vm("deleteInstance", instanceId=instance)
        self.sdk.vpc("deleteSubnet", subnetId=self.subnet)
        self.sdk.vpc("deleteVpc", vpcId=self.vpc)
