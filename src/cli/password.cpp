#include "cli/password.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <string_view>

#include "cli/exit_status.h"
#include "http/client.h"
#include "model/people.h"

namespace weir::cli {
namespace {

constexpr std::array kEndingSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/// How the terminal was; only what a signal handler may touch.
termios shown_terminal;

extern "C" void show_again(int number) {
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown_terminal);
  ::signal(number, SIG_DFL);
  ::raise(number);
}

/// While it lives, the terminal does not show what is typed, and a signal leaves it as it was.
class HiddenTyping {
 public:
  HiddenTyping() {
    ::tcgetattr(STDIN_FILENO, &shown_terminal);
    for (const int number : kEndingSignals) ::signal(number, show_again);
    termios hidden = shown_terminal;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  ~HiddenTyping() {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown_terminal);
    for (const int number : kEndingSignals) ::signal(number, SIG_DFL);
    std::cerr << "\n";
  }
  HiddenTyping(const HiddenTyping&) = delete;
  HiddenTyping& operator=(const HiddenTyping&) = delete;
};

Outcome<std::string> ask(std::string_view what) {
  if (::isatty(STDIN_FILENO) == 0) return read_secret(std::cin);
  std::cerr << what << ": ";
  const HiddenTyping hidden;
  return read_secret(std::cin);
}

/// A person types it twice; a program says it once.
Outcome<std::string> ask_new() {
  Outcome<std::string> first = ask("new password");
  if (first.failure || ::isatty(STDIN_FILENO) == 0) return first;
  const Outcome<std::string> second = ask("again");
  if (second.failure) return second;
  if (second.value == first.value) return first;
  return {{}, Failure{kExitUsage, {"the two are not the same: nothing was changed"}}};
}

const model::KindDescription& user_kind() {
  return *std::ranges::find(model::people_descriptions(), "user", &model::KindDescription::word);
}

}  // namespace

Outcome<std::string> read_secret(std::istream& in) {
  std::string line;
  if (!std::getline(in, line)) {
    return {{}, Failure{kExitUsage, {"a password is wanted on standard input"}}};
  }
  if (line.ends_with('\r')) line.pop_back();
  return {std::move(line), {}};
}

int set_password(ApiClient& api, const Invocation& invocation) {
  Json body = Json::object();
  std::string path = "password";
  if (invocation.names.empty()) {
    Outcome<std::string> old = ask("old password");
    if (old.failure) return print_failure(*old.failure);
    body["oldPassword"] = Json(std::move(old.value));
  } else {
    const Outcome<std::string> id = resolve(api, user_kind(), invocation.names.front());
    if (id.failure) return print_failure(*id.failure);
    path = "user/" + http::encode_segment(id.value) + "/password";
  }
  Outcome<std::string> given = ask_new();
  if (given.failure) return print_failure(*given.failure);
  body["password"] = Json(std::move(given.value));
  const Outcome<Json> set = api.call("PUT", path, body);
  if (set.failure) return print_failure(*set.failure);
  std::cout << "the password is set, and its user's sessions have ended\n";
  return kExitOk;
}

}  // namespace weir::cli
