#include "cli/output.h"

#include <yaml-cpp/emitter.h>

#include <algorithm>
#include <iostream>

namespace weir::cli {
namespace {

/// Columns of a terminal, not bytes: continuation bytes of UTF-8 take none.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string cell(const Json& value) {
  if (value.is_string()) return value.as_string().empty() ? "-" : value.as_string();
  if (value.is_array()) {
    const Json::Array& items = value.as_array();
    // A list of objects is shown by its length: a cell is one word.
    if (!items.empty() && items.front().is_object()) return std::to_string(items.size());
    std::string text;
    for (const Json& item : items) text += (text.empty() ? "" : ",") + cell(item);
    return text.empty() ? "-" : text;
  }
  return value.is_null() ? "-" : value.dump();
}

/// A string that YAML would read as something else is quoted.
void emit(YAML::Emitter& out, const Json& value) {
  if (value.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [key, member] : value.as_object()) {
      out << YAML::Key << key << YAML::Value;
      emit(out, member);
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    out << YAML::BeginSeq;
    for (const Json& item : value.as_array()) emit(out, item);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    const std::string& text = value.as_string();
    const bool is_word =
        !text.empty() && std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
        text.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") ==
            std::string::npos;
    static constexpr std::string_view kReserved[] = {"true", "false", "null", "yes", "no",
                                                     "on",   "off",   "y",    "n"};
    std::string lower = text;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const bool is_plain = is_word && std::find(std::begin(kReserved), std::end(kReserved), lower) ==
                                         std::end(kReserved);
    if (!is_plain) out << YAML::DoubleQuoted;
    out << text;
  } else if (value.is_null()) {
    out << YAML::Null;
  } else {
    out << value.dump();
  }
}

}  // namespace

std::string text_at(const Json& resource, std::string_view path) {
  const Json* place = &resource;
  while (place != nullptr && !path.empty()) {
    const std::size_t dot = path.find('.');
    place = place->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return place == nullptr ? "-" : cell(*place);
}

std::string table_text(std::span<const std::string> titles,
                       std::span<const std::vector<std::string>> rows) {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < titles.size(); ++column) {
    std::size_t widest = width(titles[column]);
    for (const auto& row : rows) widest = std::max(widest, width(row[column]));
    widths.push_back(widest);
  }
  std::string text;
  const auto add = [&](std::span<const std::string> row) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      text += row[column];
      if (column + 1 < row.size()) text.append(widths[column] - width(row[column]) + 2, ' ');
    }
    text += '\n';
  };
  add(titles);
  for (const auto& row : rows) add(row);
  return text;
}

std::string value_text(const Json& value, Form form) {
  if (form != Form::kYaml) return value.dump(2) + "\n";
  YAML::Emitter out;
  emit(out, value);
  return std::string(out.c_str()) + "\n";
}

std::string resources_text(const model::KindDescription& kind, const std::vector<Json>& resources,
                           Form form, bool is_single) {
  if (form != Form::kTable) {
    if (is_single && resources.size() == 1) return value_text(resources.front(), form);
    return value_text(Json::object({{"items", Json(resources)}}), form);
  }
  std::vector<std::string> titles;
  std::vector<std::vector<std::string>> rows;
  for (const model::Column& column : kind.columns) titles.emplace_back(column.title);
  for (const Json& resource : resources) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const model::Column& column : kind.columns) row.push_back(text_at(resource, column.path));
  }
  return table_text(titles, rows);
}

int print_failure(const Failure& failure) {
  for (const std::string& line : failure.lines) std::cerr << "weir: " << line << '\n';
  return failure.status;
}

}  // namespace weir::cli
