"""A node's copy survives damage, and follows a restored backup."""
import os
import random
import signal
import subprocess

from harness import PROGRAM, wait_for


def kill_node(apart):
    proxy = apart.pid("proxy")
    apart.node.kill()
    os.kill(proxy, signal.SIGKILL)


def test_a_damaged_replica_never_starts_empty(apart):
    service = apart.service(apart.make_targets("http", 2)).wait_healthy()
    apart.control.kill()
    dice = random.Random(seed := random.randrange(1 << 30))
    print("seed", seed)
    for name in ("checkpoint", "log"):
        kill_node(apart)
        path = apart.node_data / "replica" / name
        whole = path.read_bytes()
        if whole:
            at = dice.randrange(len(whole))
            path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << dice.randrange(8))]) + whole[at + 1:])
        apart.start_node(wait=False)
        wait_for(lambda: apart.http(service.vip, service.port, timeout=2)[0] == 200, f"an answer with a damaged {name}")


def test_a_restored_older_backup_is_followed(apart):
    service = apart.service(apart.make_targets("http", 1)).wait_healthy()
    backup = apart.folder / "backup.db"
    subprocess.run([str(PROGRAM), "backup", str(backup), "--data-dir", str(apart.data)], check=True, timeout=30)
    later = apart.service(apart.targets_again(), "alb", "Http")
    apart.wait_serving(later)
    assert apart.control.stop() == 0
    subprocess.run([str(PROGRAM), "restore", str(backup), "--data-dir", str(apart.data)], check=True, timeout=30)
    apart.start_control()

    def gone():
        try:
            apart.http(later.vip, later.port, timeout=1)
        except OSError:
            return True
        return False
    wait_for(gone, "the node to follow the restored history")
    assert apart.http(service.vip, service.port)[0] == 200
    assert [lb["id"] for lb in apart.api.items("lb")] == [service.lb]


def test_a_node_that_is_ahead_of_control_is_refused_and_goes_on(apart):
    service = apart.service(apart.make_targets("http", 1)).wait_healthy()
    backup = apart.folder / "old.db"
    subprocess.run([str(PROGRAM), "backup", str(backup), "--data-dir", str(apart.data)], check=True, timeout=30)
    apart.api.patch("lb", service.lb, description="newer than the backup")
    wait_for(lambda: apart.api.get(f"lb/{service.lb}")["status"]["nodes"][0]["appliedRevision"] >=
             apart.api.get(f"lb/{service.lb}")["revision"], "the change on the node")
    assert apart.control.stop() == 0
    # The mistake `weir restore` exists to prevent: an older file put in place by hand, under the same epoch.
    for name in ("weir.db-wal", "weir.db-shm"):
        (apart.data / name).unlink(missing_ok=True)
    (apart.data / "weir.db").write_bytes(backup.read_bytes())
    apart.start_control()
    wait_for(lambda: "refused" in apart.control.tail(5000) or "ahead" in apart.control.tail(5000), "the alarm")
    assert apart.http(service.vip, service.port)[0] == 200
