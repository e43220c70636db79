// The codec against test data of others, which lies beside a checkout (../shared/data) and is read
// there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "base/json.h"
#include "http/h1_fixture.h"

namespace weir::http {
namespace {

using enum ParseError;

/// The cases of a file, or nothing when it is not there.
std::optional<Json> cases_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  auto json = parse_json(text, {.size_max = 64U << 20, .items_max = 100'000});
  EXPECT_TRUE(json.ok()) << json.error().message;
  return json.ok() ? std::optional(std::move(json).value()) : std::nullopt;
}

/// The bytes whose values are the code points (at most U+00FF) of UTF-8 `text`.
std::string latin1(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      bytes += text[i];
    } else {
      bytes += static_cast<char>((lead & 0x03) << 6 | (text[++i] & 0x3f));
    }
  }
  return bytes;
}

TEST(SmugglingCorpus, figure_13_EveryOddTransferEncodingBesideAContentLengthIsRefused) {
  const std::filesystem::path path = "../shared/data/smuggler_te_mutations.json";
  const auto cases = cases_of(path);
  if (!cases) GTEST_SKIP() << "no " << std::filesystem::absolute(path);
  std::set<std::string> passed;
  for (const Json& row : cases->as_array()) {
    const std::string id = row.string_or("id", "");
    const ParsedRequest request(latin1(row.string_or("bytes_latin1", "")));
    ASSERT_NE(request.result.state, ParseState::kNeedMore) << id;
    if (!request.is_complete()) continue;
    passed.insert(id);
    // What passes is a request of five bytes, and goes on as nothing else.
    EXPECT_EQ(request.head.framing, Framing::kLength) << id;
    EXPECT_EQ(request.head.content_length, 5U) << id;
    EXPECT_EQ(request.head.size + 5, request.text.size()) << id;
    const ParsedRequest onward(request.written());
    EXPECT_EQ(onward.head.framing, Framing::kLength) << id;
    EXPECT_EQ(onward.head.fields.find("transfer_encoding", onward.text.data()), nullptr) << id;
  }
  const std::set<std::string> expected = {"underjoin1",   "contentEnc",   "xprespace-09",
                                          "xprespace-20", "xprespace-a0", "xprespace-ff"};
  EXPECT_EQ(passed, expected);
  EXPECT_EQ(cases->as_array().size() - passed.size(), 744U);
}

/// What the codec makes of a whole stream of messages of one direction.
struct StreamVerdict {
  ParseError error = kNone;
  bool has_surplus = false;  // bytes after a message that ends its connection
  bool is_finished = false;  // ended at the end of a message
  bool may_switch = false;   // a message asked to switch protocols
  bool is_refused() const { return error != kNone || has_surplus; }
};

/// Takes one message from the front of `text`. False when the stream cannot go on.
template <class Message>
bool take_message(const Message& message, std::string& text, StreamVerdict& verdict) {
  verdict.error = message.result.error;
  if (!message.is_complete()) return false;
  text.erase(0, message.head.size);
  verdict.may_switch |= !message.head.upgrade.empty();
  const BodyReader reader(message.head.framing, message.head.content_length);
  const properties::Body body = properties::read_body(reader, text);
  text.erase(0, body.consumed);
  verdict.error = body.error;
  verdict.is_finished = body.state == BodyState::kDone;
  verdict.has_surplus = verdict.is_finished && !message.head.keep_alive && !text.empty();
  return verdict.is_finished && message.head.keep_alive;
}

/// Most of the cases have no Host, which is of no interest here: it is put in.
bool take_request(std::string& text, StreamVerdict& verdict) {
  const ParsedRequest request(text);
  if (request.result.error != kNoHost) return take_message(request, text, verdict);
  text.insert(text.find("\r\n", 2), "\r\nHost: a");
  return take_message(ParsedRequest(text), text, verdict);
}

StreamVerdict judge(std::string text, bool is_request) {
  StreamVerdict verdict;
  bool goes_on = true;
  while (goes_on && !text.empty()) {
    verdict.is_finished = false;
    goes_on = is_request ? take_request(text, verdict)
                         : take_message(ParsedResponse(text), text, verdict);
  }
  return verdict;
}

struct Case {
  std::string id;
  std::string bytes;
  std::string error;  // of the other parser; empty when it accepts
  bool is_request;
  bool is_lenient;

