// The questions that control asks of a node on its stream, by the words of their frames: both ends
// read them here (docs/formats/frames.md). Thread: any (constants).
#pragma once

#include <algorithm>
#include <string_view>

namespace weir::model {

struct NodeQuestion {
  std::string_view question;  // down, with a number as id
  std::string_view answer;    // up, with the same number
};

inline constexpr NodeQuestion kExplain{"explain?", "explain"};

/// All there are: what stands here is passed on by both ends.
inline constexpr NodeQuestion kNodeQuestions[] = {kExplain};

/// The word of the answer to a question; empty for any other word.
constexpr std::string_view answer_to(std::string_view word) {
  const auto* found = std::ranges::find(kNodeQuestions, word, &NodeQuestion::question);
  return found == std::ranges::end(kNodeQuestions) ? std::string_view() : found->answer;
}
constexpr bool is_node_question(std::string_view word) { return !answer_to(word).empty(); }
constexpr bool is_node_answer(std::string_view word) {
  return std::ranges::find(kNodeQuestions, word, &NodeQuestion::answer) !=
         std::ranges::end(kNodeQuestions);
}

}  // namespace weir::model
