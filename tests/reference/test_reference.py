"""The generator of docs/reference fails loudly when a table has another form than it knows, and never makes an empty page."""
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import limits  # noqa: E402
import manpage  # noqa: E402
import reference  # noqa: E402

FIELD = {"name": "port", "type": "integer", "sentence": "where it listens", "min": 1, "max": 65535, "isRequired": True, "isImmutable": True}
KIND = {"name": "listener", "sentence": "accepts traffic", "aliases": ["listeners"], "methods": "GET, POST", "methodsOfOne": "GET, DELETE",
        "spec": [FIELD], "admin": [], "status": [{"name": "state", "type": "string", "sentence": "how it is"}]}
PERSON = {"name": "user", "sentence": "somebody", "methods": "GET, POST", "methodsOfOne": "GET", "spec": [FIELD], "admin": []}
PEOPLE = {"people": [PERSON], "policy": [{"call": "version", "role": "viewer", "isOfService": False}]}
ERRORS = [{"name": "not_found", "code": 404, "status": "NOT_FOUND"}]


def broken(why):
    return pytest.raises(reference.Broken, match=why)


def test_a_field_says_type_range_default_and_when_it_may_be_set():
    page = reference.native_page({"kinds": [KIND], "errors": ERRORS, **PEOPLE}, None)["kinds"]
    assert "| `port` | integer | required | 1..65535 | at creation only | where it listens |" in page
    assert "| `/weir/v1/listener/<id>` | GET, DELETE |" in page


def test_fields_of_fields_have_the_whole_path():
    outer = {"name": "checks", "type": "object", "isList": True, "sentence": "how", "itemsMax": 3, "fields": [FIELD]}
    assert [name for name, _ in reference.flat([outer])] == ["checks[]", "checks[].port"]


def v1_rows(parameter, field):
    kinds = [{**KIND, "spec": [FIELD, field]}]
    return list(reference.v1_parameter_rows({"kinds": kinds}, {"name": "listeners", "kind": "listener", "parameters": [parameter]}))


PARAMETER = {"name": "checkSpec", "sentence": "how", "create": "takes effect", "update": "ignored", "field": "check"}


def test_a_parameter_of_v1_has_its_default_its_native_name_where_it_fits_and_its_members():
    field = {"name": "check", "type": "object", "sentence": "how", "onlyOn": ["alb"], "onlyWith": ["Http"], "fields": [FIELD]}
    assert v1_rows({**PARAMETER, "default": "own"}, field) == [
        ["`checkSpec`", "takes effect", "ignored", '`"own"`', "", "alb, Http", "how (natively `check`)"],
        ["`checkSpec.port`", "takes effect", "ignored", "required", "1..65535", "", "where it listens"]]


def test_a_parameter_of_v1_that_no_field_carries_is_refused():
    with broken("made of 'check', which listener does not have"):
        v1_rows(PARAMETER, FIELD)


@pytest.mark.parametrize("part", ["spec", "status"])
def test_a_kind_without_fields_is_refused(part):
    with broken(f"'{part}' is empty"):
        reference.native_page({"kinds": [{**KIND, part: []}], "errors": ERRORS, **PEOPLE}, None)


def test_a_member_that_has_another_name_is_refused():
    renamed = {key: value for key, value in FIELD.items() if key != "sentence"}
    with broken("no 'sentence'"):
        reference.native_page({"kinds": [{**KIND, "spec": [renamed]}], "errors": ERRORS, **PEOPLE}, None)


@pytest.mark.parametrize("maker", ["native-api", "v1-api", "metrics", "configuration"])
def test_no_page_is_made_of_an_empty_schema(maker):
    with broken("no '|is empty"):
        reference.MAKERS[maker]({}, None)


def test_a_table_needs_rows_that_fit():
    with broken("without rows"):
        reference.table(["A", "B"], [])
    with broken("does not fit"):
        reference.table(["A", "B"], [["only one"]])


def test_a_metric_that_no_code_counts_is_refused():
    with broken("no code counts kNobody"):
        reference.process_of("kNobody", {"src/api/x.cpp": "Metric::kNobodyElse"})


@pytest.mark.parametrize("paths,processes", [
    (["src/api/x.cpp"], ["control"]), (["src/app/node.cpp", "src/app/control.cpp"], ["control", "node"]),
    (["src/agent/stats.cpp", "src/dataplane/x.cpp"], ["proxy"]), (["src/health/x.cpp", "src/net/x.cpp"], ["node"]),
    (["src/agent/proxy_role.cpp", "src/app/node.cpp", "src/app/control.cpp"], ["control", "node", "proxy"])])
