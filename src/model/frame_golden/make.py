"""Writes the golden recordings of the frame format, from docs/formats/frames.md and not from the program's encoder.

A recording is never changed once a release has written such frames: a new format gets new files beside the old ones.
"""

import base64
import json
import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).parent


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def stored(name, spec, admin=None, labels=None):
    return text({"owner": "default", "name": name, "labels": labels or {}, "created": "2026-01-01T00:00:00Z",
                 "spec": spec, "admin": admin or {}})


def frame(kind, identity, epoch, revision, body, tombstone=False):
    kind_bytes, id_bytes, body_bytes = kind.encode(), identity.encode(), body.encode()
    head = b"WFRM" + struct.pack("<BBBBIQQ", 1, 1 if tombstone else 0, len(kind_bytes), len(id_bytes), len(body_bytes),
                                 epoch, revision)
    whole = head + kind_bytes + id_bytes + body_bytes
    return whole + struct.pack("<I", zlib.crc32(whole))


CHECK = {"protocol": "Http", "healthyThresholdCount": 3, "unhealthyThresholdCount": 2, "checkTimeoutSeconds": 3,
         "intervalSeconds": 5, "port": 0, "httpVersion": "HTTP1.1", "httpDomain": "shop.example", "httpPath": "/健康",
         "httpCode": ["2xx", "301-302"]}
BACKEND = {"loadBalancerId": "alb-0123456789", "protocol": "Http", "port": 8080, "algorithm": "RoundRobin",
           "targetGroupIds": ["tg-0123456789"], "connectionDrainingSeconds": 300, "httpForwardedProtocol": True,
           "httpForwardedPort": False, "httpForwardedHost": False, "httpForwardedVip": False,
           "httpForwardedClientPort": False, "healthCheck": CHECK, "description": ""}
TARGETS = [{"targetId": "target-0123456789", "ipAddress": "10.0.1.20", "port": 0, "weight": 10},
           {"targetId": "target-abcdefghij", "ipAddress": "10.0.1.21", "port": 8081, "weight": 0}]
SLOTS = {"slots": [{"targetId": "target-0123456789", "slot": 0}, {"targetId": "target-abcdefghij", "slot": 65535}],
         "nextSlot": 0, "retired": [{"slot": 7, "until": "2026-01-01T01:00:01Z"}]}
DISK = {"isSystem": True, "diskCategory": "cloud", "autoDelete": True, "deviceName": "vda", "diskType": "ssd.gp1", "diskSizeGB": 40}
INSTANCE_TARGETS = [{"targetId": "target-0123456789", "instanceId": "i-0123456789", "port": 8080, "weight": 10}]
RULE = {"ruleId": "sgrule-0123456789", "direction": "in", "ruleAction": "DENY", "priority": 7, "protocol": "TCP",
        "addressPrefixType": "CIDR", "addressPrefix": "10.0.0.0/8", "ipVersion": 4, "fromPort": 80, "toPort": 90,
        "description": "", "ruleType": "custom", "createdTime": "2026-01-01T00:00:00Z"}
BINDING = {"subnet": "subnet-0123456789", "mode": "interface", "interface": "eth1", "sources": ["10.0.1.4"]}

EMPTY_TABLE = b"WSTB" + struct.pack("<BBHQ", 1, 0, 0, 3)
EMPTY_TABLE += struct.pack("<I", zlib.crc32(EMPTY_TABLE))

