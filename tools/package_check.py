#!/usr/bin/env python3
"""Tries a finished package: hardening of its units by number, then installation, service and removal in a Debian 12 root that
holds nothing else (debootstrap), once with the units' command lines by hand and once with systemd booted in it, where the blocks
of docs/operate are run as written. Everything happens in namespaces of its own; needs root, debootstrap and the Debian archive,
and says so where they are missing."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
# In tenths; the limit of the reliability guide for control and for a node.
EXPOSURE_MAX = 20
WAIT_SECONDS = 30
# The addresses and names of docs/operate.
CONTROL, NODE, TARGET, VIP = "10.0.0.2", "10.0.0.3", "10.0.0.21", "10.0.0.100"
PAGES = ROOT / "docs/operate"
INTERFACE_BLOCK, SERVICE_BLOCK = "cat >>/etc/weir/weir.yaml", "weir create vpc"
# Becomes process 1 of a machine: file systems and network of its own, then the root as root.
INIT = r"""
set -e
R=$1; shift
mount --bind $R $R
mount -t proc proc $R/proc
mount -t sysfs -o ro sysfs $R/sys
mount -t tmpfs tmpfs $R/run
mount -t tmpfs tmpfs $R/dev
if [ -n "$CGROUP" ]; then mount -t tmpfs tmpfs $R/sys/fs/cgroup; mount -t cgroup2 cgroup2 $R/sys/fs/cgroup; fi
while read name major minor; do mknod -m 666 $R/dev/$name c $major $minor; done <<'NODES'
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
NODES
mkdir -p $R/dev/pts $R/dev/shm $R/dev/mqueue $R/dev/hugepages
ln -s pts/ptmx $R/dev/ptmx
ip link set lo up
cd $R
pivot_root . mnt
umount -l /mnt
exec env -i container=weir PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" </dev/null
"""


def say(text):
    print(f"-- {text}", flush=True)


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        sys.exit(f"package: {' '.join(map(str, words[-6:]))} ends with {done.returncode}:\n{done.stdout}")
    return done.stdout


def wait_for(condition, what, seconds=WAIT_SECONDS):
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            sys.exit(f"package: {what} did not come within {seconds} s")
        time.sleep(0.1)


def check(condition, what):
    if not condition:
        sys.exit(f"package: {what}")


# --- units ---------------------------------------------------------------------------------------


def unit_values(text, key):
    return re.findall(rf"^{key}=(.*)$", text, re.M)


def exposures():
    """(unit, what systemd says of its exposure, within the limit), also for a node that adds addresses."""
    control, node, interface = ((PACKAGING / name).read_text() for name in ("weir-control.service", "weir-node.service", "interface.conf"))
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("weir-control", control), ("weir-node", node), ("weir-node-interface", node + interface)):
            unit = pathlib.Path(folder) / f"{name}.service"
            unit.write_text(text)
            told = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_MAX}", unit],
                                  capture_output=True, text=True)
            last = (told.stdout + told.stderr).strip().splitlines()[-1]
            yield name, re.sub(r"[^ -~]+", "", last).strip(), told.returncode == 0


def check_units():
    for name, told, is_good in exposures():
        say(told)
        check(is_good, f"{name} is more exposed than {EXPOSURE_MAX / 10}")


# --- a machine -----------------------------------------------------------------------------------


def cgroup_folder():
    """Where systems with cgroup2 have it, or nothing."""
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        if line.split()[2] == "cgroup2":
            return pathlib.Path(line.split()[1])
    return None


class Machine:
    """A root as a machine: processes, network, mounts (and control groups, when it boots) of its own."""

    def __init__(self, root, boots, address=CONTROL):
        self.root, self.cgroup, self.others = root, None, []
        words = ["unshare", "-m", "-p", "-n", "-u", "-i", "-f", "--kill-child"]
        if boots:
            self.cgroup = cgroup_folder() / f"weir-package-{os.getpid()}-{root.name}"
            self.cgroup.mkdir()
            words.append("-C")
        init = ["/lib/systemd/systemd"] if boots else ["sleep", "infinity"]
        self.outer = subprocess.Popen(
            [*words, "sh", "-c", INIT, "init", str(root), *init], env={**os.environ, "CGROUP": str(self.cgroup or "")},
            preexec_fn=self.join_cgroup, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        self.first = wait_for(self.find_first, "the machine")
        # Its root has become its own once /mnt is empty again.
        wait_for(lambda: os.path.realpath(f"/proc/{self.first}/exe").endswith(("systemd", "sleep")), "its first process")
        self.ip("link add eth1 type veth peer name port1")
        self.ip("link add bridge type bridge")
        for line in ("link set port1 master bridge", "link set port1 up", "link set bridge up", "link set eth1 up",
                     f"address add {address}/24 dev eth1"):
            self.ip(line)

    def ip(self, line):
        return run(*self.beside("ip", *line.split()))

    def connect(self, other):
        """One cable between the bridges of both."""
        self.ip(f"link add port2 type veth peer name port2 netns {other.first}")
        for machine in (self, other):
            machine.ip("link set port2 master bridge")
            machine.ip("link set port2 up")

    def join_cgroup(self):
        if self.cgroup:
            (self.cgroup / "cgroup.procs").write_text(str(os.getpid()))

    def find_first(self):
        if self.outer.poll() is not None:
            sys.exit("package: the machine did not start")
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
        return int(children[0]) if children else None

    def inside(self, *words):
        """A command of its own root."""
        enter = ["nsenter", "-t", str(self.first), "-m", "-p", "-n", "-u", "-i", "-r", "-w", *(["-C"] if self.cgroup else [])]
        return [*enter, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "DEBIAN_FRONTEND=noninteractive",
                *map(str, words)]

    def beside(self, *words):
        """A command of this system in its network."""
        return ["nsenter", "-t", str(self.first), "-n", *map(str, words)]

    def run(self, *words):
        return run(*self.inside(*words))

    def start(self, words):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.others.append(process)
        return process

    def fetch(self):
        return subprocess.run(self.beside("curl", "-sf", "-m", "2", f"http://{VIP}/"), capture_output=True, text=True).stdout

    def addresses(self):
        return run(*self.beside("ip", "-br", "address", "show", "eth1"))

    def processes(self):
        """{pid there: command line} of weir."""
        listed = {}
        for line in self.run("sh", "-c", "for p in /proc/[0-9]*; do echo ${p#/proc/} $(tr '\\0' ' ' <$p/cmdline); done 2>/dev/null").splitlines():
            pid, _, command = line.partition(" ")
            if re.match(r"(/usr/bin/)?weir ", command):
                listed[int(pid)] = command
        return listed

    def close(self):
        os.kill(self.first, 9)
        self.outer.wait()
        for process in self.others:
            process.kill()
            process.wait()
        if self.cgroup:
            for folder in sorted(self.cgroup.rglob("*"), key=lambda path: -len(path.parts)):
                if folder.is_dir():
                    wait_for(lambda: remove_folder(folder), f"the end of {folder}")
            wait_for(lambda: remove_folder(self.cgroup), f"the end of {self.cgroup}")


def remove_folder(folder):
    try:
        folder.rmdir()
    except OSError:
        return not folder.exists()
    return True


# --- what is tried -------------------------------------------------------------------------------


def blocks(page):
    """What a page tells the reader to run."""
    return re.findall(r"^```sh\n(.*?)^```$", (PAGES / page).read_text(), re.M | re.S)


def run_block(machine, block):
    machine.run("sh", "-ec", f"cd /root; {block}")


def install_block(start):
    return next(block for block in blocks("install.md") if block.startswith(start))


def start_target(machine):
    machine.ip(f"address add {TARGET}/32 dev lo")
    machine.start(machine.beside(sys.executable, "-m", "http.server", "9001", "--bind", TARGET, "--directory", PACKAGING))


def served(machine):
    wait_for(lambda: "weir-node.service" in machine.fetch(), "a request's answer")
    check(VIP in machine.addresses(), f"{VIP} is not on the interface")


def proxy_has_no_capability(machine):
    proxies = [pid for pid, command in machine.processes().items() if command.startswith("weir proxy")]
    check(proxies, "no proxy runs")
    for pid in proxies:
        status = machine.run("cat", f"/proc/{pid}/status")
        check(re.search(r"^CapEff:\s+0+$", status, re.M) and re.search(r"^CapPrm:\s+0+$", status, re.M), "the proxy has capabilities")


def nothing_is_left(machine):
    wait_for(lambda: not machine.processes(), "the end of all processes", 5)
    check(VIP not in machine.addresses(), f"{VIP} is still on the interface")
    check("weir" not in (machine.root / "etc/passwd").read_text(), "the user weir is still there")
    paths = machine.run("find", "/", "-xdev", "-iname", "*weir*", "-not", "-path", "/proc/*", "-not", "-path", "/root/*")
    left = [path for path in paths.split() if "weir-node.service.d" not in path]
    check(not left, f"left behind: {left}")


def by_hand_words(unit, machine):
    """What systemd would do with the unit's user, capabilities and command."""
    text = (machine.root / "usr/lib/systemd/system" / unit).read_text()
    if unit == "weir-node.service":
        text += (machine.root / "usr/share/doc/weir/examples/interface.conf").read_text()
    names = [name.lower().removeprefix("cap_") for line in unit_values(text, "AmbientCapabilities") for name in line.split()]
    given = ",".join("+" + name for name in names)
    limits = [f"--bounding-set=-all{',' + given if given else ''}"]
    limits += [f"--inh-caps={given}", f"--ambient-caps={given}"] if given else []
    user = unit_values(text, "User")[0]
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--no-new-privs", *limits,
            *unit_values(text, "ExecStart")[0].split()]


