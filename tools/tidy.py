#!/usr/bin/env python3
"""The rules of the tree that no compiler checks, run as a test. Each message names the rule and where it is written.

Rules: include direction and self-consistency with CMake, third-party headers only in their one module, sizes with a ratchet
(tools/tidy_ratchet.txt), banned words, missing Errors:/Thread: lines, files in no CMake list and lists that name no file,
broken links in documents, folder cycles, large blobs, exposure of the systemd units.
"""
import collections
import pathlib
import re
import shutil
import subprocess
import sys

import package_check

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
FILE_LINES_MAX, TEST_LINES_MAX, LINE_COLUMNS_MAX = 600, 900, 100
FUNCTION_LINES_MAX = 70
WALK_FILE_LINES_MAX = 400
BLOB_BYTES_MAX = 200_000

# The one module that may include a third-party header (docs/dependencies.md).
THIRD_PARTY = {
    "nlohmann/": ["base"], "spdlog/": ["base"], "prometheus/": ["base"], "zlib.h": ["base"],
    "openssl/": ["base", "net", "http", "api", "testing"], "argon2.h": ["api"], "libmnl/": ["net"],
    "boost/": ["http"], "SQLiteCpp/": ["store"], "sqlite3.h": ["store"],
    "yaml-cpp/": ["app", "cli"], "CLI/": ["cli", "app"],
}
BANNED_NAMES = re.compile(r"\b(?:class|struct)\s+\w*(?:Impl|Manager|Helper|Util|Base|Info|Data)\b")
BANNED_WORDS = {
    "virtual server": re.compile(r"\bvirtual server\b(?! group)", re.I), "server pool": re.compile(r"\bserver pool\b", re.I),
    "backend pool": re.compile(r"\bbackend pool\b", re.I), "real server": re.compile(r"\breal server\b", re.I),
    "upstream server": re.compile(r"\bupstream server\b", re.I), "backend server": re.compile(r"\bbackend server\b", re.I),
    "pool member": re.compile(r"\bpool member\b", re.I), "floating IP": re.compile(r"\bfloating ip\b", re.I),
    "scaling group": re.compile(r"\bscaling group\b", re.I), "route table": re.compile(r"\broute table\b", re.I),
    "forwarding group": re.compile(r"\bforwarding group\b", re.I), "TODO": re.compile(r"\b(?:TODO|FIXME|XXX)\b"),
}
problems = []


def problem(path, line, text, rule):
    where = f"{path.relative_to(ROOT)}:{line}" if line else f"{path.relative_to(ROOT)}"
    problems.append(f"{where}: {text} [{rule}]")


def tracked():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def module_of(path):
    folder = path.relative_to(SOURCE).parent.as_posix()
    while folder != "." and not (SOURCE / folder / "CMakeLists.txt").exists():
        folder = pathlib.PurePosixPath(folder).parent.as_posix()
    return folder


def read_modules():
    """Folder -> {DEPS, files, tests} of its weir_module call."""
    modules = {}
    for cmake in SOURCE.rglob("CMakeLists.txt"):
        if cmake.parent == SOURCE:
            continue
        text = re.sub(r"#.*", "", cmake.read_text())
        call = re.search(r"weir_module\(\s*(\S+)(.*?)\)", text, re.S)
        if not call:
            problem(cmake, 0, "has no weir_module call", "layers: cmake/WeirModule.cmake")
            continue
        section, lists = None, collections.defaultdict(list)
        for word in call.group(2).split():
            if word in ("HEADERS", "SOURCES", "DEPS", "LIBS", "TESTS", "TEST_DEPS", "FUZZERS"):
                section = word
            else:
                lists[section].append(word)
        modules[call.group(1)] = lists
        for listed in (name for each in ("HEADERS", "SOURCES", "TESTS", "FUZZERS") for name in lists[each]):
            if not (cmake.parent / listed).exists():
                problem(cmake, 0, f"names {listed}, which does not exist: it would be left out in silence", "style 2.15")
        # Programs that a folder adds beside its module.
        for extra in re.finditer(r"add_(?:executable|library)\(\s*\S+\s+(.*?)\)", text, re.S):
            lists["SOURCES"] += extra.group(1).split()
    return modules


def is_test_file(path):
    """Tests, what only tests include, and programs that are not part of the product."""
    return path.stem.endswith(("_test", "_fuzz", "_bench", "_contract", "_fixture", "_properties")) or path.parent.name == "testing"


