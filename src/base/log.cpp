#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>

#include "base/clock.h"
#include "base/json.h"

namespace weir::log {
namespace {

std::atomic<Format> format{Format::kText};
std::string program = "weir";

spdlog::level::level_enum library_level(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view level_name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "info";
}

/// Anything else is quoted by the JSON writer, so that a line stays one line and no value forges a
/// field or drives a terminal.
bool is_plain(std::string_view value) {
  return !value.empty() && std::ranges::all_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f && c != '"' && c != '=' && c != '\\';
  });
}

}  // namespace

void configure(const Options& options) {
  format = options.format;
  program = options.program;
  auto logger =
      std::make_shared<spdlog::logger>("weir", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%v");
  logger->set_level(library_level(options.level));
  spdlog::set_default_logger(std::move(logger));
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  auto* logger = spdlog::default_logger_raw();
  if (!logger->should_log(library_level(level))) return;
  const std::string time = utc_text(std::chrono::system_clock::now());
  if (format.load() == Format::kJson) {
    Json line = Json::object(
        {{"time", time}, {"level", level_name(level)}, {"program", program}, {"message", message}});
    for (const Field& field : fields) line[field.key] = field.value;
    logger->log(library_level(level), "{}", line.dump());
    return;
  }
  std::string line = time;
  line.append(" ")
      .append(level_name(level))
      .append(" ")
      .append(program)
      .append(": ")
      .append(message);
  for (const Field& field : fields) {
    line.append(" ").append(field.key).append("=");
    line.append(is_plain(field.value) ? field.value : Json(field.value).dump());
  }
  logger->log(library_level(level), "{}", line);
}

}  // namespace weir::log
