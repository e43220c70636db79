// What holds for every registered kind, from its field list alone.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "model/registry.h"
#include "model/resources.h"

namespace weir::model {
namespace {

/// Values that the field lists allow, drawn from the schema.
class Sampler {
 public:
  explicit Sampler(std::uint64_t seed) : random_(seed) {}

  Json object(const std::vector<FieldDescription>& fields) {
    Json json = Json::object();
    for (const FieldDescription& field : fields) {
      const bool is_left_out = !field.options.is_required && random_.below(3) == 0;
      if (is_left_out || field.options.is_not_yet) continue;
      json[field.name] = value(field);
    }
    return json;
  }

 private:
  Json value(const FieldDescription& field) {
    if (!field.is_list) return item(field);
    Json list = Json::array();
    const std::size_t room = std::min<std::size_t>(field.options.items_max, 4);
    const std::size_t count = field.options.items_min + random_.below(room + 1);
    for (std::size_t i = 0; i < std::min(count, room); ++i) list.push_back(item(field));
    return list;
  }

  Json item(const FieldDescription& field) {
    if (field.type == "object") return object(field.fields);
    if (field.type == "boolean") return random_.below(2) == 0;
    if (field.type == "integer") return integer(field.options);
    if (!field.choices.empty()) return field.choices[random_.below(field.choices.size())];
    return text(field.options);
  }

  Json integer(const FieldOptions& options) {
    const std::int64_t low = options.min.value_or(0);
    const std::int64_t high = options.max.value_or(1'000'000);
    const std::uint64_t pick = random_.below(4);
    if (pick == 0) return low;
    if (pick == 1) return high;
    return low + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(high - low)));
  }

  std::string text(const FieldOptions& options) {
    switch (options.text) {
      case TextRule::kName:
        return "名-" + random_.word(5);
      case TextRule::kServerName:
        return "名." + random_.word(5);
      case TextRule::kAddress:
        return "10.0." + std::to_string(random_.below(256)) + ".7";
      case TextRule::kPrefix:
        return "10." + std::to_string(random_.below(256)) + ".0.0/16";
      case TextRule::kDomain:
        return random_.word(3) + ".example";
      case TextRule::kHttpPath:
        return "/" + random_.word(4) + "/%41";
      case TextRule::kHttpCodes:
        return "2" + std::to_string(10 + random_.below(90));
      case TextRule::kTime:
        return "2026-02-0" + std::to_string(1 + random_.below(9)) + "T10:00:00Z";
      case TextRule::kNone:
      case TextRule::kDescription:
        return random_.word(6) + " 文";
    }
    return "";
  }

  Random random_;
};

/// Members of `json` that are not among the fields, by path.
void expect_only(const Json& json, const std::vector<FieldDescription>& fields) {
  for (const auto& [name, value] : json.as_object()) {
    EXPECT_TRUE(std::ranges::any_of(fields, [&](const auto& field) { return field.name == name; }))
        << name;
  }
}

/// Fields that came later are not written while they say what their absence says.
bool is_left_out(const FieldDescription& field, const Json& value) {
  return field.options.omits_empty && value == field.default_value;
}

TEST(EveryKind, ReadsWhatItWroteAndKeepsEveryValueGiven) {
  const std::uint64_t seed = Random().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Sampler sampler(seed);
  for (const Kind kind : all_kinds()) {
    SCOPED_TRACE(std::string(kind_name(kind)));
    for (int round = 0; round < 100; ++round) {
      const Json given = sampler.object(description_of(kind).spec);
      Errors errors;
      const Json once = canonical_spec(kind, given, errors);
      ASSERT_TRUE(errors.empty()) << to_string(errors[0]) << " in " << given.dump();
      EXPECT_EQ(canonical_spec(kind, once, errors), once);
      expect_only(once, description_of(kind).spec);
      for (const auto& [name, value] : given.as_object()) {
        if (value.is_object() || value.is_array()) continue;
        const auto field =
            std::ranges::find(description_of(kind).spec, name, &FieldDescription::name);
        if (is_left_out(*field, value)) continue;
        ASSERT_NE(once.find(name), nullptr) << name;
        EXPECT_EQ(*once.find(name), value) << name;
      }
    }
  }
}

TEST(EveryKind, TakesNullForAbsentAndFillsInTheDefaultOfTheSchema) {
  for (const Kind kind : all_kinds()) {
    SCOPED_TRACE(std::string(kind_name(kind)));
    Json nulls = Json::object();
    for (const FieldDescription& field : description_of(kind).spec) nulls[field.name] = Json();
    Errors absent_errors;
    Errors null_errors;
    const Json absent = canonical_spec(kind, Json::object(), absent_errors);
    EXPECT_EQ(canonical_spec(kind, nulls, null_errors), absent);
    EXPECT_EQ(null_errors, absent_errors);
    for (const FieldDescription& field : description_of(kind).spec) {
      if (field.options.is_required || field.options.is_not_yet) continue;
      const Json* value = absent.find(field.name);
      if (is_left_out(field, field.default_value)) {
        EXPECT_EQ(value, nullptr) << field.name;
        continue;
      }
      EXPECT_EQ(value == nullptr ? Json() : *value, field.default_value) << field.name;
    }
  }
}

