#include "http/event_stream.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir::http {
namespace {

std::vector<ServerEvent> read(EventReader& reader, std::string_view text) {
  std::vector<ServerEvent> events;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (auto event = reader.take(text.substr(0, end))) events.push_back(*std::move(event));
    text.remove_prefix(end + 1);
  }
  return events;
}

TEST(EventStream, WhatIsWrittenIsRead) {
  EventReader reader;
  const auto events = read(reader, event_text("1.2", "{\"a\": 1}") + event_text("1.3", "x"));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].id, "1.2");
  EXPECT_EQ(events[0].data, "{\"a\": 1}");
  EXPECT_EQ(events[1].id, "1.3");
  EXPECT_EQ(reader.last_id(), "1.3");
}

TEST(EventStream, ABookmarkMovesTheLastIdAndIsNoEvent) {
  EventReader reader;
  EXPECT_TRUE(read(reader, event_text("7", "")).empty());
  EXPECT_EQ(reader.last_id(), "7");
}

TEST(EventStream, AnEventThatWasCutOffDoesNotCount) {
  EventReader reader;
  read(reader, event_text("7", "whole"));
  EXPECT_TRUE(read(reader, "id: 8\ndata: half\n").empty());
  EXPECT_EQ(reader.last_id(), "7");
}

TEST(EventStream, CommentsOtherFieldsAndSeveralLinesOfDataAreRead) {
  EventReader reader;
  const auto events =
      read(reader, ": comment\nretry: 5\nevent: x\nid:9\r\ndata:one\r\ndata: two\ndata\n\n");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].id, "9");
  EXPECT_EQ(events[0].data, "one\ntwo\n");
}

}  // namespace
}  // namespace weir::http
