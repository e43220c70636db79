"""Client, nodes and targets in namespaces of their own; nothing on loopback. Needs root."""
from harness import has_address, wait_for


def test_an_alb_and_an_nlb_serve_and_deleting_one_takes_its_address_away(namespaced):
    web = namespaced.service(namespaced.make_targets("http")).wait_healthy()
    raw = namespaced.service(namespaced.make_targets("tcp"), lb_type="nlb", protocol="Tcp").wait_healthy()
    node = namespaced.network.space("n1")
    assert {namespaced.http(web.vip, web.port)[1]["X-Target"] for _ in range(30)} == {"http0", "http1", "http2"}
    assert {namespaced.tcp(raw.vip, raw.port)[0] for _ in range(30)} == {"tcp0", "tcp1", "tcp2"}
    assert has_address(node, web.vip) and has_address(node, raw.vip)
    web.delete()
    wait_for(lambda: not has_address(node, web.vip), "the address to leave the interface")
    assert has_address(node, raw.vip)
    assert namespaced.tcp(raw.vip, raw.port)[1] == b"hello\n"


def test_moving_the_address_between_two_external_nodes_fails_no_new_connection(two_nodes):
    web = two_nodes.service(two_nodes.make_targets("http")).wait_healthy()
    for node in ("n1", "n2"):
        wait_for(lambda: node in {n["node"] for n in two_nodes.api.get(f"listener/{web.listener}")["status"]["nodes"]}, f"{node} to serve")
    two_nodes.wait_serving(web)
    load = two_nodes.load("--http", web.endpoint, "--fresh", 100, "--workers", 4, "--rate", 200, "--seconds", 8)
    for holder in ("n2", "n1", "n2"):
        wait_for(lambda: True, "")
        load_pause(1.5)
        two_nodes.move_addresses(holder)
    report = load.finish(wait=True)
    assert report["failures"].get("connect", 0) == 0, report
    assert report["succeeded"] > 1000, report


def load_pause(seconds):
    """Lets the load run on; the load itself is the thing under test, so there is no event to wait for."""
    import time
    time.sleep(seconds)
