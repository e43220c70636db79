#include "model/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/random.h"
#include "model/object.h"

namespace weir::model {
namespace {

Frame sample_frame() {
  return {.version = {Epoch(3), Revision(77)},
          .kind = "listener",
          .id = "listener-abc",
          .is_tombstone = false,
          .body = R"({"name":"front"})"};
}

Frame random_frame(Random& random) {
  Frame frame;
  frame.version = {Epoch(random.next()), Revision(random.next())};
  frame.kind = random.word(1 + random.below(kFrameWordBytesMax));
  frame.id = random.word(random.below(kFrameWordBytesMax + 1));
  frame.is_tombstone = random.below(4) == 0;
  if (!frame.is_tombstone) frame.body = random.word(random.below(300));
  return frame;
}

/// Everything a decoder makes of the bytes before they end or an error comes.
struct Decoded {
  std::vector<Frame> frames;
  bool is_damaged = false;
  std::size_t pending = 0;
};

Decoded decode_all(std::string_view bytes) {
  Decoded out;
  FrameDecoder decoder;
  decoder.feed(bytes);
  while (true) {
    auto next = decoder.next();
    out.is_damaged = !next;
    out.pending = decoder.pending();
    if (!next || !*next) return out;
    out.frames.push_back(**std::move(next));
  }
}

TEST(Frame, ComesBackAsItWasWritten) {
  const Frame frame = sample_frame();
  const Decoded decoded = decode_all(encode(frame));
  ASSERT_EQ(decoded.frames.size(), 1u);
  EXPECT_EQ(decoded.frames[0], frame);
  EXPECT_EQ(decoded.pending, 0u);
}

TEST(Frame, OfEveryLengthComesBackWhateverThePiecesItArrivesIn) {
  const std::uint64_t seed = Random().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  std::vector<Frame> sent;
  std::string bytes;
  for (int i = 0; i < 500; ++i) bytes += encode(sent.emplace_back(random_frame(random)));
  FrameDecoder decoder;
  std::vector<Frame> got;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = std::min<std::size_t>(random.below(700), bytes.size() - at);
    decoder.feed(std::string_view(bytes).substr(at, size));
    at += size;
    for (auto next = decoder.next(); *next; next = decoder.next()) got.push_back(**next);
  }
  EXPECT_EQ(got, sent);
  EXPECT_EQ(decoder.consumed(), bytes.size());
  EXPECT_EQ(decoder.pending(), 0u);
}

TEST(Frame, WithAnyBitFlippedIsNeverTakenForAFrame) {
  const std::string good = encode(sample_frame());
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      const Decoded decoded = decode_all(bad);
      EXPECT_TRUE(decoded.frames.empty()) << "byte " << at << " bit " << bit;
      EXPECT_TRUE(decoded.is_damaged || decoded.pending > 0) << "byte " << at;
    }
  }
}

TEST(Frame, CutAtAnyByteIsPendingAndTheFramesBeforeItCount) {
  const std::string first = encode(sample_frame());
  const std::string both = first + encode(sample_frame());
  for (std::size_t size = first.size(); size < both.size(); ++size) {
    const Decoded decoded = decode_all(std::string_view(both).substr(0, size));
    EXPECT_EQ(decoded.frames.size(), 1u);
    EXPECT_FALSE(decoded.is_damaged);
    EXPECT_EQ(decoded.pending, size - first.size());
  }
}

TEST(Frame, ThatIsDamagedEndsTheStreamForGood) {
  std::string bytes = encode(sample_frame());
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  FrameDecoder decoder;
  decoder.feed(bytes);
  EXPECT_FALSE(decoder.next());
  decoder.feed(encode(sample_frame()));
  EXPECT_FALSE(decoder.next());
  EXPECT_EQ(decoder.consumed(), 0u);
}

TEST(Frame, OfAFormatThisBuildDoesNotKnowIsRefusedWithTheNumber) {
  std::string bytes = encode(sample_frame());
  bytes[4] = 2;
  FrameDecoder decoder;
  decoder.feed(bytes.substr(0, 5));
  const auto next = decoder.next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().message, "unknown frame format 2, this build reads 1");
}

TEST(Frame, WithAHostileLengthIsRefusedBeforeItsBodyIsAwaited) {
  std::string bytes = encode(sample_frame());
  bytes[11] = 0x7f;
  FrameDecoder decoder;
  decoder.feed(bytes.substr(0, 28));
  EXPECT_FALSE(decoder.next());
}

/// One line of frame_golden/expected.json.
Frame expected_frame(const Json& line) {
  Frame frame;
  frame.version = {Epoch(static_cast<std::uint64_t>(line.integer_or("epoch", 0))),
                   Revision(static_cast<std::uint64_t>(line.integer_or("revision", 0)))};
  frame.kind = line.string_or("kind", "");
  frame.id = line.string_or("id", "");
  frame.is_tombstone = line.bool_or("tombstone", false);
  frame.body = line.string_or("body", "");
  return frame;
}

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(GoldenRecordings, DecodeToWhatIsWrittenAndEncodeToTheSameBytes) {
  const std::string folder = "src/model/frame_golden/";
  const Json expected = parse_json(file_text(folder + "expected.json")).value();
  for (const auto& [name, line] : expected.as_object()) {
    SCOPED_TRACE(name);
    const std::string bytes = file_text(folder + name);
    const Decoded decoded = decode_all(bytes);
    ASSERT_EQ(decoded.frames.size(), 1u);
    EXPECT_EQ(decoded.frames[0], expected_frame(line));
    EXPECT_EQ(encode(decoded.frames[0]), bytes);
  }
}

TEST(GoldenRecordings, HoldEveryKindAndEachBodyIsStillTheStoredFormOfItsObject) {
  const std::string folder = "src/model/frame_golden/";
  const Json expected = parse_json(file_text(folder + "expected.json")).value();
  for (const Kind kind : all_kinds()) {
    EXPECT_NE(expected.find(std::string(kind_name(kind)) + ".bin"), nullptr) << kind_name(kind);
  }
  for (const auto& [name, line] : expected.as_object()) {
    const auto kind = kind_of_name(line.string_or("kind", ""));
    if (!kind || line.bool_or("tombstone", false)) continue;
    SCOPED_TRACE(name);
    const std::string body = line.string_or("body", "");
    const auto object = object_from_stored(*kind, line.string_or("id", ""), Revision(1), body);
    ASSERT_TRUE(object) << to_string(object.error());
    EXPECT_EQ(stored_text(*object), body);
  }
}

}  // namespace
}  // namespace weir::model
