#include "api/query_list.h"

#include <gtest/gtest.h>

#include "http/request_target.h"

namespace weir::api {
namespace {

constexpr FilterName kFilterNames[] = {
    {"loadBalancerNames", true}, {"vpcId"}, {"loadBalancerIds"}, {"loadBalancerType"}};
constexpr std::string_view kSortNames[] = {"createdTime", "name"};

struct Answer {
  QueryList list;
  std::vector<std::string> errors;
};

Answer read(std::string_view query) {
  Answer answer;
  const auto pairs = http::query_pairs(query);
  for (const Error& error : read_query_list(pairs, {kFilterNames, kSortNames}, answer.list)) {
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    answer.errors.push_back(to_string(error));
  }
  return answer;
}

TEST(QueryList, AnEmptyQueryIsTheFirstPageOfTwenty) {
  const Answer answer = read("");
  EXPECT_TRUE(answer.errors.empty());
  EXPECT_EQ(answer.list.page_number, 1U);
  EXPECT_EQ(answer.list.page_size, 20U);
  EXPECT_TRUE(answer.list.filters.empty());
}

TEST(QueryList, NodesSampleIsRead) {
  const Answer answer = read(
      "pageNumber=1&pageSize=10&filters.1.name=loadBalancerNames&filters.1.values.1=a%20b"
      "&filters.2.name=vpcId&filters.2.values.1=v1&filters.2.values.2=v2&tags.1.key=k"
      "&tags.1.values.1=x&azs.1=a&azs.2=b&regionId=cn-north-1");
  ASSERT_TRUE(answer.errors.empty()) << answer.errors.front();
  EXPECT_EQ(answer.list.page_size, 10U);
  ASSERT_EQ(answer.list.filters.size(), 2U);
  EXPECT_EQ(answer.list.filters[0].name, "loadBalancerNames");
  EXPECT_EQ(answer.list.filters[0].values, std::vector<std::string>{"a b"});
  EXPECT_EQ(answer.list.filters[0].op, FilterOperator::kEq);
  EXPECT_EQ(answer.list.filters[1].values, (std::vector<std::string>{"v1", "v2"}));
  ASSERT_EQ(answer.list.tags.size(), 1U);
  EXPECT_EQ(answer.list.tags[0].key, "k");
  EXPECT_EQ(answer.list.tags[0].values, std::vector<std::string>{"x"});
  EXPECT_EQ(answer.list.arrays.at("azs"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(answer.list.plain.at("regionId"), "cn-north-1");
}

TEST(QueryList, NumbersOrderTheItemsAndGapsAreClosed) {
  const Answer answer = read(
      "filters.10.name=vpcId&filters.10.values.1=late&filters.3.values.12=b&filters.3.values.2=a"
      "&filters.3.name=loadBalancerIds&azs.9=y&azs.2=x");
  ASSERT_TRUE(answer.errors.empty()) << answer.errors.front();
  ASSERT_EQ(answer.list.filters.size(), 2U);
  EXPECT_EQ(answer.list.filters[0].values, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(answer.list.filters[1].name, "vpcId");
  EXPECT_EQ(answer.list.arrays.at("azs"), (std::vector<std::string>{"x", "y"}));
}

TEST(QueryList, EveryOperatorIsKnown) {
  const std::pair<std::string, FilterOperator> operators[] = {
      {"eq", FilterOperator::kEq}, {"ne", FilterOperator::kNe},    {"lt", FilterOperator::kLt},
      {"le", FilterOperator::kLe}, {"gt", FilterOperator::kGt},    {"ge", FilterOperator::kGe},
      {"in", FilterOperator::kIn}, {"like", FilterOperator::kLike}};
  for (const auto& [word, op] : operators) {
    const Answer answer =
        read("filters.1.name=loadBalancerNames&filters.1.values.1=a&filters.1.operator=" + word);
    ASSERT_TRUE(answer.errors.empty()) << answer.errors.front();
    EXPECT_EQ(answer.list.filters[0].op, op) << word;
  }
}

TEST(QueryList, LikeIsForOneValueOfTheFiltersThatTakeIt) {
  EXPECT_EQ(read("filters.1.name=vpcId&filters.1.values.1=a&filters.1.operator=like").errors,
            std::vector<std::string>{"filters.1.operator: like is not supported for this filter"});
  EXPECT_EQ(read("filters.1.name=loadBalancerNames&filters.1.values.1=a&filters.1.values.2=b"
                 "&filters.1.operator=like")
                .errors,
            std::vector<std::string>{"filters.1.values: must be one value with the operator like"});
}

TEST(QueryList, PagesHaveTheirRanges) {
  EXPECT_TRUE(read("pageSize=10").errors.empty());
  EXPECT_TRUE(read("pageSize=100").errors.empty());
  EXPECT_TRUE(read("pageNumber=1").errors.empty());
  EXPECT_TRUE(read("pageNumber=99999999999999999999999").errors.empty()) << "the last page";
  for (const std::string_view size :
       {"0", "9", "101", "-1", "1e9", "abc", "", "10.0", " 10", "0x10", "99999999999999999999"}) {
    EXPECT_EQ(read("pageSize=" + std::string(size)).errors,
              std::vector<std::string>{"pageSize: must be an integer between 10 and 100"})
        << size;
  }
  for (const std::string_view number : {"0", "-1", "", "x", "1.5", "000"}) {
    EXPECT_EQ(read("pageNumber=" + std::string(number)).errors,
              std::vector<std::string>{"pageNumber: must be an integer of at least 1"})
        << number;
  }
}

TEST(QueryList, SortsHaveADirectionInAnyCase) {
  const Answer answer = read(
      "sorts.1.name=createdTime&sorts.1.direction=DESC&sorts.2.name=name&sorts.3.name=name"
      "&sorts.3.direction=Asc");
  ASSERT_TRUE(answer.errors.empty()) << answer.errors.front();
  ASSERT_EQ(answer.list.sorts.size(), 3U);
  EXPECT_TRUE(answer.list.sorts[0].is_descending);
  EXPECT_FALSE(answer.list.sorts[1].is_descending);
  EXPECT_FALSE(answer.list.sorts[2].is_descending);
}

TEST(QueryList, AllMistakesAreToldAtOnce) {
  const Answer answer = read(
      "pageNumber=0&pageSize=5&filters.1.name=colour&filters.1.values.1=red&filters.2.values.1=x"
      "&filters.3.name=vpcId&filters.3.operator=about&tags.1.values.1=x&sorts.1.direction=up");
  EXPECT_EQ(
      answer.errors,
      (std::vector<std::string>{
          "pageNumber: must be an integer of at least 1",
          "pageSize: must be an integer between 10 and 100",
          "filters.1.name: must be one of loadBalancerNames vpcId loadBalancerIds loadBalancerType",
          "filters.2.name: is missing", "filters.3.values: is missing",
          "filters.3.operator: must be one of eq ne lt le gt ge in like", "tags.1.key: is missing",
          "sorts.1.name: is missing", "sorts.1.direction: must be one of asc desc"}));
}

TEST(QueryList, MalformedNamesAreRefusedWithoutRepeatingThem) {
  for (const std::string_view name :
       {"filters", "filters.1", "filters.x.name", "filters.1.name.2", "filters.1.values",
        "filters.1.values.x", "filters.1.color", "filters.-1.name", "filters..name",
        "filters.1.name.", "tags.1.name", "sorts.1.values.1"}) {
    const Answer answer = read(std::string(name) + "=v");
    ASSERT_EQ(answer.errors.size(), 1U) << name;
    EXPECT_EQ(answer.errors.front().find("color"), std::string::npos);
  }
  EXPECT_FALSE(read("filters.0.name=vpcId").errors.empty());
  EXPECT_FALSE(read("azs.0=a").errors.empty());
}

TEST(QueryList, WhatIsGivenTwiceIsRefused) {
  for (const std::string_view query :
       {"pageSize=10&pageSize=20", "azs.1=a&azs.1=b", "azs.1=a&azs.01=b", "x=1&x=1",
        "filters.1.name=vpcId&filters.1.values.1=a&filters.1.name=vpcId",
        "filters.1.name=vpcId&filters.1.values.1=a&filters.1.values.1=b"}) {
    EXPECT_EQ(read(query).errors.size(), 1U) << query;
  }
}

TEST(QueryList, TenThousandFiltersAreOneMistake) {
  std::string query;
  for (int at = 1; at <= 10'000; ++at) {
    query += "filters." + std::to_string(at) + ".name=vpcId&";
  }
  EXPECT_EQ(read(query).errors, std::vector<std::string>{"query: has more than 1000 parameters"});
}

TEST(QueryList, LimitsAreKeptAndNamedOnce) {
  std::string query;
  for (std::size_t at = 1; at <= kQueryGroupsMax + 5; ++at) {
    const std::string filter = "filters." + std::to_string(at);
    query += filter + ".name=vpcId&" + filter + ".values.1=a&";
  }
  EXPECT_EQ(read(query).errors,
            std::vector<std::string>{
                "filters: is numbered: each number must be an integer between 1 and 50"});
  query = "filters.1.name=vpcId";
  for (std::size_t at = 1; at <= kQueryValuesMax + 5; ++at) {
    query += "&filters.1.values." + std::to_string(at) + "=a";
  }
  const Answer answer = read(query);
  EXPECT_EQ(answer.errors,
            std::vector<std::string>{
                "filters.1.values: is numbered: each number must be an integer between 1 and 200"});
  EXPECT_EQ(answer.list.filters[0].values.size(), kQueryValuesMax);
}

}  // namespace
}  // namespace weir::api