def test_the_processes_that_count_a_metric_are_those_that_run_its_code(paths, processes):
    assert reference.process_of("kSome", {path: "Metric::kSome" for path in paths}) == processes


def test_a_metric_that_no_known_process_counts_is_refused():
    with broken("no process is known to count kSome: src/base/x.cpp"):
        reference.process_of("kSome", {"src/base/x.cpp": "Metric::kSome"})


def test_a_program_that_prints_another_format_or_none_is_refused(tmp_path):
    for text, why in (('{"format": 2}', "has format 2"), ("{}", "has format None")):
        program = tmp_path / "weir"
        program.write_text(f"#!/bin/sh\necho '{text}'\n")
        program.chmod(0o755)
        with broken(why):
            reference.schema_of(program)


def test_a_table_of_the_sources_that_has_lost_its_rows_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    (tmp_path / "x.h").write_text('  X(kOne, "one", 400)\n')
    with broken("x.h has 1 rows"):
        reference.source_rows("x.h", r'X\(k\w+, "(\w+)", (\d+)\)', 2)


def test_help_without_commands_is_refused(tmp_path):
    program = tmp_path / "weir"
    program.write_text("#!/bin/sh\necho 'Weir, a service'\n")
    program.chmod(0o755)
    with broken("names no commands"):
        reference.cli_page({}, program)


def test_a_template_and_its_parts_fit_both_ways(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "TEMPLATES", tmp_path)
    (tmp_path / "metrics.md.in").write_text("# Metrics\n\n{{metrics}}\n{{others}}\n")
    with broken("nothing makes"):
        reference.filled("metrics", {"metrics": "x"})
    with broken("does not show"):
        reference.filled("metrics", {"metrics": "x", "others": "y", "more": "z"})
    assert reference.filled("metrics", {"metrics": "x", "others": "y"}).startswith("<!-- Made by tools/reference.py")


def test_a_template_may_name_limits_by_their_constant(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "TEMPLATES", tmp_path)
    monkeypatch.setattr(limits, "values", lambda: {"kThingsMax": "12"})
    (tmp_path / "x.md.in").write_text("at most {{limit kThingsMax}}")
    assert reference.filled("x", {}).endswith("at most 12\n")
    monkeypatch.setattr(limits, "values", lambda: {"kThingsMax": None})
    with broken("kThingsMax, which several files have"):
        reference.filled("x", {})
    (tmp_path / "x.md.in").write_text("at most {{limit kGone}}")
    with broken("kGone, which is no limit"):
        reference.filled("x", {})


def test_changed_missing_and_left_over_pages_are_stale(tmp_path):
    (tmp_path / "cli.md").write_text("old")
    (tmp_path / "gone.md").write_text("of a page that is not made any more")
    (tmp_path / "limits.md").write_text("new")
    found = reference.stale({"cli": "new", "limits": "new", "metrics": "new"}, tmp_path)
    assert [page.name for page in found] == ["cli.md", "metrics.md", "gone.md"]


def scanned(tmp_path, monkeypatch, text):
    source = tmp_path / "src" / "x.h"
    source.parent.mkdir(exist_ok=True)
    source.write_text(text)
    monkeypatch.setattr(limits, "ROOT", tmp_path)
    monkeypatch.setattr(limits, "product_files", lambda: [source])
    return limits.collect()


def test_a_limit_has_value_unit_reason_and_what_happens(tmp_path, monkeypatch):
    found, _ = scanned(tmp_path, monkeypatch, "/// Bytes of a thing. Chosen because few are larger. Reached: 413,\n"
                                              "/// weir_x_total.\ninline constexpr std::size_t kThingMax = std::size_t{2} << 20;\n")
    assert [(one.name, one.shown, one.reason, one.reached) for one in found] == [
        ("kThingMax", "2 MiB", "Bytes of a thing. Chosen because few are larger.", "413, weir_x_total.")]


@pytest.mark.parametrize("comment,why", [("/// Things. Reached: 400.", "no 'Chosen because'"), ("/// Things. Chosen because so.", "no 'Reached:'")])
def test_a_limit_without_its_comment_breaks_the_law_and_is_named(tmp_path, monkeypatch, comment, why):
    _, problems = scanned(tmp_path, monkeypatch, f"{comment}\nconstexpr int kThingsMax = 5;\n")
    assert any(one.startswith("src/x.h:2: kThingsMax has " + why) for one in problems)


WHY = "/// Chosen because so. Reached: 400.\n"


def shown_of(found):
    return {one.name: one.shown for one in found}