def start_by_hand(machine, unit):
    """Returns once it has said that it is ready."""
    path = machine.root / "tmp/notify"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        path.chmod(0o777)
        manager.settimeout(WAIT_SECONDS)
        machine.start(machine.inside("env", "NOTIFY_SOCKET=/tmp/notify", *by_hand_words(unit, machine)))
        while b"READY=1" not in manager.recv(4096):
            pass
    path.unlink()


def try_by_hand(root, kills):
    machine = Machine(root, boots=False)
    try:
        machine.run("dpkg", "-i", package_in(root))
        start_target(machine)
        run_block(machine, install_block(INTERFACE_BLOCK).split("install -D")[0])
        start_by_hand(machine, "weir-control.service")
        start_by_hand(machine, "weir-node.service")
        run_block(machine, install_block(SERVICE_BLOCK))
        served(machine)
        proxy_has_no_capability(machine)
        if kills:
            killed = [str(pid) for pid, command in machine.processes().items() if "weir control" not in command]
            machine.run("sh", "-c", "kill -9 " + " ".join(killed))
            check(VIP in machine.addresses(), "a killed node took its address along: this tries nothing")
        machine.run("apt-get", "-qq", "-y", "purge", "weir")
        nothing_is_left(machine)
    finally:
        machine.close()


