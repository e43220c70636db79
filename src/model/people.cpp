#include "model/people.h"

#include <vector>

namespace weir::model {
namespace {

template <class T>
KindDescription described(KindDescription description) {
  description.spec = describe<T>();
  description.admin = describe<typename T::Admin>();
  return description;
}

std::vector<Column> credential_columns() {
  return {{"ID", "id"},
          {"NAME", "name"},
          {"ACCOUNT", "owner"},
          {"USER", "spec.user"},
          {"EXPIRES", "admin.expiresTime"}};
}

}  // namespace

std::span<const KindDescription> people_descriptions() {
  static const std::vector<KindDescription> kAll = [] {
    std::vector<KindDescription> all;
    all.push_back(described<User>(
        {.word = "user",
         .singular = "user",
         .sentence = "somebody with a role in an account",
         .aliases = {"users"},
         .columns = {
             {"ID", "id"}, {"NAME", "name"}, {"ACCOUNT", "owner"}, {"ROLE", "spec.role"}}}));
    all.push_back(described<Token>({.word = "token",
                                    .singular = "token",
                                    .sentence = "a bearer token that speaks for a user",
                                    .aliases = {"tokens"},
                                    .columns = credential_columns()}));
    all.push_back(described<AccessKey>({.word = "accesskey",
                                        .singular = "access key",
                                        .sentence = "a key that signs calls of /v1 for a user",
                                        .aliases = {"accesskeys", "access-key", "access-keys"},
                                        .columns = credential_columns()}));
    return all;
  }();
  return kAll;
}

}  // namespace weir::model
