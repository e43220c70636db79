#include "agent/proxy_questions.h"

#include <utility>

#include "agent/protocol.h"

namespace weir::agent {

ProxyQuestions::ProxyQuestions(net::EventLoop& loop, ProxyChildren& children,
                               std::function<void(const model::Frame&)> answer)
    : loop_(loop), children_(children), answer_(std::move(answer)) {}

std::vector<Sample> ProxyQuestions::samples() {
  return stats_.ask([this](std::uint64_t question) {
    loop_.post([this, question] { ask_for_stats(question); });
  });
}

void ProxyQuestions::ask_for_stats(std::uint64_t question) {
  stats_question_ = question;
  stats_missing_ =
      children_.ask_all(signal_frame(message::kStatsQuestion, std::to_string(question)));
  if (stats_missing_ == 0) stats_.answer(question, children_.samples());
}

void ProxyQuestions::take_stats(const model::Frame& frame) {
  if (frame.id != std::to_string(stats_question_) || stats_missing_ == 0) return;
  // A long answer comes in parts, and only the last one counts.
  const Result<Json> body = parse_json(frame.body, body_limits());
  if (body && body->bool_or("more", false)) return;
  if (--stats_missing_ == 0) stats_.answer(stats_question_, children_.samples());
}

void ProxyQuestions::ask(const model::Frame& question) {
  if (asked_.size() >= kControlQuestionsMax) {
    return refuse(question, "its proxy has " + std::to_string(asked_.size()) +
                                " questions to answer, and takes no more");
  }
  const std::uint64_t number = next_number_++;
  if (!forward(number, question)) return refuse(question, "no proxy serves");
  asked_.emplace(number, question);
}

/// Under our number: those of an earlier control may come again.
bool ProxyQuestions::forward(std::uint64_t number, const model::Frame& question) {
  model::Frame ours = question;
  ours.id = std::to_string(number);
  return children_.ask_serving(ours);
}

void ProxyQuestions::refuse(const model::Frame& question, const std::string& reason) {
  const Json error = Json::object({{"code", "unavailable"}, {"message", reason}});
  answer_(message_frame(model::answer_to(question.kind), question.id,
                        Json::object({{"error", error}})));
}

void ProxyQuestions::take(const model::Frame& answer) {
  if (answer.kind == message::kStats) return take_stats(answer);
  for (auto at = asked_.begin(); at != asked_.end(); ++at) {
    if (std::to_string(at->first) != answer.id) continue;
    model::Frame theirs = answer;
    theirs.id = at->second.id;
    asked_.erase(at);
    return answer_(theirs);
  }
}

/// The one before may still answer too: the first answer counts.
void ProxyQuestions::serving_changed() {
  for (const auto& [number, question] : std::exchange(asked_, {})) {
    if (forward(number, question)) {
      asked_.emplace(number, question);
    } else {
      refuse(question, "its proxy went away before it answered, and no other serves");
    }
  }
}

}  // namespace weir::agent
