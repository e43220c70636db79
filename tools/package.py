#!/usr/bin/env python3
"""Makes build/weir_VERSION_ARCH.deb from a built program: a staged tree, then dpkg-deb. Nothing in the package is written
twice: completion and manual page come from the program, the configuration from examples/weir.yaml, the dependencies from the
libraries it is linked with, description and version from debian/."""
import argparse
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import manpage

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
# Libraries whose code is inside the program (headers or static) and whose licence wants its text to go along.
INSIDE = ("libcli11-dev", "libsqlitecpp-dev", "nlohmann-json3-dev")
UNITS = ("weir-control.service", "weir-node.service")
CONFFILE = "/etc/weir/weir.yaml"
CONFIGURATION_HEAD = """\
# Configuration of the daemons on this machine: weir-control.service, weir-node.service. Each line that is commented out is an
# example; the defaults are in weir(1). Restart the service after a change. `weir check-config FILE` judges this file.
"""


def output(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options).stdout


def put(stage, name, content, mode=0o644):
    path = stage / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)


def changelog():
    """Version, and the time of the entry in seconds since 1970."""
    version = output("dpkg-parsechangelog", "-l", ROOT / "debian/changelog", "-S", "Version").strip()
    return version, output("dpkg-parsechangelog", "-l", ROOT / "debian/changelog", "-S", "Timestamp").strip()


def configuration():
    """examples/weir.yaml with every line commented out but the data directory, which root and the services must share."""
    lines = (ROOT / "examples/weir.yaml").read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    text = CONFIGURATION_HEAD
    for line in lines[start:]:
        if line.startswith("data-dir:"):
            text += "data-dir: /var/lib/weir\n"
        elif not line or line.startswith("#"):
            text += line + "\n"
        else:
            text += "#" + line + "\n"
    return text


def compressed(text):
    return gzip.compress(text.encode(), 9, mtime=0)


def stage_program(stage, program):
    target = stage / "usr/bin/weir"
    target.parent.mkdir(parents=True)
    subprocess.run(["strip", "--strip-unneeded", "--remove-section=.comment", "-o", target, program], check=True)
    target.chmod(0o755)
    return target


def stage_files(stage, program):
    for unit in UNITS:
        put(stage, f"/usr/lib/systemd/system/{unit}", (PACKAGING / unit).read_text())
    put(stage, CONFFILE, configuration())
    put(stage, "/usr/share/bash-completion/completions/weir", output(program, "completion", "bash"))
    put(stage, "/usr/share/man/man1/weir.1.gz", compressed(manpage.page(program)))
    documents = "/usr/share/doc/weir"
    put(stage, f"{documents}/copyright", (PACKAGING / "copyright").read_text())
    put(stage, f"{documents}/changelog.gz", compressed((ROOT / "debian/changelog").read_text()))
    put(stage, f"{documents}/examples/interface.conf", (PACKAGING / "interface.conf").read_text())
    for example in ("weir.yaml", "tree.yaml"):
        put(stage, f"{documents}/examples/{example}", (ROOT / "examples" / example).read_text())
    for library in INSIDE:
        put(stage, f"{documents}/third-party/{library}.copyright", pathlib.Path(f"/usr/share/doc/{library}/copyright").read_text())
    for page in sorted((ROOT / "docs/operate").glob("*.md")):
        put(stage, f"{documents}/operate/{page.name}", page.read_text())


def dependencies(program):
    """Of the libraries the program is linked with, with the versions that its symbols need."""
    with tempfile.TemporaryDirectory() as folder:
        control = pathlib.Path(folder) / "debian/control"
        control.parent.mkdir()
        control.write_text("Source: weir\n\nPackage: weir\nArchitecture: any\n")
        line = output("dpkg-shlibdeps", "-O", f"-e{program}", cwd=folder)
    return re.search(r"^shlibs:Depends=(.*)$", line, re.M).group(1) + ", adduser"


def control_file(stage, version, program):
    source = (ROOT / "debian/control").read_text()
    field = lambda name: re.search(rf"^{name}: (.*(?:\n .*)*)", source, re.M).group(1)
    size = sum(path.stat().st_size for path in stage.rglob("*") if path.is_file()) // 1024
    lines = {
        "Package": "weir", "Version": version, "Architecture": output("dpkg", "--print-architecture").strip(),
        "Maintainer": field("Maintainer"), "Installed-Size": size, "Depends": dependencies(program),
        "Section": field("Section"), "Priority": field("Priority"), "Description": field("Description"),
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items())


def stage_control(stage, version, program):
    sums = [f"{output('md5sum', path).split()[0]}  {path.relative_to(stage)}\n" for path in sorted(stage.rglob("*")) if path.is_file()]
    control = control_file(stage, version, program)
    put(stage, "/DEBIAN/control", control)
    put(stage, "/DEBIAN/md5sums", "".join(sums))
    put(stage, "/DEBIAN/conffiles", CONFFILE + "\n")
    for script in ("postinst", "prerm", "postrm"):
        put(stage, f"/DEBIAN/{script}", (PACKAGING / script).read_text(), 0o755)


def make(program):
    """The path of the finished package."""
    version, timestamp = changelog()
    built = output(program, "version").split()[1]
    if built != version:
        sys.exit(f"package: the program says it is {built}, debian/changelog says {version}")
    stage = ROOT / "build/package"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    stage.chmod(0o755)
    stripped = stage_program(stage, program)
    stage_files(stage, stripped)
    stage_control(stage, version, stripped)
    for folder in (path for path in stage.rglob("*") if path.is_dir()):
        folder.chmod(0o755)
    for old in (ROOT / "build").glob("weir_*.deb"):
        old.unlink()
    target = ROOT / f"build/weir_{version}_{output('dpkg', '--print-architecture').strip()}.deb"
    output("dpkg-deb", "--root-owner-group", "-Zxz", "--build", stage, target, env={**os.environ, "SOURCE_DATE_EPOCH": timestamp})
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/weir")
    print(make(parser.parse_args().program.resolve()).relative_to(ROOT))
