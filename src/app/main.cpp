// The one executable: chooses what to run by its first word.
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "app/roles.h"
#include "app/settings.h"
#include "cli/cli.h"

namespace {

using weir::app::RoleFlags;
using Words = std::vector<std::string>;

constexpr const char* kHelp =
    "usage: weir COMMAND [FLAGS]\n\n"
    "service\n"
    "  up            control and node on this machine (--demo: with an example)\n"
    "  control       the control plane alone\n"
    "  node          a node alone\n"
    "  backup        write the store to one file, also while control runs\n"
    "  restore       put a backup in the store's place; nodes follow it\n"
    "  release       take away the addresses that a killed node left on this machine\n"
    "  check-config  judge a weir.yaml\n"
    "  schema        print kinds, fields, calls, settings, metrics and errors as JSON\n"
    "  openapi       print the OpenAPI document of the API\n"
    "  version       print the version\n\n"
    "client\n";

int help(std::ostream& out, int status) {
  out << kHelp << weir::cli::commands_help() << "\nEvery command has --help.\n";
  return status;
}

int run_role(const std::string& word, unsigned roles, const Words& words,
             const std::function<int(const RoleFlags&)>& run) {
  const auto parsed =
      weir::app::parse_role_flags(word, roles, Words(words.begin() + 2, words.end()));
  if (!parsed.flags || parsed.flags->is_check) return parsed.exit_status;
  return run(*parsed.flags);
}

int dispatch(const Words& words) {
  namespace app = weir::app;
  const std::string word = words.size() > 1 ? words[1] : "";
  if (word == "up") return run_role(word, app::kBothRoles, words, app::run_up);
  if (word == "control") return run_role(word, app::kControlRole, words, app::run_control);
  if (word == "demo") return run_role(word, app::kBothRoles, words, app::run_demo);
  if (word == "node") {
    return run_role(word, app::kNodeRole, words,
                    [&words](const RoleFlags& flags) { return app::run_node(flags, words); });
  }
  if (word == "release") return run_role(word, app::kNodeRole, words, app::run_release);
  const Words rest(words.size() > 1 ? words.begin() + 2 : words.end(), words.end());
  if (word == "proxy") return app::run_proxy(rest);
  if (word == "backup") return app::run_backup(rest);
  if (word == "restore") return app::run_restore(rest);
  if (word == "check-config") return app::check_config(rest);
  if (word == "schema") return app::run_schema(rest);
  if (word == "openapi") return app::run_openapi(rest);
  if (word == "version" || word == "--version") {
    std::cout << "weir " << app::kBuild << "\n";
    return 0;
  }
  if (weir::cli::is_client_command(word)) {
    return weir::cli::run(Words(words.begin() + 1, words.end()));
  }
  if (word == "help" || word == "--help" || word == "-h") return help(std::cout, 0);
  if (!word.empty()) std::cerr << "weir: unknown command \"" << word << "\"\n\n";
  return help(std::cerr, 2);
}

}  // namespace

int main(int argc, char** argv) { return dispatch(Words(argv, argv + argc)); }
