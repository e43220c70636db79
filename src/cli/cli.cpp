#include "cli/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <iostream>

#include "cli/audit.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/declarative.h"
#include "cli/events.h"
#include "cli/exit_status.h"
#include "cli/explain.h"
#include "cli/password.h"
#include "cli/wait.h"
#include "model/people.h"

namespace weir::cli {
namespace {

using Command = int (*)(ApiClient&, const Invocation&);

/// What the parser fills in while it reads one command.
struct Words {
  Access access;
  Invocation invocation;
  std::string form = "table";
  std::vector<std::string> labels;
  Command command = nullptr;
  std::string completion_shell;
  std::deque<std::pair<FieldFlag, std::vector<std::string>>>
      values;  // one per flag that was declared
};

void add_common(CLI::App& app, Words& words) {
  app.add_option("--endpoint", words.access.endpoint,
                 "where the API is (else WEIR_ENDPOINT, else the credentials file)");
  app.add_option("--token", words.access.token,
                 "bearer token (else WEIR_TOKEN, else the credentials file)");
  app.add_option("--credentials", words.access.credentials,
                 "credentials file (default: the data directory's credentials.json)");
  app.add_option("--ca", words.access.ca,
                 "certificates (PEM) of the issuers that an https endpoint is believed by (else "
                 "WEIR_CA, else those that this system trusts)");
}

void add_form(CLI::App& app, Words& words) {
  app.add_option("-o,--output", words.form, "table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}));
  add_common(app, words);
}

void add_flags(CLI::App& app, Words& words, const model::KindDescription& kind, FlagUse use) {
  for (FieldFlag& flag : field_flags(kind, use)) {
    auto& [declared, texts] =
        words.values.emplace_back(std::move(flag), std::vector<std::string>());
    const std::string names =
        "--" + declared.name + (declared.alias.empty() ? "" : ",--" + declared.alias);
    std::string sentence = declared.sentence;
    if (!declared.choices.empty()) {
      sentence += " (";
      for (const std::string& choice : declared.choices)
        sentence += (sentence.ends_with('(') ? "" : ", ") + choice;
      sentence += ")";
    }
    auto* option = app.add_option(names, texts, sentence)->expected(1);
    option->type_name(declared.reference           ? "ID|NAME"
                      : declared.type == "integer" ? "N"
                      : declared.type == "boolean" ? "true|false"
                                                   : "TEXT");
  }
}

void add_labels(CLI::App& app, Words& words, const std::string& names) {
  app.add_option(names, words.labels, "KEY=VALUE, may be repeated")
      ->expected(1)
      ->take_all()
      ->type_name("KEY=VALUE");
}

/// A subcommand of `verb` for one kind, known by all its words.
CLI::App* add_kind(CLI::App& verb, Words& words, const model::KindDescription& kind,
                   Command command) {
  CLI::App* app = verb.add_subcommand(std::string(kind.word), std::string(kind.sentence));
  for (const std::string_view alias : kind.aliases) app->alias(std::string(alias));
  app->ignore_case();
  app->callback([&words, &kind, command] {
    words.invocation.kind = &kind;
    words.command = command;
  });
  return app;
}

void add_get(CLI::App& app, Words& words) {
  CLI::App* verb = app.add_subcommand("get", "show resources")->require_subcommand(1);
  for (const model::KindDescription& kind : described_kinds()) {
    CLI::App* one = add_kind(*verb, words, kind, get_resources);
    one->add_option("name", words.invocation.names, "ids or names; none: all");
    one->add_flag("-w,--watch", words.invocation.is_watch, "goes on showing changes");
    add_labels(*one, words, "-l,--label");
    add_flags(*one, words, kind, FlagUse::kFilter);
    add_form(*one, words);
  }
}

void add_create(CLI::App& app, Words& words) {
  CLI::App* verb = app.add_subcommand("create", "make a resource")->require_subcommand(1);
  for (const model::KindDescription& kind : described_kinds()) {
    if (!kind.is_user_made) continue;
    CLI::App* one = add_kind(*verb, words, kind, create_resource);
    if (model::has_names(kind))
      one->add_option("name", words.invocation.names, "its name")->expected(1)->required();
    if (kind.kind == model::Kind::kInstance) {
      one->add_option("--count", words.invocation.batch,
                      "registers so many: [008] in the name is counted up, the address too");
    }
    add_labels(*one, words, "--label");
    add_flags(*one, words, kind, FlagUse::kCreate);
    add_form(*one, words);
  }
}

void add_update(CLI::App& app, Words& words) {
  CLI::App* verb = app.add_subcommand("update", "change a resource; what is not named stays")
                       ->require_subcommand(1);
  for (const model::KindDescription& kind : described_kinds()) {
    // What has nothing to change is made anew instead.
    if (!kind.is_user_made || field_flags(kind, FlagUse::kUpdate).empty()) continue;
    CLI::App* one = add_kind(*verb, words, kind, update_resource);
    one->add_option("name", words.invocation.names,
                    "its id or name, and a new name if it shall have one")
        ->expected(1, 2)
        ->required();
    one->add_option("--if-match", words.invocation.if_match,
                    "only when its revision is still this one");
    add_labels(*one, words, "--label");
    add_flags(*one, words, kind, FlagUse::kUpdate);
    add_form(*one, words);
  }
}

void add_delete(CLI::App& app, Words& words) {
  CLI::App* verb = app.add_subcommand("delete", "delete resources")->require_subcommand(1);
  for (const model::KindDescription& kind : described_kinds()) {
    if (!kind.is_user_made && kind.kind != model::Kind::kNode) continue;
    CLI::App* one = add_kind(*verb, words, kind, delete_resources);
    one->add_option("name", words.invocation.names, "ids or names")->required();
    one->add_option("--if-match", words.invocation.if_match,
                    "only when its revision is still this one");
    if (kind.kind == model::Kind::kLoadBalancer) {
      one->add_flag("--cascade", words.invocation.is_cascade,
                    "with everything below it, in one step");
    }
    add_common(*one, words);
  }
}

void add_explain(CLI::App& app, Words& words) {
  CLI::App* explain =
      app.add_subcommand("explain", "show which target a client of a listener reaches, and why");
  explain->add_option("listener", words.invocation.names, "id or name of the listener")
      ->expected(1)
      ->required();
  explain->add_option("--client", words.invocation.clients, "who asks; may be repeated")
      ->expected(1)
      ->take_all()
      ->required()
      ->type_name("IP[:PORT]");
  explain->add_option("--node", words.invocation.node, "asks this node alone")->type_name("ID");
  add_form(*explain, words);
  explain->callback([&words] { words.command = explain_listener; });
}

void add_user(CLI::App& app, Words& words) {
  CLI::App* user = app.add_subcommand("user", "passwords of users")->require_subcommand(1);
  CLI::App* password = user->add_subcommand(
      "set-password",
      "set the password of a user, or change your own; it is read from the terminal or, a line "
      "each (the old one first), from standard input");
  password->add_option("name", words.invocation.names, "id or name of the user; none: your own")
      ->expected(0, 1);
  add_common(*password, words);
  password->callback([&words] { words.command = set_password; });
}

void add_audit(CLI::App& app, Words& words) {
  CLI::App* audit = app.add_subcommand("audit", "show who did what, newest first");
  audit->add_option("-n,--count", words.invocation.count, "so many rows (default: 50)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  add_form(*audit, words);
  CLI::App* verify = audit->add_subcommand(
      "verify", "look for rows that were changed, taken out or cut off; exit status 1 if so");
  add_form(*verify, words);
  audit->callback(
      [&words, verify] { words.command = verify->parsed() ? verify_audit : list_audit; });
}

void add_events(CLI::App& app, Words& words) {
  CLI::App* events = app.add_subcommand(
      "events", "show what happened, oldest first: to objects, and as nodes report it");
  events->add_flag("-w,--watch", words.invocation.is_watch,
                   "goes on, also when the connection breaks; says when something was missed");
  const auto add_list = [&](const char* name, std::vector<std::string>& into, const char* text) {
    return events->add_option(name, into, text)->expected(1)->take_all();
  };
  add_list("--kind", words.invocation.kinds, "of this kind; may be repeated")->type_name("KIND");
  add_list("--object", words.invocation.names,
           "of this object, by its id, or with one --kind by its name; may be repeated")
      ->type_name("ID|NAME");
  add_list("--type", words.invocation.types, "of this type, such as deleted; may be repeated")
      ->type_name("TYPE");
  events
      ->add_option("--since", words.invocation.since,
                   "not older than 30s, 10m, 2h or 1d, or than a time (2026-01-31T12:00:00Z)")
      ->type_name("AGE|TIME");
  events->add_option("-n,--count", words.invocation.count, "so many that happened (default: 50)")
      ->check(CLI::Range(1, 1'000))
      ->type_name("N");
  add_labels(*events, words, "-l,--label");
  add_form(*events, words);
  events->callback([&words] { words.command = show_events; });
}

void add_files(CLI::App& app, Words& words) {
  app.add_option("-f,--file", words.invocation.files,
                 "a YAML or JSON file, a folder of them, or - for standard input; may be repeated")
      ->expected(1)
      ->take_all()
      ->required()
      ->type_name("FILE");
  app.add_flag("--prune", words.invocation.is_prune,
               "deletes what has the label and is not in the files");
  add_labels(app, words, "-l,--label");
  add_form(app, words);
}

void add_declarative(CLI::App& app, Words& words) {
  CLI::App* apply = app.add_subcommand(
      "apply", "make what files declare be there; each load balancer in one transaction");
  add_files(*apply, words);
  apply->callback([&words] { words.command = apply_files; });
  CLI::App* diff = app.add_subcommand(
      "diff", "show what apply would change; exit status 0: nothing, 1: something");
  add_files(*diff, words);
  diff->callback([&words] { words.command = diff_files; });
  CLI::App* exporting = app.add_subcommand(
      "export", "print resources as apply takes them: names for ids, no defaults");
  exporting->add_option("kind", words.invocation.names, "kinds; none: all")->type_name("KIND");
  exporting
      ->add_option("--lb,--load-balancer", words.invocation.load_balancer,
                   "this one and what is below it")
      ->type_name("ID|NAME");
  add_labels(*exporting, words, "-l,--label");
  add_form(*exporting, words);
  exporting->callback([&words] { words.command = export_resources; });
}

void add_wait(CLI::App& app, Words& words) {
  CLI::App* verb = app.add_subcommand("wait", "wait until a resource is in force, healthy or gone")
                       ->require_subcommand(1);
  for (const model::KindDescription& kind : described_kinds()) {
    if (!kind.is_user_made) continue;
    CLI::App* one = add_kind(*verb, words, kind, wait_for_resource);
    one->add_option("name", words.invocation.names, "its id or name")->expected(1)->required();
    one->add_option("--for", words.invocation.condition,
                    "applied: all nodes that serve it have it (default); healthy: all targets are; "
                    "deleted")
        ->check(CLI::IsMember({"applied", "healthy", "deleted"}));
    one->add_option("--timeout", words.invocation.timeout_seconds,
                    "seconds (default: 60); then exit status 124")
        ->check(CLI::Range(0, 86'400))
        ->type_name("N");
    add_common(*one, words);
  }
}

void add_others(CLI::App& app, Words& words) {
  CLI::App* health = app.add_subcommand("health", "show the health of a backend service's targets");
  health->add_option("backend", words.invocation.names, "id or name of the backend service")
      ->expected(1)
      ->required();
  add_form(*health, words);
  health->callback([&words] { words.command = show_health; });
  add_explain(app, words);
  add_events(app, words);
  add_audit(app, words);
  CLI::App* completion = app.add_subcommand(
      "completion", "print a shell completion script: source <(weir completion bash)");
  completion->add_option("shell", words.completion_shell, "bash")
      ->required()
      ->check(CLI::IsMember({"bash"}));
}

bool finish(Words& words) {
  words.invocation.form = words.form == "json"   ? Form::kJson
                          : words.form == "yaml" ? Form::kYaml
                                                 : Form::kTable;
  for (const auto& [flag, texts] : words.values) {
    if (texts.empty()) continue;
    // References to load balancers first: names below one are looked up there.
    auto& flags = words.invocation.flags;
    const bool is_first = flag.reference == model::Kind::kLoadBalancer;
    flags.emplace(is_first ? flags.begin() : flags.end(), flag, texts.back());
  }
  for (const std::string& label : words.labels) {
    const auto equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      std::cerr << "weir: --label wants KEY=VALUE, found '" << label << "'\n";
      return false;
    }
    words.invocation.labels[label.substr(0, equals)] = label.substr(equals + 1);
  }
  words.invocation.has_labels = !words.labels.empty();
  return true;
}

constexpr std::pair<std::string_view, std::string_view> kCommands[] = {
    {"get", "show resources, as table, json or yaml; -w goes on showing changes"},
    {"create", "make a resource"},
    {"update", "change a resource; what is not named stays"},
    {"delete", "delete resources"},
    {"apply", "make what files declare be there"},
    {"diff", "show what apply would change"},
    {"export", "print resources as apply takes them"},
    {"wait", "wait until a resource is in force, healthy or gone"},
    {"health", "show the health of a backend service's targets"},
    {"explain", "show which target a client of a listener reaches, and why"},
    {"events", "show what happened to objects and on nodes; -w follows it"},
    {"audit", "show who did what; verify: whether the record is whole"},
    {"user", "set-password: of a user, or your own"},
    {"completion", "print a shell completion script"},
};

}  // namespace

bool is_client_command(std::string_view word) {
  return std::any_of(std::begin(kCommands), std::end(kCommands),
                     [&](const auto& one) { return one.first == word; });
}

std::string commands_help() {
  std::string text;
  for (const auto& [word, sentence] : kCommands) {
    text.append("  ").append(word).append(14 - word.size(), ' ').append(sentence).append("\n");
  }
  return text;
}

int run(const std::vector<std::string>& arguments) {
  Words words;
  CLI::App app(
      "Client commands of weir. Exit status: 0 ok, 2 usage or refused value, 3 not found, 4 "
      "conflict, 5 not allowed, "
      "6 no answer, 124 timeout.",
      "weir");
  app.require_subcommand(1);
  add_get(app, words);
  add_create(app, words);
  add_update(app, words);
  add_delete(app, words);
  add_declarative(app, words);
  add_wait(app, words);
  add_user(app, words);
  add_others(app, words);
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? kExitOk : kExitUsage;
  }
  if (!words.completion_shell.empty()) {
    std::cout << bash_completion();
    return kExitOk;
  }
  if (!finish(words)) return kExitUsage;
  auto api = ApiClient::open(words.access);
  if (api.failure) return print_failure(*api.failure);
  return words.command(*api.value, words.invocation);
}

}  // namespace weir::cli