def test_the_members_of_every_struct_of_limits_and_of_one_made_in_place_are_limits(tmp_path, monkeypatch):
    found, problems = scanned(tmp_path, monkeypatch, f"""{WHY}struct Limits {{
  int things = kThingsMax;
  /// Bytes. Source: this. Reached: 413.
  int size_max = 1024;
}};
{WHY}constexpr Limits kSmallLimits{{
    .things = 3, .size_max = 1 << 20}};
{WHY}constexpr timeval kWaitLimit{{.tv_sec = 2, .tv_usec = 0}};
{WHY}constexpr int kThingsMax = 5;
""")
    assert len(problems) == 1  # too few limits
    assert shown_of(found) == {"Limits::size_max": "1 KiB", "kSmallLimits.things": "3", "kSmallLimits.size_max": "1 MiB", "kWaitLimit.tv_sec": "2 s",
                               "kThingsMax": "5"}


@pytest.mark.parametrize("text,name", [
    ("constexpr int kThingsMax = sizeof(Thing);", "kThingsMax"), ("const int kThingsMax = 5;", "kThingsMax"),
    ("constexpr Span<int> kThingsMax[] = {1};", "kThingsMax"), ("constexpr Limits kLimits{.size_max = count()};", "kLimits.size_max")])
def test_a_bound_whose_value_cannot_be_read_is_named(tmp_path, monkeypatch, text, name):
    _, problems = scanned(tmp_path, monkeypatch, WHY + text + "\n")
    assert any(name in one and "cannot be read" in one for one in problems)


@pytest.mark.parametrize("text,value", [
    ("constexpr auto kFooMax = 5s;", "5 s"), ("constexpr int kFooMax_ms = 5'000;", "5 s"), ("constexpr auto kFooMax = std::chrono::minutes(2);", "2 min"),
    ("constexpr std::chrono::milliseconds kFooMax = 5s;", "5 s"), ("constexpr std::chrono::seconds kFooMax{std::chrono::minutes(20)};", "1 200 s")])
def test_times_have_the_unit_of_the_constant_and_need_their_comment(tmp_path, monkeypatch, text, value):
    assert shown_of(scanned(tmp_path, monkeypatch, WHY + text + "\n")[0]) == {re.search(r"kFoo\w+", text).group(0): value}
    assert any("has no 'Reached:'" in one for one in scanned(tmp_path, monkeypatch, text + "\n")[1])


def test_a_name_that_several_files_have_means_that_of_the_own_file_and_none_elsewhere(tmp_path, monkeypatch):
    sources = {name: tmp_path / f"{name}.h" for name in ("one", "other", "third")}
    sources["one"].write_text(WHY + "constexpr int kNodesMax = 5;\n" + WHY + "constexpr int kTwiceMax = 2 * kNodesMax;\n")
    sources["other"].write_text(WHY + "constexpr int kNodesMax = 9;\n")
    sources["third"].write_text(WHY + "constexpr int kThirdMax = kNodesMax;\n")
    monkeypatch.setattr(limits, "ROOT", tmp_path)
    monkeypatch.setattr(limits, "product_files", lambda: list(sources.values()))
    found, problems = limits.collect()
    assert shown_of(found)["kTwiceMax"] == "10"
    assert limits.values()["kNodesMax"] is None
    assert any("the value of kThirdMax cannot be read" in one for one in problems)


def test_when_hardly_any_limit_is_found_the_form_has_changed(tmp_path, monkeypatch):
    _, problems = scanned(tmp_path, monkeypatch, "#define THINGS_MAX 5\n")
    assert any("another form" in one for one in problems)


def test_the_limits_of_the_tree_keep_the_law():
    assert limits.collect()[1] == []


@pytest.mark.parametrize("expression,value", [("1'000", 1000), ("1 << 20", 1 << 20), ("std::size_t{64} << 10", 65536), ("0x7fff'ffff", 0x7fffffff),
                                              ("http::kHead + 1024", 2048), ("0.2", 0.2), ("sizeof(Thing)", None), ("0600", None), ("http::ServerLimits().body_max / 2", 3),
                                              ("kGone + 1", None)])
def test_values_are_numbers_shifts_and_other_constants(expression, value):
    assert limits.number(expression, {"kHead": 1024, "ServerLimits::body_max": 7}.get) == value


def test_the_table_of_exit_statuses_has_all_that_the_program_ends_with():
    known = re.findall(r"kExit\w+ = (\d+),", (ROOT / "src/cli/exit_status.h").read_text())
    assert len(known) > 5 and sorted(known) == sorted(status for status, _ in manpage.exit_statuses())


def test_the_blocks_of_a_help_text_are_read_with_continued_lines():
    text = "Options:\n  --one TEXT                  the first\n  --two TEXT\n                              the second\n\nOther:\n  --three  no\n"
    assert manpage.entries(text, "Options") == [("--one TEXT", "the first"), ("--two TEXT", "the second")]
