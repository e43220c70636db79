"""The constants of the sources that bound something, read out of the code: value, unit, reason and what happens when one is reached.
Used by tools/reference.py.

The law (docs/TESTING.md): a constant whose name says that it bounds something has, in the comment above it, "Chosen because" or
"Source:" and "Reached:", which names the error and the metric. A group of lines under one comment shares it.
"""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
NOT_PRODUCT = re.compile(r"_(test|fuzz|bench|contract|fixture|properties)$|^fake_|_test$")
CONSTANT = re.compile(r"^[ \t]*(?:inline\s+|static\s+)*constexpr\s+([\w:]+)\s+(k[A-Z]\w*)\s*(?:=\s*([^;]*?)|(\{[^;]*?\}));", re.M)
DESIGNATED = re.compile(r"\.(\w+)\s*=\s*([^,{}]+)")
OTHER_FORM = re.compile(r"^[ \t]*(?:(?:inline|static|constexpr|const)\s+)+[^;=(){}\n]*?\b(k[A-Z]\w*)(?:\[\w*\])?\s*(?:=|\{)", re.M)
# A number with its unit: `5s`, `250ms`.
LITERAL = re.compile(r"\b(\d[\d']*)(ns|us|ms|s|min|h)\b")
LITERAL_UNITS = {"ns": "nanoseconds", "us": "microseconds", "ms": "milliseconds", "s": "seconds", "min": "minutes", "h": "hours"}
MEMBER = re.compile(r"^  ([\w:]+) (\w+)(?: = ([^;]*)|\{([^;]*)\});", re.M)
BOUNDS = re.compile(r"Max|Limit|Timeout|Kept|Patience|Silence")
# Steps between tries, and bounds inside an algorithm that nothing from outside can reach.
BOUNDS_NOT = re.compile(r"Pause|LogRatio|Kind$|FirstNumber|DigitsMax|Default$")
# What is no number can bound nothing: marks of field tables, and words.
NO_BOUND = re.compile(r"^&|^\"")
SECONDS = {"nanoseconds": 1, "microseconds": 10**3, "milliseconds": 10**6, "seconds": 10**9, "minutes": 60 * 10**9, "hours": 3600 * 10**9,
           "days": 86400 * 10**9}  # in nanoseconds
SHORT = {long: short for short, long in LITERAL_UNITS.items()}
UNITS = {"nanoseconds": "ns", "microseconds": "µs", "milliseconds": "ms", "seconds": "s", "minutes": "min", "hours": "h", "days": "days",
         "tv_sec": "s", "tv_usec": "µs"}
AREAS = [("The API and what it stores", ("src/api/", "src/model/", "src/store/", "src/http/server", "src/base/")),
         ("Proxy", ("src/dataplane/", "src/http/h1", "src/balancing/")), ("Health checks", ("src/health/",)),
         ("Nodes and the stream", ("src/agent/", "src/net/")), ("Program, configuration and client", ("src/app/", "src/cli/", "src/http/client"))]


class Limit:
    def __init__(self, name, where, shown, comment):
        self.name, self.where, self.shown = name, where, shown
        self.reached = tagged(comment, "Reached:")
        self.reason = without_tags(comment, ("Reached:",))

    def faults(self):
        if not re.search(r"[Cc]hosen|Source\b", self.reason):
            yield f"{self.where}: {self.name} has no 'Chosen because' and no 'Source:'"
        if not self.reached:
            yield f"{self.where}: {self.name} has no 'Reached:' (what happens then, the error and the metric)"


def product_files():
    found = [path for path in sorted(SOURCE.rglob("*")) if path.suffix in (".h", ".cpp")
             and not NOT_PRODUCT.search(path.stem) and "testing" not in path.parts]
    if len(found) < 100:
        raise SystemExit(f"limits: only {len(found)} sources under {SOURCE}")
    return found


TAG = re.compile(r"\b(Units|Range|Errors|Thread|Owns|Cost|Source|See|Reached):")


def tagged(comment, tag):
    """What the comment says behind a tag, up to the next tag or reason."""
    start = comment.find(tag)
    if start < 0:
        return ""
    rest = comment[start + len(tag):]
    end = re.search(r"\s(?:(?:Units|Range|Errors|Thread|Owns|Cost|Source|See|Reached):|Chosen because)", rest)
    return " ".join(rest[:end.start() if end else None].split())