# file: kind, id, epoch, revision, body, tombstone
RECORDINGS = {
    "vpc.bin": ("vpc", "vpc-default", 1, 1,
                stored("default", {"addressPrefix": "127.0.0.0/8", "description": ""}), False),
    "subnet.bin": ("subnet", "subnet-0123456789", 1, 2,
                   stored("slice", {"vpcId": "vpc-0123456789", "addressPrefix": "10.0.1.0/24", "description": "空"}), False),
    "lb.bin": ("lb", "alb-0123456789", 1, 3,
               stored("web", {"type": "alb", "subnetId": "subnet-0123456789", "azs": ["local-1a"], "description": "",
                              "deleteProtection": True},
                      {"state": "started", "vip": "10.0.1.10", "vpcId": "vpc-0123456789"}, {"team": "shop"}), False),
    "listener.bin": ("listener", "listener-0123456789", 1, 6,
                     stored("front", {"loadBalancerId": "alb-0123456789", "protocol": "Http", "port": 80,
                                      "backendId": "backend-0123456789", "connectionIdleTimeSeconds": 90,
                                      "description": ""}, {"status": "Off"}), False),
    "backend.bin": ("backend", "backend-0123456789", 1, 5, stored("servers", BACKEND, {"closeHealthCheck": True}), False),
    "tg.bin": ("tg", "tg-0123456789", 1, 4,
               stored("group", {"loadBalancerId": "alb-0123456789", "type": "ip", "targets": TARGETS, "description": ""},
                      SLOTS), False),
    "node.bin": ("node", "node-0123456789", 1, 7,
                 stored("edge", {"region": "local", "az": "local-1a", "build": "0.1.0", "bindings": [BINDING]}), False),
    "placement.bin": ("placement", "placement-0123456789", 1, 8,
                      stored("", {"loadBalancerId": "alb-0123456789", "nodeId": "node-0123456789", "epoch": 2}), False),
    "drain.bin": ("drain", "drain-0123456789", 1, 9,
                  stored("", {"loadBalancerId": "alb-0123456789", "groupId": "tg-0123456789", "drainingSeconds": 300,
                              "deadline": "2026-01-01T00:05:00Z", "services": [{"serviceId": "backend-0123456789", "port": 8080}],
                              "targets": [{"targetId": "target-0123456789", "slot": 7, "address": "10.0.1.22", "port": 0}]}), False),
    "table.bin": ("table", "table-0123456789", 1, 11,
                  stored("", {"loadBalancerId": "alb-0123456789", "groupId": "tg-0123456789", "generation": 3, "checksum": 0,
                              "rows": base64.b64encode(EMPTY_TABLE).decode()}), False),
    "keyring.bin": ("keyring", "hash-seed", 1, 12,
                    stored("hash-seed", {"previous": "", "current": "00112233445566ff", "next": ""}), False),
    "instance.bin": ("instance", "i-0123456789", 1, 13,
                     stored("web.1", {"subnetId": "subnet-0123456789", "ipAddress": "10.0.1.30", "az": "local-1a", "description": "",
                                      "hostname": "", "instanceType": "g.n2.medium", "imageId": "", "keyNames": ["key"],
                                      "disks": [DISK]},
                            {"state": "stopped", "ipAddress": "10.0.1.30", "vpcId": "vpc-0123456789"}), False),
    "tg-instances.bin": ("tg", "tg-abcdefghij", 1, 14,
                         stored("servers", {"loadBalancerId": "alb-0123456789", "type": "instance", "targets": INSTANCE_TARGETS,
                                            "description": ""},
                                {"slots": [{"targetId": "target-0123456789", "slot": 0}], "nextSlot": 1, "retired": [],
                                 "vpcId": "vpc-0123456789"}), False),
    # A member that is left out while it is false, as every reader before it needs.
    "backend-fail-open.bin": ("backend", "backend-abcdefghij", 1, 15,
                              stored("open", {**{k: v for k, v in BACKEND.items() if k != "description"}, "failOpen": True,
                                              "description": ""},
                                     {"closeHealthCheck": False}), False),
    "eip.bin": ("eip", "fip-0123456789", 1, 16,
                stored("door", {"bandwidthMbps": 5, "provider": "bgp"},
                       {"address": "203.0.113.1", "pool": "public", "az": "", "loadBalancerId": "", "releasing": ["node-0123456789"]}), False),
    # Of a load balancer that answers on an elastic IP too; every other one has the form that older nodes read.
    "lb-elastic-ip.bin": ("lb", "nlb-0123456789", 1, 17,
                          stored("lines", {"type": "nlb", "subnetId": "subnet-0123456789", "azs": ["local-1a"],
                                           "elasticIpId": "fip-0123456789", "description": "", "deleteProtection": False},
                                 {"state": "started", "vip": "10.0.1.11", "vpcId": "vpc-0123456789",
                                  "elasticIpAddress": "203.0.113.1", "elasticIpPool": "public"}), False),
    "securityGroup.bin": ("securityGroup", "sg-0123456789", 1, 18,
                          stored("web", {"vpcId": "vpc-0123456789", "rules": [RULE], "description": ""}, {"type": "custom"}), False),
    # A list that is left out while it is empty, for the same reason.
    "lb-security-groups.bin": ("lb", "alb-abcdefghij", 1, 19,
                               stored("web", {"type": "alb", "subnetId": "subnet-0123456789", "azs": ["local-1a"],
                                              "securityGroupIds": ["sg-0123456789"], "description": "", "deleteProtection": False},
                                      {"state": "started", "vip": "10.0.1.11", "vpcId": "vpc-0123456789"}), False),
    "ag.bin": ("ag", "ag-0123456789", 1, 18,
               stored("members", {"azs": ["local-1a", "local-1b"], "agType": "vm", "configurationType": "loose", "description": ""},
                      {"slots": [{"targetId": "i-abcdefghij", "slot": 3}], "nextSlot": 4,
                       "retired": [{"slot": 2, "until": "2026-01-01T01:00:01Z"}], "vpcId": "vpc-0123456789"}), False),
    "instance-member.bin": ("instance", "i-abcdefghij", 1, 19,
                            stored("web.2", {"subnetId": "subnet-0123456789", "ipAddress": "10.0.1.31", "az": "local-1b", "description": "",
                                             "hostname": "", "instanceType": "", "imageId": "", "keyNames": [], "disks": [],
                                             "agId": "ag-0123456789", "faultDomain": 2},
                                   {"state": "running", "ipAddress": "10.0.1.31", "vpcId": "vpc-0123456789", "faultDomain": 2}), False),
    "backend-members.bin": ("backend", "backend-klmnopqrst", 1, 20,
                            stored("members", {**BACKEND, "targetGroupIds": [], "agIds": ["ag-0123456789"]},
                                   {"closeHealthCheck": False}), False),
    "table-members.bin": ("table", "table-abcdefghij", 1, 21,
                          stored("", {"groupId": "ag-0123456789", "generation": 3, "checksum": 0,
                                      "rows": base64.b64encode(EMPTY_TABLE).decode()}), False),
    "tombstone.bin": ("listener", "listener-0123456789", 1, 10, "", True),
    "commit.bin": ("commit", "", 2, 4294967296, "", False),
}

for name, (kind, identity, epoch, revision, body, tombstone) in RECORDINGS.items():
    (HERE / name).write_bytes(frame(kind, identity, epoch, revision, body, tombstone))
expected = {name: {"kind": r[0], "id": r[1], "epoch": r[2], "revision": r[3], "body": r[4], "tombstone": r[5]}
            for name, r in RECORDINGS.items()}
(HERE / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
