// The numbers that bound attempts to log in. Thread: values.
#pragma once

#include <chrono>
#include <cstddef>

namespace weir::api {

struct ThrottleLimits {
  /// Wrong passwords of one user from one address without a delay. Chosen because people mistype,
  /// and five guesses at a password of 12 characters are nothing. Reached: 429 with Retry-After,
  /// weir_logins_total{result="throttled"}.
  int pair_free = 5;
  /// From one address, whatever the names. Chosen because an office has one address. Reached: as
  /// above.
  int address_free = 20;
  /// Of one user, from addresses that are new to this user. Chosen because that is more than a
  /// person mistypes. Reached: as above.
  int user_free = 20;
  /// The first delay; it doubles with each further wrong password. Chosen because a person does not
  /// notice it. Reached: as above.
  std::chrono::milliseconds delay_min{1'000};
  /// The longest, by user and address, and by address. Chosen because 300 guesses a day find
  /// nothing. Reached: it doubles no more.
  std::chrono::milliseconds delay_max{300'000};
  /// The longest by user alone. Chosen because 1 440 guesses a day from any number of addresses
  /// find no password, and a minute is a wait that people can take. Reached: as above.
  std::chrono::milliseconds user_delay_max{60'000};
  /// Wrong passwords are forgotten when none came for so long. Chosen because no delay is longer.
  /// Reached: the count begins anew.
  std::chrono::milliseconds memory{3'600'000};
  /// Of each of the three kinds, about 200 bytes each. Chosen because 6 MiB are no burden, and who
  /// has more addresses than this is not held by delays. Reached: the one that was quiet longest is
  /// forgotten; weir_api_limit_reached_total{limit="login_memory"}.
  std::size_t entries_max = 10'000;
  /// Right passwords of one user, or passwords that one caller sets, in a minute. Chosen because a
  /// script that sets up a team stays below, and 43 200 audit rows a day are half of what refusals
  /// may take. Reached: 429 as above.
  int right_max = 30;
  std::chrono::milliseconds right_window{60'000};
  /// Attempts of one user from one address that wait or are judged. Chosen because a person has
  /// one. Reached: 429 as above.
  std::size_t pair_open_max = 5;
  /// From one address, and of one user, where that user did not log in before. Chosen because that
  /// is a quarter of the queue. Reached: 429 as above.
  std::size_t open_max = 16;
  /// How long an attempt waits that is one too many of those. Chosen because a whole queue takes
  /// about as long. Reached: it may go on.
  std::chrono::milliseconds open_wait{1'000};
};

struct PasswordPoolLimits {
  /// Chosen because each takes 19 MiB while it works, and two hash about 60 passwords a second.
  /// Reached: calls wait.
  std::size_t threads = 2;
  /// Calls that wait. Chosen because the last one waits about a second. Reached: 503 with
  /// Retry-After, weir_api_limit_reached_total{limit="password_queue"}.
  std::size_t queue_max = 64;
};

/// Both.
struct LoginSettings {
  ThrottleLimits throttle{};
  PasswordPoolLimits pool{};
};

}  // namespace weir::api
