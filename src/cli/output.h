// How results are shown: a table for people, JSON and YAML for programs. Data goes to standard
// output and nothing else does. Thread: any (pure, but for print_failure).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/api_client.h"
#include "model/registry.h"

namespace weir::cli {

enum class Form { kTable, kJson, kYaml };

/// The value at a path such as "spec.healthCheck.port", as text; "-" when there is none.
std::string text_at(const Json& resource, std::string_view path);

/// Aligned columns with a heading; each row has as many cells as there are titles.
std::string table_text(std::span<const std::string> titles,
                       std::span<const std::vector<std::string>> rows);

/// Resources of one kind; `is_single` shows one object instead of a list in JSON and YAML.
std::string resources_text(const model::KindDescription& kind, const std::vector<Json>& resources,
                           Form form, bool is_single);

/// JSON or YAML of any value.
std::string value_text(const Json& value, Form form);

/// "weir: line" on standard error, for each line; returns the exit status.
int print_failure(const Failure& failure);

}  // namespace weir::cli
