"""Instances as targets: traffic goes to those that run, on every node, and a stop breaks no connection."""
import contextlib
import socket

from harness import in_namespace, wait_for


def start_servers(cluster):
    """Two TCP servers in one subnet; (the subnet's id, [(address, port)])."""
    if hasattr(cluster, "network"):
        places = cluster.make_targets("tcp", 2)
        return next(s["id"] for s in cluster.api.items("subnet") if s["name"] == "servers"), places
    subnet = cluster.api.create("subnet", "servers", vpcId="vpc-default", addressPrefix="127.90.1.0/24")["id"]
    return subnet, [cluster.targets.add(f"tcp{i}", "tcp", address=f"127.90.1.{10 + i}") for i in range(2)]


def hold(cluster, service, stack):
    """A connection that lasts as long as `stack`; (its target, its stream)."""
    with in_namespace(cluster.client_namespace):
        connection = stack.enter_context(socket.create_connection((service.vip, service.port), 10))
    stream = stack.enter_context(connection.makefile("rwb"))
    stream.write(b"hello\n")
    stream.flush()
    name = stream.readline().decode().strip()
    assert stream.readline() == b"hello\n"
    return name, stream


def serve_instances(cluster, subnet, places):
    """A service over a group of instances; the service and the ids of the instances."""
    api = cluster.api
    instances = [api.create("instance", f"server.{i}", subnetId=subnet, ipAddress=address, az="local-1a")["id"]
                 for i, (address, _) in enumerate(places)]
    service = cluster.service([], lb_type="nlb", protocol="Tcp", check={"protocol": "Tcp", "healthyThresholdCount": 1})
    group = api.create("tg", "instances", loadBalancerId=service.lb, type="instance")["id"]
    for instance, (_, port) in zip(instances, places):
        api.create("target", None, targetGroupId=group, instanceId=instance, port=port)
    api.patch("backend", service.backend, targetGroupIds=[group])
    return service.wait_healthy(len(instances)), instances


def test_m6_m72_a_stop_takes_an_instance_out_of_new_traffic_and_breaks_nothing(cluster):
    service, instances = serve_instances(cluster, *start_servers(cluster))

    def reached():
        return {cluster.tcp(service.vip, service.port)[0] for _ in range(10)}

    wait_for(lambda: reached() == {"tcp0", "tcp1"}, "both servers")
    with contextlib.ExitStack() as stack:
        held = [hold(cluster, service, stack) for _ in range(6)]
        assert {name for name, _ in held} == {"tcp0", "tcp1"}
        cluster.api.call("PATCH", f"instance/{instances[0]}", {"admin": {"state": "stopped"}})
        wait_for(lambda: reached() == {"tcp1"}, "the running server alone")
        for _, stream in held:
            stream.write(b"again\n")
            stream.flush()
            assert stream.readline() == b"again\n"
        cluster.api.call("PATCH", f"instance/{instances[0]}", {"admin": {"state": "running"}})
        wait_for(lambda: reached() == {"tcp0", "tcp1"}, "both servers again")


def test_the_command_line_registers_stops_and_unregisters_an_instance(up):
    up.cli("create", "subnet", "servers", "--vpc", "vpc-default", "--address-prefix", "127.90.1.0/24")
    up.cli("create", "instance", "web.1", "--subnet", "servers", "--ip-address", "127.90.1.10", "--az", "local-1a")
    up.cli("create", "lb", "front", "--subnet", "servers", "--azs", "local-1a")
    up.cli("create", "tg", "servers", "--lb", "front", "--type", "instance")
    up.cli("create", "target", "--tg", "servers", "--instance", "web.1", "--port", "8080")
    assert "127.90.1.10" in up.cli("get", "targets").stdout
    assert "stopped" in up.cli("update", "instance", "web.1", "--state", "stopped").stdout
    refused = up.cli("delete", "instance", "web.1", check=False)
    assert refused.returncode != 0 and "is a target of target group" in refused.stderr
    up.cli("delete", "tg", "servers")
    up.cli("delete", "instance", "web.1")
    assert up.api.items("instance") == []