def main_process(machine):
    return int(machine.run("systemctl", "show", "-P", "MainPID", "weir-node"))


def try_node_dies(machine):
    """Killed: its proxy goes on, and the next node takes over."""
    before = main_process(machine)
    machine.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", "weir-node")
    for _ in range(20):
        check(machine.fetch(), "a request failed while the node was dead")
    wait_for(lambda: main_process(machine) not in (0, before), "another node")
    wait_for(lambda: machine.run("systemctl", "show", "-P", "ActiveState", "weir-node").strip() == "active", "the node's readiness")


def try_upgrade(machine):
    """Installed again: the node becomes the new program in the same process; control is another process."""
    before = main_process(machine)
    control = machine.run("systemctl", "show", "-P", "MainPID", "weir-control")
    old = os.stat(machine.root / "usr/bin/weir").st_ino
    for block in blocks("upgrade.md"):
        run_block(machine, block)
    check(os.stat(machine.root / "usr/bin/weir").st_ino != old, "the program was not replaced: this tries nothing")
    image = lambda: machine.run("stat", "-Lc", "%i", f"/proc/{before}/exe").strip()
    wait_for(lambda: image() == str(os.stat(machine.root / "usr/bin/weir").st_ino), "the new program in the node's process")
    check(machine.fetch(), "a request failed after the upgrade")
    check(main_process(machine) == before, "the node is another process")
    check(machine.run("systemctl", "show", "-P", "MainPID", "weir-control") != control, "control is still the old process")
    machine.run("sh", "-c", "for i in $(seq 50); do weir get nodes && exit 0; sleep 0.2; done; exit 1")