def check_includes(path, module, modules, text):
    is_test = is_test_file(path)
    own = modules.get(module, {})
    allowed = {module, *own.get("DEPS", [])}
    reachable = set(allowed)
    for dependency in list(allowed):
        reachable |= closure(dependency, modules)
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#include\s+(["<])([^">]+)[">]', line)
        if not found:
            continue
        header = found.group(2)
        if found.group(1) == '"':
            target = max((m for m in modules if header.startswith(m + "/")), key=len, default=None)
            if target is None:
                problem(path, number, f"includes {header}, which is in no module", "style: every include starts with its module")
            elif target == "testing" and not is_test:
                problem(path, number, "includes testing outside a test", "style 2.11")
            elif not is_test and target not in reachable:
                problem(path, number, f"'{module}' includes '{target}', which its CMakeLists.txt does not name", "layers: style 2.2")
            elif is_test and target not in reachable | set(own.get("TEST_DEPS", [])) | {"testing"} | closure("testing", modules):
                problem(path, number, f"test includes '{target}', which is in neither DEPS nor TEST_DEPS", "layers: style 2.2")
        for prefix, owners in THIRD_PARTY.items():
            if header.startswith(prefix) and module not in owners and not is_test:
                problem(path, number, f"{header} may be included only in {', '.join(owners)}", "docs/dependencies.md")


def closure(module, modules):
    seen, queue = set(), [module]
    while queue:
        for dependency in modules.get(queue.pop(), {}).get("DEPS", []):
            if dependency not in seen:
                seen.add(dependency)
                queue.append(dependency)
    return seen


def check_sizes(path, text, ratchet):
    lines = text.splitlines()
    name = path.relative_to(ROOT).as_posix()
    limit = TEST_LINES_MAX if path.stem.endswith(("_test", "_contract")) or "tests/" in name else FILE_LINES_MAX
    limit = max(limit, ratchet.get(name, 0))
    if len(lines) > limit:
        problem(path, 0, f"{len(lines)} lines, limit {limit}", "style 2.3")
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS_MAX and path.suffix in (".h", ".cpp") and not is_exempt_long_line(line, lines, number):
            problem(path, number, f"{len(line)} columns, limit {LINE_COLUMNS_MAX}", "style 2.3")
    for start, length, function in functions(lines):
        key = f"{name}:{function}"
        if length > max(FUNCTION_LINES_MAX, ratchet.get(key, 0)):
            problem(path, start, f"function {function} has {length} lines, limit {FUNCTION_LINES_MAX}", "style 2.3")


def is_exempt_long_line(line, lines, number):
    """Tables of one line per entry may be wide where clang-format is switched off."""
    before = "\n".join(lines[:number])
    return before.rfind("clang-format off") > before.rfind("clang-format on") or "#include" in line or 'R"' in line


def functions(lines):
    """(first line, length, name) of what clang-format leaves as a function body: opens with '{' at the end of a line that
    starts in column 0 or 2 and closes with '}' in the same column."""
    index = 0
    while index < len(lines):
        line = lines[index]
        opened = re.match(r"^(  )?(?!namespace|class|struct|enum|union|extern|\}|//|#|  )\S.*\)\s*(const|noexcept|override|final|\s|->\s*\S+|:.*)*\{$", line)
        if opened is None and re.match(r"^(  )?    \S.*\{$", line) and index and "(" in lines[index - 1]:
            opened = re.match(r"^(  )?", lines[index - 1])
        if opened is None:
            index += 1
            continue
        indent = opened.group(1) or ""
        end = index + 1
        while end < len(lines) and not lines[end].startswith(indent + "}"):
            end += 1
        header = lines[index - 1] + line if not re.search(r"\w+\(", line) else line
        name = re.search(r"([\w:~]+)\s*\(", header)
        yield index + 1, end - index + 1, name.group(1) if name else "?"
        index = end + 1