def without_tags(comment, tags):
    for tag in tags:
        said = re.search(re.escape(tag) + r".*?(?=\s(?:(?:Units|Range|Errors|Thread|Owns|Cost|Source|See|Reached):|Chosen because)|$)", comment)
        if said:
            comment = comment[:said.start()] + comment[said.end():]
    return " ".join(comment.split())


def comment_above(lines, at):
    """The comment over a line; over the first of a group of constants without lines between."""
    while at > 0 and re.match(r"\s*(?:inline\s+|static\s+)*constexpr\b|\s+[.\w].*[;,]$", lines[at - 1]) and lines[at - 1].strip():
        at -= 1
    found = []
    while at > 0 and lines[at - 1].strip().startswith("//"):
        at -= 1
        found.insert(0, lines[at].strip().lstrip("/").strip())
    return " ".join(found)


class Known:
    """Values by name: of the own file first, else of the one file that has the name."""
    def __init__(self):
        self.values = {}  # name -> {path: value}

    def add(self, name, path, value):
        self.values.setdefault(name, {})[path] = value

    def find(self, name, path):
        by_path = self.values.get(name, {})
        if path in by_path:
            return by_path[path]
        return next(iter(by_path.values())) if len(by_path) == 1 else None


def in_unit(kind, expression):
    """(kind, expression) with times as numbers of the unit of the constant's type; `auto` has the unit of the expression."""
    text = re.sub(r"std::chrono::(\w+)[({](\d[\d']*)[)}]", lambda one: f"{one.group(2)}{SHORT.get(one.group(1), '?')}", expression)
    units = [LITERAL_UNITS[one] for _, one in LITERAL.findall(text)]
    if not units:
        return kind, expression
    unit = kind.rsplit("::", 1)[-1] if kind != "auto" else units[0]
    if unit not in SECONDS:
        return kind, expression

    def value(one):
        return str(int(one.group(1).replace("'", "")) * SECONDS[LITERAL_UNITS[one.group(2)]] // SECONDS[unit])
    return f"std::chrono::{unit}", LITERAL.sub(value, text)


def number(expression, find):
    """The value of a constant expression of numbers, shifts and other constants, which `find` knows by name; nothing when it is something else."""
    text = re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", "", expression)
    text = re.sub(r"(?:std::)?(?:size_t|u?int\d+_t)\{([^{}]*)\}", r"(\1)", text)
    text = re.sub(r"(\w*Limits)\(\)\.(\w+)", r"\1::\2", text)

    def value(one):
        found = find(one.group(0).rsplit("::", 1)[-1]) if one.group(1) else find("::".join(one.group(0).split("::")[-2:]))
        return "?" if found is None else str(found)
    text = re.sub(r"(?<![\w'])(?:\w+::)*(?:(k[A-Z]\w*)|[a-z]\w*_\w+)\b", value, text)
    text = re.sub(r"(?<=[0-9a-fA-F])[uUlL]+\b", "", text)
    if not re.fullmatch(r"[\s0-9a-fA-Fx.()+\-*/<>]+", text):
        return None
    try:
        return eval(text.replace("/", "//") if "." not in text else text)  # only digits and operators are left
    except (SyntaxError, TypeError):
        return None


def grouped(value):
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else f"{value:g}"


def shown(kind, value, name, comment):
    unit = "ms" if name.endswith("_ms") else UNITS.get(kind.rsplit("::", 1)[-1])
    if unit in ("ms", "s") and value >= (1000 if unit == "ms" else 60):
        seconds = value / 1000 if unit == "ms" else value
        return f"{seconds:g} s" if seconds < 600 else f"{grouped(int(seconds))} s"
    if unit:
        return f"{grouped(value)} {unit}"
    if not (re.match(r"(Free )?[Bb]ytes\b", comment) or tagged(comment, "Units:").startswith("bytes") or "Bytes" in name):
        return grouped(value)
    for factor, word in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if value >= factor and value % factor == 0 and value < 1 << 50:
            return f"{value // factor} {word}"
    return f"{grouped(value)} bytes"


def bare(expression):
    text = expression.strip()
    return text[1:-1].strip() if text.startswith("{") else text


def declared(path):
    """(name, type, expression, comment, line) of the constants of a file and of the members of its ...Limits."""
    text = path.read_text()
    lines = text.splitlines()
    found = []
    for one in CONSTANT.finditer(text):
        start = text.count("\n", 0, one.start(1))
        name, comment, expression = one.group(2), comment_above(lines, start), one.group(3) or bare(one.group(4) or "")
        members = DESIGNATED.findall(expression)
        for member, value in members:
            if value.strip() != "0":
                found.append((f"{name}.{member}", f"{one.group(1)}::{member}", value, comment, start + 1))
        if not members:
            found.append((name, *in_unit(one.group(1), expression), comment, start + 1))
    for struct in re.finditer(r"^struct (\w*(?:Limits|Rules)) \{\n(.*?)^\};", text, re.M | re.S):
        of_all = comment_above(lines, text.count("\n", 0, struct.start()))
        for one in MEMBER.finditer(struct.group(2)):
            expression = one.group(3) or one.group(4) or ""
            if re.fullmatch(r"(?:\w+::)*k[A-Z]\w*", expression):
                continue  # it stands on the page as that constant
            line = text.count("\n", 0, struct.start(2) + one.start(1))
            beside = lines[line].partition("//")[2].strip()
            comment = comment_above(lines, line) or f"{beside[:1].upper() + beside[1:]}. {of_all}".strip(" .")
            comment = comment.replace("Source: as above", f"Source: {tagged(of_all, 'Source:').rstrip('.')}", 1)
            found.append((f"{struct.group(1)}::{one.group(2)}", *in_unit(one.group(1), expression), comment, line + 1))
    return with_sources(found)


def unread(path, names):
    """Bounds of a file that stand in a form which declared() does not read."""
    text = path.read_text()
    for one in OTHER_FORM.finditer(text):
        name = one.group(1)
        if BOUNDS.search(name) and not BOUNDS_NOT.search(name) and name not in names:
            yield f"{path.relative_to(ROOT).as_posix()}:{text.count(chr(10), 0, one.start(1)) + 1}: {name} has a form that cannot be read"


def with_sources(found):
    """"Source: as above" said in full, since the page has another order."""
    source = ""
    for name, kind, expression, comment, line in sorted(found, key=lambda one: one[4]):
        said = tagged(comment, "Source:")
        if said.startswith("as above"):
            comment = comment.replace("Source: as above", f"Source: {source}", 1)
        elif said:
            source = said.rstrip(".")
        yield name, kind, expression, comment, line


def all_declared():
    """Every constant with its value where it has one, resolved until nothing more comes."""
    found = [(path, *one) for path in product_files() for one in declared(path)]
    known = Known()
    for _ in range(4):
        for path, name, _, expression, _, _ in found:
            value = number(expression, lambda word, path=path: known.find(word, path))
            if value is not None:
                known.add(name, path, value)
    return found, known


def is_limit(name, comment):
    if BOUNDS_NOT.search(name):
        return False
    return "Limits::" in name or "Rules::" in name or "Reached:" in comment or bool(BOUNDS.search(name))


def shape(kind, comment, members):
    """(type, comment that says the unit) of a member of a struct, from the struct's own declaration where it is one of ours."""
    own = members.get("::".join(kind.split("::")[-2:]))
    return own if own else (kind, comment)


def collect():
    """([Limit], [what breaks the law])."""
    found, problems = [], []
    every, known = all_declared()
    members = {name: (kind, comment) for _, name, kind, _, comment, _ in every if "::" in name}
    for path, name, kind, expression, comment, line in every:
        if not is_limit(name, comment) or NO_BOUND.search(expression):
            continue
        where = path.relative_to(ROOT).as_posix()
        value = known.find(name, path)
        if value is None:
            problems.append(f"{where}:{line}: the value of {name} cannot be read: {' '.join(expression.split())}")
            continue
        kind, unit_comment = shape(kind, comment, members)
        limit = Limit(name, where, shown(kind, value, name, unit_comment), comment)
        problems += [fault.replace(where, f"{where}:{line}", 1) for fault in limit.faults()]
        found.append(limit)
    for path in product_files():
        problems += unread(path, {one[1].partition(".")[0] for one in every if one[0] == path})
    if len(found) < 20:
        problems.append(f"only {len(found)} limits were found: the sources have another form than tools/limits.py reads")
    return found, problems


def values():
    """The value of each limit by its name; None where several files have one of that name."""
    found = {}
    for limit in collect()[0]:
        found[limit.name] = None if limit.name in found else limit.shown
    return found


def area_of(limit):
    for title, folders in AREAS:
        if limit.where.startswith(folders):
            return title
    raise SystemExit(f"limits: no area of the page has {limit.where}")


def by_area(found):
    return [(title, members) for title, _ in AREAS if (members := [one for one in found if area_of(one) == title])]


if __name__ == "__main__":
    for one in collect()[1]:
        print(one)
