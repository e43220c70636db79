#!/usr/bin/env python3
"""Writes docs/reference from what the program says about itself (`weir schema`, --help) and, where it cannot say it, from the sources:
the constants that bound something (tools/limits.py) and the process that counts a metric. What is prose stands in tools/reference/*.md.in.

    tools/reference.py PROGRAM           writes the pages
    tools/reference.py --check PROGRAM   fails when one is stale, and names it
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

import limits
import manpage

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "tools/reference"
PAGES = ROOT / "docs/reference"
FORMAT = 1
MEND = "./dev reference"
# The folders and files whose code runs in which process; the longest beginning of a path decides.
PROCESSES = {"control": ("src/api", "src/store", "src/http/server", "src/app/control"), "node": ("src/agent", "src/health", "src/app/node"),
             "proxy": ("src/dataplane", "src/agent/proxy_role")}


class Broken(Exception):
    """A table has not the form this generator knows; a page made of it would be wrong or empty."""


def member(thing, name):
    if name not in thing:
        raise Broken(f"no '{name}' in {json.dumps(thing)[:120]}")
    return thing[name]


def some(thing, name):
    """A list that must have something in it."""
    found = member(thing, name)
    if not isinstance(found, list) or not found:
        raise Broken(f"'{name}' is empty or no list")
    return found


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ").strip()


def code(text):
    return f"`{text}`" if text != "" else ""


def table(heads, rows):
    rows = [[cell(one) for one in row] for row in rows]
    if not rows:
        raise Broken(f"a table without rows: {', '.join(heads)}")
    if any(len(row) != len(heads) for row in rows):
        raise Broken(f"a row that does not fit: {', '.join(heads)}")
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


# Fields -----------------------------------------------------------------------------------------------------------------------

def shown_type(field):
    kind = field.get("reference", "")
    name = f"id of {'an' if kind[0] in 'aeiou' else 'a'} {kind}" if kind else member(field, "type")
    return f"list of {name}" if field.get("isList") else name


def span(field):
    """What values are taken."""
    parts = []
    if "choices" in field:
        parts.append(", ".join(field["choices"]))
    if field.get("later"):
        parts.append("not supported yet: " + ", ".join(field["later"]))
    if "min" in field or "max" in field:
        parts.append(f"{field.get('min', '')}..{field.get('max', '')}")
    if "itemsMax" in field:
        parts.append(f"{field.get('itemsMin', 0)}..{field['itemsMax']} items")
    if "charactersMax" in field and not field.keys() & {"reference", "isNotSupportedYet"}:
        parts.append(f"up to {field['charactersMax']} characters" + (f", {field['text']}" if "text" in field else ""))
    return "; ".join(parts)


def default_of(field):
    if field.get("isRequired"):
        return "required"
    if "default" not in field or field["type"] == "object" and not field.get("isList"):
        return ""
    return code(json.dumps(field["default"], ensure_ascii=False))


def marks(field):
    """Who may set it and when."""
    words = [(("isImmutable",), "at creation only"), (("isOutput",), "made by control"), (("isUpdateOnly",), "by an update only"),
             (("isKept",), "a PUT that leaves it out keeps it"), (("isNativeOnly",), "not on /v1")]
    found = [text for names, text in words if any(field.get(name) for name in names)]
    if field.get("isNotSupportedYet"):
        found.insert(0, "**not supported yet**")
    if "onlyOn" in field:
        found.append("only on " + ", ".join(field["onlyOn"]))
    if "onlyWith" in field:
        found.append("only with " + ", ".join(field["onlyWith"]))
    return "; ".join(found)


def flat(fields, prefix=""):
    for field in fields:
        name = prefix + member(field, "name") + ("[]" if field.get("isList") and field["type"] == "object" else "")
        yield name, field
        yield from flat(field.get("fields", []), name + ".")


def fields_table(fields):
    return table(["Field", "Type", "Default", "Values", "May be set", "Meaning"],
                 [[code(name), shown_type(one), default_of(one), span(one), marks(one), member(one, "sentence")] for name, one in flat(fields)])


# Pages ------------------------------------------------------------------------------------------------------------------------

def kind_part(kind, common):
    name = member(kind, "name")
    also = f" On the command line also {', '.join(map(code, kind['aliases']))}." if kind.get("aliases") else ""
    text = f"## {name}\n\n{kind['sentence'][:1].upper() + kind['sentence'][1:]}.{also}\n\n"
    text += table(["Path", "Methods"], [[code(f"/weir/v1/{name}"), member(kind, "methods")],
                                        [code(f"/weir/v1/{name}/<id>"), member(kind, "methodsOfOne")]])
    text += "\n**spec**\n\n" + fields_table(some(kind, "spec"))
    if kind["admin"]:
        settable = [one for one in kind["admin"] if one.get("isSettable")]
        made = [one for one in kind["admin"] if not one.get("isSettable")]
        text += "\n**admin**, users may set\n\n" + fields_table(settable) if settable else ""
        text += "\n**admin**, made by control\n\n" + fields_table(made) if made else ""
    own = [one for one in some(kind, "status") if one not in common]
    return text + ("\n**status**\n\n" + status_table(own) if own else "") + "\n"


def status_table(fields):
    return table(["Field", "Type", "Meaning"], [[code(member(one, "name")), member(one, "type"), member(one, "sentence")] for one in fields])


def native_page(schema, _):
    kinds = some(schema, "kinds")
    common = [one for one in some(kinds[0], "status") if all(one in some(kind, "status") for kind in kinds)] if len(kinds) > 1 else []
    return {"kinds": "".join(kind_part(kind, common) for kind in kinds),
            "common_status": status_table(common) if common else "",
            "kind_list": table(["Kind", "Is", "Methods", "Belongs to"],
                               [[f"[{one['name']}](#{one['name']})", member(one, "sentence"),
                                 ", ".join(dict.fromkeys(f"{one['methods']}, {one['methodsOfOne']}".split(", "))),
                                 code(one.get("parentField", ""))] for one in kinds]),
            "people": "".join(person_part(one) for one in some(schema, "people")),
            "policy": table(["Call", "Least role", ""], [[member(one, "call"), member(one, "role"),
                                                          "of account `default` alone" if member(one, "isOfService") else ""] for one in some(schema, "policy")]),
            "errors": errors_table(schema)}


def person_part(kind):
    name = member(kind, "name")
    text = f"### {name}\n\n{kind['sentence'][:1].upper() + kind['sentence'][1:]}.\n\n"
    text += table(["Path", "Methods"], [[code(f"/weir/v1/{name}"), member(kind, "methods")],
                                        [code(f"/weir/v1/{name}/<id>"), member(kind, "methodsOfOne")]])
    text += "\n**spec**\n\n" + fields_table(some(kind, "spec"))
    return text + ("\n**admin**, made by control\n\n" + fields_table(kind["admin"]) if kind["admin"] else "") + "\n"


def errors_table(schema):
    return table(["HTTP status", "`status`", "In logs"], [[one["code"], code(one["status"]), one["name"]] for one in some(schema, "errors")])


def filters_text(filters):
    return ", ".join(code(one["name"]) + (" (a part is enough)" if one.get("isPartial") else "") for one in filters)


def only(field):
    """Where alone it fits: types of load balancers, and protocols."""
    return ", ".join(field.get("onlyOn", []) + field.get("onlyWith", []))


def v1_members(name, one, field):
    """The members of a parameter that is an object, which is taken as a whole."""
    for path, inner in flat(field.get("fields", []), name + "."):
        yield [code(path), one["create"], one["update"], default_of(inner), span(inner), only(inner), member(inner, "sentence")]


def v1_parameter_rows(schema, collection):
    spec = {one["name"]: one for kind in schema["kinds"] if kind["name"] == collection["kind"] for one in kind["spec"]}
    for one in some(collection, "parameters"):
        if "field" in one and one["field"] not in spec:
            raise Broken(f"{collection['name']}: {one['name']} is made of '{one['field']}', which {collection['kind']} does not have")
        field = spec.get(one.get("field"), {})
        native = f" (natively `{field['name']}`)" if field and field["name"] != one["name"] else ""
        yield [code(one["name"]), one["create"], one["update"], default_of({"type": "", **one}), span(field), only(field), one["sentence"] + native]
        yield from v1_members(one["name"], one, field)


def v1_page(schema, _):
    face = member(schema, "v1")
    operations = some(face, "operations")
    text = ""
    for one in some(face, "collections"):
        text += f"### {one['name']}\n\nFilters of the list: {filters_text(some(one, 'filters'))}.\n\n"
        if "parameters" in one:
            text += table(["Parameter", "Create", "Update", "Default", "Values", "Only", "Meaning"], v1_parameter_rows(schema, one)) + "\n"
        for operation in operations:
            own = operation["path"].startswith("/" + one["name"]) and "parameters" in operation
            if own:
                text += f"`{operation['action']}`\n\n" + table(["Parameter", "Effect", "Meaning"],
                                                             [[code(p["name"]), p["effect"], p["sentence"]] for p in operation["parameters"]]) + "\n"
    known = table(["Action", "Method", "Path", "Least role", "Effect"],
                  [[one["action"], one["method"], code(one["path"]), member(one, "role"), one.get("effect", "")] for one in operations])
    return {"operations": known, "parameters": text, "target_filters": filters_text(some(face, "targetFilters")), "errors": errors_table(schema)}


def options_table(text):
    return table(["Flag", "Meaning"], [[code(name), sentence] for name, sentence in manpage.own_options(text)])


def command_text(program, *words):
    text = manpage.help_of(program, *words)
    usage = re.search(r"^[Uu]sage: (.*)$", text, re.M)
    if not usage:
        raise Broken(f"weir {' '.join(words)} --help shows no usage")
    part = f"```\n{usage.group(1)}\n```\n"
    return part + ("\n" + options_table(text) if manpage.own_options(text) else "") + "\n"


def cli_page(_, program):
    overview = manpage.help_of(program)
    service, client = manpage.entries(overview, "service"), manpage.entries(overview, "client")
    if not service or not client:
        raise Broken("weir --help names no commands")
    text = "".join(f"## weir {word}\n\n{sentence[:1].upper() + sentence[1:]}.\n\n{command_text(program, word)}" for word, sentence in service
                   if word not in ("version",))
    for verb, sentence in client:
        text += f"## weir {verb}\n\n{sentence[:1].upper() + sentence[1:]}.\n\n"
        kinds = manpage.kinds(program, verb)
        for kind, meaning in kinds.items():
            text += f"### weir {verb} {kind}\n\n{meaning[:1].upper() + meaning[1:]}.\n\n" + command_text(program, verb, kind)
        if not kinds or manpage.own_options(manpage.help_of(program, verb)):
            text += command_text(program, verb)
    common = [one for one in manpage.entries(manpage.help_of(program, "get", "lb"), "Options") if one[0].startswith(manpage.COMMON)]
    return {"overview": table(["Command", "Does"], [[f"[{word}](#weir-{word})" if word != "version" else word, sentence] for word, sentence in service + client]),
            "commands": text, "common": table(["Flag", "Meaning"], [[code(name), sentence] for name, sentence in common]),
            "exit_statuses": table(["Status", "Means"], manpage.exit_statuses())}


def process_at(path):
    """The process that the code of a file runs in; None where it may be any."""
    fitting = [(len(folder), process) for process, folders in PROCESSES.items() for folder in folders if path.startswith(folder)]
    return max(fitting)[1] if fitting else None


def process_of(constant, sources):
    word = re.compile(rf"\bMetric::{constant}\b")
    users = {path for path, text in sources.items() if word.search(text)}
    if not users:
        raise Broken(f"no code counts {constant}")
    found = {process_at(path) for path in users} - {None}
    if not found:
        raise Broken(f"no process is known to count {constant}: {', '.join(sorted(users))}")
    # What the proxy counts the node's agent only reads and passes on.
    if "proxy" in found and not any(path.startswith("src/app/node") for path in users):
        found = {"proxy"}
    return [process for process in PROCESSES if process in found]


def shown_processes(found):
    return ", ".join("proxy (shown by the node)" if one == "proxy" else one for one in found)


def metrics_page(schema, _):
    sources = {path.relative_to(ROOT).as_posix(): path.read_text() for path in limits.product_files()}
    rows = [[code(member(one, "name")), one["type"], ", ".join(map(code, one["labels"])), shown_processes(process_of(one["constant"], sources)), one["help"]]
            for one in some(schema, "metrics")]
    return {"metrics": table(["Metric", "Type", "Labels", "Counted by", "Meaning"], rows), "failures": failures_table(), "parse_errors": parse_errors_table()}


def source_rows(path, pattern, least):
    """The rows of a table of the sources, which has at least so many."""
    rows = re.findall(pattern, (ROOT / path).read_text())
    if len(rows) < least:
        raise Broken(f"{path} has {len(rows)} rows of the form that is known, at least {least} were expected")
    return rows


SIDES = {"Client": "client", "Upstream": "target", "Self": "Weir"}


def failures_table():
    found = source_rows("src/dataplane/proxy/failure.h", r'X\(k\w+, "(\w+)", (\d+), k(\w+)\)[ ]*(?:/\* (.*?) \*/)?', 15)
    return table(["Reason", "Answered", "Lies with", "Meaning"],
                 [[code(name), status if status != "0" else "", SIDES[side], meaning.rstrip("\\ ")] for name, status, side, meaning in found])


def parse_errors_table():
    found = source_rows("src/http/h1_error.h", r'X\(k\w+, "(\w+)", (\d+)\)', 30)
    of_requests = [[code(name), status] for name, status in found if status not in ("200", "502")]  # none, and what only responses have
    return table(["Reason", "Answered"], of_requests)


def setting_row(one):
    roles = [role for name, role in (("isOfControl", "control"), ("isOfNode", "node")) if member(one, name)]
    flag = one["flag"] + (" (may be repeated)" if one["isList"] else "")
    return [code(one["key"]), code(one["environment"]), flag.replace(one["flag"], code(one["flag"])), ", ".join(roles),
            one["default"] if " " in one["default"] and not one["isList"] else code(one["default"]), one["sentence"] + (" (a list)" if one["isList"] else "")]


def quota_cells(one):
    """lb/alb counts in one column only."""
    only = one["key"].partition("lb/")[2]
    return [one[type_] if only in ("", type_) else "" for type_ in ("alb", "nlb", "dnlb")]


def configuration_page(schema, _):
    rows = [setting_row(one) for one in some(schema, "settings")]
    quotas = [[code("quotas." + one["key"]), one["of"], *quota_cells(one)] for one in some(schema, "quotas")]
    return {"settings": table(["Key", "Environment", "Flag", "Of", "Default", "Meaning"], rows),
            "quotas": table(["Key", "Counted in one", "alb", "nlb", "dnlb"], quotas),
            "example": (ROOT / "examples/weir.yaml").read_text()}


def limits_page(_, __):
    found, problems = limits.collect()
    if problems:
        raise Broken("\n  ".join(["constants that the style law forbids:", *problems]))
    parts = {}
    for title, members in limits.by_area(found):
        rows = [[code(one.name), one.shown, one.reason, one.reached, code(one.where)] for one in members]
        parts[title] = f"## {title}\n\n" + table(["Constant", "Value", "Is, and why", "When it is reached", "In"], rows)
    return {"limits": "\n".join(parts.values())}


MAKERS = {"native-api": native_page, "v1-api": v1_page, "cli": cli_page, "metrics": metrics_page, "limits": limits_page,
          "configuration": configuration_page}


def filled(name, parts):
    """The template with its {{parts}} and {{limit kConstant}}; a part that is not used, or not made, is a mistake."""
    text = (TEMPLATES / f"{name}.md.in").read_text()
    values = limits.values()

    def one(found):
        word, _, argument = found.group(1).partition(" ")
        if word == "limit":
            if argument not in values:
                raise Broken(f"{name}.md.in names {argument}, which is no limit")
            if values[argument] is None:
                raise Broken(f"{name}.md.in names {argument}, which several files have")
            return values[argument]
        if word not in parts:
            raise Broken(f"{name}.md.in wants {{{{{word}}}}}, which nothing makes")
        return parts[word]

    for part in parts:
        if "{{" + part + "}}" not in text:
            raise Broken(f"{name}.md.in does not show {{{{{part}}}}}")
    head = f"<!-- Made by tools/reference.py of the program and its tables; change those, or tools/reference/{name}.md.in, then run `{MEND}`. -->\n\n"
    made = head + re.sub(r"\{\{([^}]*)\}\}", one, text)
    if re.search(r"\n\n\n", made):
        made = re.sub(r"\n{3,}", "\n\n", made)
    return made.rstrip("\n") + "\n"


def schema_of(program):
    if not pathlib.Path(program).exists():
        raise Broken(f"{program} is not there: build it first")
    done = subprocess.run([str(program), "schema"], capture_output=True, text=True)
    if done.returncode:
        raise Broken(f"weir schema ends with {done.returncode}: {done.stderr}")
    schema = json.loads(done.stdout)
    if schema.get("format") != FORMAT:
        raise Broken(f"weir schema has format {schema.get('format')}, this generator knows {FORMAT}")
    return schema


def pages(program):
    schema = schema_of(program)
    return {name: filled(name, maker(schema, program)) for name, maker in MAKERS.items()}


def stale(made, folder):
    """What in the folder is not as it was made."""
    found = []
    for name, text in made.items():
        page = folder / f"{name}.md"
        if not page.exists() or page.read_text() != text:
            found.append(page)
    return found + [page for page in sorted(folder.glob("*.md")) if page.stem not in made]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("program", type=pathlib.Path)
    options = parser.parse_args()
    try:
        made = pages(options.program.resolve())
    except Broken as broken:
        sys.exit(f"reference: {broken}")
    if options.check:
        old = stale(made, PAGES)
        for page in old:
            print(f"reference: {page.relative_to(ROOT)} is stale; mend it with {MEND}")
        sys.exit(1 if old else 0)
    PAGES.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (PAGES / f"{name}.md").write_text(text)
    print(f"{len(made)} pages in {PAGES.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