def check_words(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        for word, pattern in BANNED_WORDS.items():
            if pattern.search(line) and path.name not in ("tidy.py", "GLOSSARY.md"):
                problem(path, number, f"'{word}' is not our word", "docs/GLOSSARY.md")
        if path.suffix not in (".h", ".cpp"):
            continue
        code = line.split("//")[0]
        if BANNED_NAMES.search(code):
            problem(path, number, "a type may not end in Impl, Manager, Helper, Util, Base, Info or Data", "style 2.4")
        if re.search(r"shared_ptr<(?!const\b)", code) and "boost" not in text and "spdlog" not in text:
            problem(path, number, "shared_ptr to non-const", "style 2.7")
        if re.search(r"(?<![\w.])new\s+[A-Z]\w*[({]", code) and "unique_ptr" not in code:
            problem(path, number, "naked new", "style 2.7")
        if re.search(r"\bthrow\b", code):
            problem(path, number, "we throw nothing", "style 2.6")
        if re.search(r"\b(system|popen)\s*\(", code) and "std::" not in code:
            problem(path, number, "no shell between an API call and a packet", "design 3.16")
        if "std::cout" in code and module_of(path) not in ("cli", "app"):
            problem(path, number, "std::cout outside cli and app", "style 2.16")
        is_test = is_test_file(path)
        if is_test and re.search(r"sleep_for|sleep_until|usleep|\bsleep\(", code):
            problem(path, number, "a test never sleeps: move a VirtualClock or wait for the event", "style 2.11")
        if not is_test and re.search(r"\btesting\b", code):
            problem(path, number, "'testing' outside src/testing and tests", "style 4.2")


def check_docs_of_header(path, text):
    if path.suffix != ".h" or not text.startswith("//"):
        if path.suffix == ".h":
            problem(path, 1, "a header opens with what it is, what it is not, who calls it and its thread", "style 2.5")
        return
    if re.search(r"\bMutex\b \w+_;|EventLoop& ", text) and "Thread:" not in text:
        problem(path, 1, "a class with a mutex or a loop says Thread:", "style 2.5")
    if not is_test_file(path):
        check_errors_lines(path, text.splitlines())


def check_errors_lines(path, lines):
    """A public function that returns a Result says its Errors, or stands right below one that does, or says `as other()`."""
    is_private, says = False, False
    for number, line in enumerate(lines, 1):
        word = line.strip()
        if re.match(r"(class|struct) ", line) or word == "public:":
            is_private = False
        elif word == "private:":
            is_private = True
        if word == "" or word.startswith("//"):
            says = word != "" and (says or re.search(r"Errors?:|\b[Aa]s \w+\(\)", word) is not None)
            continue
        returns_result = re.match(r"(static |virtual |inline )*Result<(?!T)[^;]*\w\(", word) is not None
        is_override = "override" in " ".join(lines[number - 1:number + 2]).split(";")[0]
        if returns_result and not is_private and not says and not is_override:
            problem(path, number, "a public function that returns a Result says its Errors:", "style 2.5")


def check_links(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", line):
            if not (path.parent / link).exists() and not (ROOT / link.lstrip("/")).exists():
                problem(path, number, f"link to {link}, which does not exist", "style 2.16")
        for named in re.findall(r"`((?:src|docs|tools|tests|cmake|bpf|debian)/[\w./-]+\.\w+)`", line):
            if not (ROOT / named).exists():
                problem(path, number, f"names {named}, which does not exist", "style 2.16")


def check_walk():
    """The newcomer's walk: at most nine steps, each naming files under 400 lines."""
    page = ROOT / "ARCHITECTURE.md"
    walk = re.search(r"<!-- walk: create a backend service -->(.*?)<!-- end of walk -->", page.read_text(), re.S) if page.exists() else None
    if not walk:
        problem(ROOT / "ARCHITECTURE.md", 0, "has no walk 'create a backend service'", "style 3.1")
        return
    steps = re.findall(r"^\d+\. (.*?)(?=^\d+\. |\Z)", walk.group(1), re.S | re.M)
    if not 1 <= len(steps) <= 9:
        problem(page, 0, f"the walk has {len(steps)} steps, at most 9", "style 3")
    for step in steps:
        files = re.findall(r"`(src/[\w./-]+\.(?:h|cpp))`", step)
        if not files:
            problem(page, 0, f"step names no file: {step[:60]}", "style 3")
        for name in files:
            if (ROOT / name).exists() and len((ROOT / name).read_text().splitlines()) >= WALK_FILE_LINES_MAX:
                problem(page, 0, f"{name} has {WALK_FILE_LINES_MAX} lines or more", "style 3")


def check_cycles(modules):
    for module, lists in modules.items():
        if module in closure(module, modules):
            problem(SOURCE / module / "CMakeLists.txt", 0, "stands in a folder cycle", "style 2.2")


def check_exposure():
    """What the service manager says of the units' hardening, where it can be asked."""
    if shutil.which("systemd-analyze"):
        for name, told, is_good in package_check.exposures():
            if not is_good:
                problem(ROOT / "packaging", 0, f"{name}: {told}", "reliability guide 6: at most 2.0")


def main():
    modules = read_modules()
    ratchet_file = ROOT / "tools" / "tidy_ratchet.txt"
    ratchet = {}
    if ratchet_file.exists():
        for line in ratchet_file.read_text().splitlines():
            if line and not line.startswith("#"):
                name, size = line.rsplit(" ", 1)
                ratchet[name] = int(size)
    files = tracked()
    for path in files:
        name = path.relative_to(ROOT).as_posix()
        if path.stat().st_size > BLOB_BYTES_MAX:
            problem(path, 0, f"larger than {BLOB_BYTES_MAX} bytes", "style 2.16")
        if path.suffix not in (".h", ".cpp", ".py", ".md", ".cmake", ".txt") or "_corpus/" in name:
            continue
        text = path.read_text()
        check_words(path, text)
        if path.suffix == ".md":
            check_links(path, text)
        if path.suffix in (".h", ".cpp", ".py"):
            check_sizes(path, text, ratchet)
        if path.suffix in (".h", ".cpp") and name.startswith("src/"):
            module = module_of(path)
            check_includes(path, module, modules, text)
            check_docs_of_header(path, text)
            named = [n for section in ("HEADERS", "SOURCES", "TESTS", "FUZZERS") for n in modules.get(module, {}).get(section, [])]
            if path.relative_to(SOURCE / module).as_posix() not in named:
                problem(path, 0, f"stands in no list of src/{module}/CMakeLists.txt", "style 2.15")
    check_cycles(modules)
    check_walk()
    check_exposure()
    for line in problems:
        print(line)
    print(f"tidy: {len(files)} files, {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
