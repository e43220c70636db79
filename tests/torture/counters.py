"""What the proxy and the targets have counted."""
import re
import urllib.request

from harness import wait_for

SAMPLE = re.compile(r"^(\w+)\{([^}]*)\} (\S+)$", re.M)


def metrics(cluster):
    """[(name, labels as text, value)] of the node, its proxies' among them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{cluster.ops_port}/metrics", timeout=20) as answer:
        return [(name, labels, float(value)) for name, labels, value in SAMPLE.findall(answer.read().decode())]


def proxy_counts(cluster, services):
    """(HTTP requests, TCP connections) that the proxy counts for the listeners of these services."""
    requests = connections = 0
    for name, labels, value in metrics(cluster):
        for service in services:
            if f'"{service.listener}"' not in labels:
                continue
            if service.protocol == "Http" and name == "weir_listener_requests_total":
                requests += int(value)
            if service.protocol == "Tcp" and name == "weir_listener_connections_total":
                connections += int(value)
    return requests, connections


def failures(cluster):
    """{reason: count} of exchanges that the proxy counts as failed."""
    found = {}
    for name, labels, value in metrics(cluster):
        if name == "weir_listener_failures_total" and value:
            reason = re.search(r'reason="([^"]*)"', labels).group(1)
            found[reason] = found.get(reason, 0) + int(value)
    return found


def target_counts(cluster):
    """(HTTP requests, TCP connections) that all targets have had."""
    served = cluster.targets.served().values()
    return sum(requests for requests, _ in served), sum(connections for _, connections in served)


class Meter:
    """Counts from the moment it was made."""

    def __init__(self, cluster, services):
        self.cluster, self.services = cluster, services
        self.proxy_before, self.targets_before = proxy_counts(cluster, services), target_counts(cluster)
        self.failures_before = failures(cluster)  # a service is asked before its targets are known to be healthy

    def proxy(self):
        return tuple(now - before for now, before in zip(proxy_counts(self.cluster, self.services), self.proxy_before))

    def failures(self):
        """{reason: count}."""
        new = {reason: count - self.failures_before.get(reason, 0) for reason, count in failures(self.cluster).items()}
        return {reason: count for reason, count in new.items() if count}

    def targets(self):
        return tuple(now - before for now, before in zip(target_counts(self.cluster), self.targets_before))

    def settled(self, requests, connections):
        """The proxy's counts once they have come to these, or what they are after a while: they are told to the node every so often."""
        try:
            wait_for(lambda: self.proxy() == (requests, connections), "the proxy's counts")
        except AssertionError:
            pass
        return self.proxy()