def try_pages(control, node, new):
    """Two machines by the page, then a backup and its way to a third."""
    start_target(control)
    for block in blocks("install.md"):
        if "chown root:weir /etc/weir/node.key" in block:
            shutil.copy(control.root / "var/lib/weir/node.key", node.root / "etc/weir/node.key")
        run_block(node if block.startswith("# on the node") else control, block)
    served(control)
    wait_for(lambda: {"n2"} < {line.split()[1] for line in control.run("weir", "get", "nodes").splitlines()[1:]}, "the second node")
    for block in blocks("backup.md"):
        if block.startswith("# on a new machine"):
            for name in ("weir.backup", "weir-keys.tar"):
                shutil.copy(control.root / "root" / name, new.root / "root" / name)
        run_block(new if block.startswith("# on a new machine") else control, block)
    check("web" in new.run("weir", "get", "lbs"), "the new machine does not know the load balancer")
    served(control)


def is_up(machine):
    return machine.run("sh", "-c", "systemctl is-system-running || true").strip() in ("running", "degraded")


def try_booted(roots):
    machines = []
    try:
        for root, address in zip(roots, (CONTROL, NODE, NODE)):
            machines.append(Machine(root, boots=True, address=address))
        control, node, new = machines
        control.connect(node)
        for machine in machines:
            wait_for(lambda: is_up(machine), "systemd")
        control.run("dpkg", "-i", package_in(control.root))
        check(not control.processes(), "the package starts something by itself")
        say("the pages of docs/operate, on a control, a second node and a new machine")
        try_pages(control, node, new)
        proxy_has_no_capability(control)
        say("a node that is killed; an upgrade")
        try_node_dies(control)
        try_upgrade(control)
        say("purge")
        for machine in machines:
            machine.run("apt-get", "-qq", "-y", "purge", "weir")
            nothing_is_left(machine)
    finally:
        for machine in machines:
            machine.close()


# --- the roots -----------------------------------------------------------------------------------


def package_in(root):
    """Its path there."""
    return "/root/" + next((root / "root").glob("weir_*.deb")).name


def in_chroot(root, *words):
    """With the network of this system; its mounts end with it."""
    script = 'mount -t proc proc "$0/proc" && exec chroot "$0" env DEBIAN_FRONTEND=noninteractive "$@"'
    return run("unshare", "-m", "-p", "-f", "sh", "-c", script, root, *words)


def bare_root():
    """As debootstrap makes it; kept as build/bookworm.tar for the next time (remove it to get newer packages)."""
    kept = ROOT / "build/bookworm.tar"
    root = pathlib.Path(tempfile.mkdtemp(prefix="weir-package-"))
    if not kept.exists():
        say("debootstrap (a minute)")
        run("debootstrap", "--variant=minbase", "bookworm", root)
        run("tar", "-C", root, "-cf", kept, ".")
    else:
        run("tar", "-C", root, "-xpf", kept)
    root.chmod(0o755)
    return root


def try_package(package):
    root = bare_root()
    copies = [root.with_name(f"{root.name}-{number}") for number in (2, 3)]
    try:
        shutil.copy(package, root / "root")
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        say("apt install in the bare root")
        in_chroot(root, "apt-get", "-qq", "update")
        in_chroot(root, "apt-get", "-qq", "-y", "--no-install-recommends", "install", package_in(root))
        say(in_chroot(root, "weir", "version").strip() + "; " + in_chroot(root, "weir", "check-config", "/etc/weir/weir.yaml").strip())
        say("service with the units' command lines, then purge")
        try_by_hand(root, kills=False)
        say("the same, with a node that was killed before the purge")
        try_by_hand(root, kills=True)
        if cgroup_folder() is None:
            return say("SKIPPED: systemd in the root, because there is no cgroup2 here")
        say("systemd in three such roots")
        in_chroot(root, "apt-get", "-qq", "-y", "--no-install-recommends", "install", "systemd", "systemd-sysv", "dbus", "curl")
        for copy in copies:
            run("cp", "-a", root, copy)
        try_booted([root, *copies])
    finally:
        # Nothing is mounted here: every mount was in a namespace that has ended.
        subprocess.run(["rm", "-rf", "--one-file-system", *map(str, [root, *copies])], check=True)


def main():
    package = pathlib.Path(sys.argv[1])
    if shutil.which("systemd-analyze"):
        check_units()
    else:
        say("SKIPPED: exposure of the units, because there is no systemd-analyze here")
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        return say("SKIPPED: installation in a bare root, which needs root and debootstrap")
    try_package(package)
    say("the package installs, serves and leaves nothing behind")


if __name__ == "__main__":
    main()