  /// Many cases stop before the empty line; a verdict that waits for it is given one.
  StreamVerdict verdict() const {
    const StreamVerdict raw = judge(bytes, is_request);
    if (raw.is_refused() || raw.is_finished) return raw;
    return judge(bytes + (bytes.ends_with("\r\n") ? "\r\n" : "\r\n\r\n"), is_request);
  }
};

class OtherParserCorpus : public testing::Test {
 protected:
  void SetUp() override {
    const std::filesystem::path path = "../shared/data/llhttp_cases.json";
    const auto json = cases_of(path);
    if (!json) GTEST_SKIP() << "no " << std::filesystem::absolute(path);
    for (const Json& row : json->as_array()) {
      const std::string type = row.find("meta")->string_or("type", "");
      cases_.push_back({row.string_or("id", ""), row.string_or("bytes", ""),
                        row.string_or("llhttp_error", ""), row.string_or("kind", "") == "request",
                        type.contains("lenient")});
    }
    ASSERT_EQ(cases_.size(), 251U);
  }

  std::vector<Case> cases_;
};

TEST_F(OtherParserCorpus, figure_13_WhatAnotherStrictParserRefusesIsRefused) {
  // Any token is a method here; the other parser has a list of them.
  const std::set<std::string> unknown_methods = {"request/invalid-045", "request/invalid-055"};
  int count = 0;
  for (const Case& one : cases_) {
    if (one.is_lenient || one.error.empty() || one.error.starts_with("Pause")) continue;
    ++count;
    EXPECT_EQ(one.verdict().is_refused(), !unknown_methods.contains(one.id))
        << one.id << ": " << one.error << "\n"
        << one.bytes;
  }
  EXPECT_GT(count, 60);
}

TEST_F(OtherParserCorpus, figure_13_WhatIsOnlyToleratedElsewhereIsRefused) {
  int count = 0;
  for (const Case& one : cases_) {
    if (!one.is_lenient) continue;
    ++count;
    EXPECT_TRUE(one.verdict().is_refused()) << one.id << "\n" << one.bytes;
  }
  EXPECT_GT(count, 20);
}

TEST_F(OtherParserCorpus, ConnectAndHttp2PrefacesAreRefusedAndUpgradesAreOnlyOffered) {
  for (const Case& one : cases_) {
    if (one.is_lenient || !one.error.starts_with("Pause") || !one.is_request) continue;
    const StreamVerdict verdict = one.verdict();
    if (one.bytes.starts_with("CONNECT") || one.bytes.starts_with("PRI")) {
      EXPECT_NE(verdict.error, kNone) << one.id;
    } else if (one.bytes.contains("Content-Length")) {
      EXPECT_FALSE(verdict.may_switch) << one.id;
    } else {
      EXPECT_TRUE(verdict.may_switch) << one.id;
    }
  }
}

TEST_F(OtherParserCorpus, figure_13_WhatAnotherStrictParserAcceptsIsRefusedForStatedReasonsOnly) {
  const std::set<ParseError> stated = {
      kBadTransferEncoding,        // more than one coding
      kDuplicateTransferEncoding,  // the same in two lines
      kFragmentInTarget,           // '#'
      kBadTarget,                  // userinfo, and '*' without OPTIONS
      kBadVersion,                 // no version, or another protocol
      kVersionNotSupported,        // HTTP/0.9
      kBadStatus,                  // no space after the status code
      kBadMethod,                  // two empty lines before a request
      kHostMismatch,               // absolute form beside the Host that was put in
  };
  int accepted = 0;
  for (const Case& one : cases_) {
    if (one.is_lenient || !one.error.empty()) continue;
    const bool stops_within_a_line = !one.bytes.ends_with("\n");
    const StreamVerdict verdict =
        stops_within_a_line ? judge(one.bytes, one.is_request) : one.verdict();
    if (!verdict.is_refused()) {
      ++accepted;
      continue;
    }
    EXPECT_TRUE(stated.contains(verdict.error))
        << one.id << ": " << error_name(verdict.error) << "\n"
        << one.bytes;
  }
  EXPECT_GT(accepted, 90);
}

/// A head read in the plainest way: at line ends, blanks and colons.
struct PlainHead {
  std::string start;
  std::vector<properties::Line> fields;
};

PlainHead plain_head(std::string_view text) {
  const auto trimmed = [](std::string_view value) {
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    return std::string(value);
  };
  PlainHead head;
  if (text.starts_with("\r\n")) text.remove_prefix(2);
  for (bool is_start = true; !text.empty() && !text.starts_with("\r\n"); is_start = false) {
    const std::string_view line = text.substr(0, text.find("\r\n"));
    text.remove_prefix(std::min(text.size(), line.size() + 2));
    const std::size_t colon = line.find(':');
    if (is_start) {
      head.start = line;
    } else {
      head.fields.push_back({std::string(line.substr(0, colon)), trimmed(line.substr(colon + 1))});
    }
  }
  return head;
}

std::vector<properties::Line> fields_of(const FieldTable& fields, const char* bytes) {
  std::vector<properties::Line> lines;
  for (const Field& field : fields.list()) {
    lines.push_back({std::string(field.name.in(bytes)), std::string(field.value.in(bytes))});
  }
  return lines;
}

std::string start_of(const ParsedRequest& request) {
  const bool is_old = request.head.version == Version::kHttp10;
  return std::string(request.in(request.head.method_text)) + " " +
         std::string(request.in(request.head.target)) + (is_old ? " HTTP/1.0" : " HTTP/1.1");
}

std::string start_of(const ParsedResponse& response) {
  const bool is_old = response.head.version == Version::kHttp10;
  return (is_old ? "HTTP/1.0 " : "HTTP/1.1 ") + std::to_string(response.head.status) + " " +
         std::string(response.in(response.head.reason));
}

/// True when the message is accepted; it is what stands there then, and so is its body.
template <class Message>
bool is_read_as_it_stands(const Message& message, const std::string& id) {
  if (!message.is_complete()) return false;
  const PlainHead plain = plain_head(message.text);
  EXPECT_EQ(start_of(message), plain.start) << id;
  EXPECT_TRUE(fields_of(message.head.fields, message.text.data()) == plain.fields) << id;
  const auto length = std::ranges::find_if(plain.fields, [](const properties::Line& line) {
    return equals_ignoring_case(line.name, "content-length");
  });
  if (length != plain.fields.end() && message.head.framing == Framing::kLength) {
    EXPECT_EQ(message.head.content_length, std::stoull(length->value)) << id;
    const std::string rest = message.text.substr(message.head.size);
    const BodyReader reader(message.head.framing, message.head.content_length);
    EXPECT_EQ(properties::read_body(reader, rest).payload,
              rest.substr(0, message.head.content_length))
        << id;
  }
  return true;
}

TEST_F(OtherParserCorpus, figure_13_WhatBothAcceptIsReadAsItStandsThere) {
  int requests = 0;
  int responses = 0;
  for (const Case& one : cases_) {
    if (one.is_lenient || !one.error.empty()) continue;
    if (!one.is_request) {
      responses += is_read_as_it_stands(ParsedResponse(one.bytes), one.id);
      continue;
    }
    std::string text = one.bytes;
    if (refusal(text) == kNoHost) text.insert(text.find("\r\n", 2), "\r\nHost: a");
    requests += is_read_as_it_stands(ParsedRequest(text), one.id);
  }
  EXPECT_GT(requests, 25);
  EXPECT_GT(responses, 25);
}

// The same without the data: own cases of each class.
TEST(AmbiguousRequest, figure_13_OfEachClassIsRefusedAndItsPlainFormIsRead) {
  const std::string_view refused[] = {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                                      "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n",
                                      "Transfer-Encoding : chunked\r\n",
                                      "Transfer-Encoding:\vchunked\r\n",
                                      "Transfer-Encoding: chunked, identity\r\n",
                                      "X: y\n Transfer-Encoding: chunked\r\n",
                                      "X: y\r\n Transfer-Encoding: chunked\r\n",
                                      "X: y\rTransfer-Encoding: chunked\r\n",
                                      "Content-Length: 5\r\nContent-Length: 5\r\n",
                                      "Content-Length: +5\r\n",
                                      "Content-Length: 5, 5\r\n",
                                      "Content-Length: 18446744073709551621\r\n",
                                      "Host: b\r\n"};
  for (const std::string_view lines : refused) {
    EXPECT_NE(refusal(get_with(lines)), kNone) << lines;
  }
  EXPECT_TRUE(is_read_as_it_stands(ParsedRequest(get_with("Content-Length: 2\r\n") + "ab"), "own"));
  EXPECT_TRUE(is_read_as_it_stands(ParsedRequest(get_with("X: y\r\nX:  z \r\n")), "own"));
}

}  // namespace
}  // namespace weir::http