TEST(EveryKind, NamesEachRequiredFieldThatIsMissing) {
  for (const Kind kind : all_kinds()) {
    SCOPED_TRACE(std::string(kind_name(kind)));
    std::vector<std::string> wanted;
    for (const FieldDescription& field : description_of(kind).spec) {
      if (field.options.is_required) wanted.push_back("spec." + field.name);
    }
    Errors errors;
    canonical_spec(kind, Json::object(), errors);
    std::vector<std::string> found;
    for (const Error& error : errors) {
      EXPECT_EQ(error.message, "is missing");
      found.push_back(error.field);
    }
    EXPECT_EQ(found, wanted);
  }
}

TEST(EveryKind, RefusesTheFirstIntegerOutsideEachRange) {
  for (const Kind kind : all_kinds()) {
    for (const FieldDescription& field : description_of(kind).spec) {
      if (field.type != "integer" || !field.options.min) continue;
      SCOPED_TRACE(std::string(kind_name(kind)) + "." + field.name);
      for (const std::int64_t value : {*field.options.min - 1, *field.options.max + 1}) {
        Errors errors;
        canonical_spec(kind, Json::object({{field.name, value}}), errors);
        EXPECT_TRUE(std::ranges::any_of(errors, [&](const Error& error) {
          return error.field == "spec." + field.name && error.message.contains("between");
        })) << value;
      }
    }
  }
}

TEST(EveryKind, AnswersNotSupportedYetToEachWordOfTheProductThatComesLater) {
  for (const Kind kind : all_kinds()) {
    for (const FieldDescription& field : description_of(kind).spec) {
      for (const std::string& word : field.later) {
        Errors errors;
        canonical_spec(kind, Json::object({{field.name, word}}), errors);
        const Error wanted{ErrorCode::kInvalidArgument, "'" + word + "' is not supported yet",
                           "spec." + field.name};
        EXPECT_NE(std::ranges::find(errors, wanted), errors.end()) << field.name << " " << word;
      }
    }
  }
}

TEST(EveryKind, AcceptsTheDefaultOfAFieldWhoseEffectComesLater) {
  const Json spec = parse_json(R"({"loadBalancerId":"x","protocol":"Tcp","port":1,
      "healthCheck":{"protocol":"Tcp"},"agIds":[],"proxyProtocol":false,"sessionStickiness":false,
      "sessionStickyTimeout":1440,"httpCookieExpireSeconds":0})")
                        .value();
  Errors errors;
  const Json canonical = canonical_spec(Kind::kBackend, spec, errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(canonical.find("agIds"), nullptr) << "an older node must be able to read it";
}

TEST(EveryKind, HasASentenceForEachFieldAndColumnsThatExist) {
  for (const KindDescription& kind : kind_descriptions()) {
    SCOPED_TRACE(std::string(kind.word));
    EXPECT_FALSE(kind.singular.empty());
    EXPECT_FALSE(kind.sentence.empty());
    for (const FieldDescription& field : kind.spec) EXPECT_FALSE(field.sentence.empty());
    for (const Column& column : kind.columns) {
      if (!column.path.starts_with("spec.")) continue;
      const std::string_view name = column.path.substr(5);
      EXPECT_TRUE(std::ranges::find(kind.spec, name, &FieldDescription::name) != kind.spec.end())
          << column.path;
    }
  }
}

TEST(Registry, KnowsEveryKindByItsWordItsPluralAndLongForms) {
  for (const std::string_view word : {"lb", "lbs", "LoadBalancer", "loadbalancers"}) {
    ASSERT_NE(find_description(word), nullptr) << word;
    EXPECT_EQ(find_description(word)->kind, Kind::kLoadBalancer);
  }
  EXPECT_EQ(find_description("tgs")->kind, Kind::kTargetGroup);
  EXPECT_EQ(find_description("targets")->word, "target");
  EXPECT_FALSE(find_description("target")->kind);
  EXPECT_EQ(find_description("frontend"), nullptr);
}

TEST(Registry, GivesIdsWithThePrefixOfTheKindAndOfTheTypeOfLoadBalancer) {
  Random random(7);
  const Json nlb = Json::object({{"type", "nlb"}});
  EXPECT_TRUE(new_id(Kind::kLoadBalancer, nlb, random).starts_with("nlb-"));
  EXPECT_TRUE(new_id(Kind::kLoadBalancer, Json::object(), random).starts_with("alb-"));
  EXPECT_TRUE(new_id(Kind::kTargetGroup, Json::object(), random).starts_with("tg-"));
  EXPECT_EQ(new_id(Kind::kListener, Json::object(), random).size(), 19u);
}

TEST(Listener, WithoutIdleTimeHasTheOneOfItsProtocol) {
  Listener listener;
  EXPECT_EQ(idle_seconds(listener), 1800);
  listener.protocol = Protocol::kHttp;
  EXPECT_EQ(idle_seconds(listener), 60);
  listener.connection_idle_time_seconds = 5;
  EXPECT_EQ(idle_seconds(listener), 5);
}

TEST(HealthCheck, TurnsItsNormalCodesIntoRanges) {
  using Ranges = std::vector<std::pair<int, int>>;
  EXPECT_EQ(http_code_ranges({"2xx", "301-302", "404,4xx"}),
            (Ranges{{200, 299}, {301, 302}, {404, 404}, {400, 499}}));
  EXPECT_EQ(http_code_ranges({"200,abc"}), Ranges{});
}

}  // namespace
}  // namespace weir::model
