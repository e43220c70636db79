#include "model/validate.h"

#include <gtest/gtest.h>

#include "model/parts.h"
#include "model/sample_world_test.h"

namespace weir::model {
namespace {

/// Fields and codes of the violations, e.g. "spec.port invalid_argument".
std::vector<std::string> places(const Errors& errors) {
  std::vector<std::string> out;
  for (const Error& error : errors) {
    out.push_back(error.field + " " + std::string(error_code_name(error.code)));
  }
  return out;
}

using Places = std::vector<std::string>;

Errors update(const ObjectIndex& index, Kind kind, const std::string& id, const char* patch,
              UpdateMode mode = UpdateMode::kMerge) {
  const Object& old = *index.find(kind, id);
  Object updated;
  Errors errors = read_update(old, parse_json(patch).value(), mode, updated);
  return check_update(old, updated, sample_view(index), std::move(errors));
}

Errors update_error(const std::string& field) {
  return {{ErrorCode::kInvalidArgument, "cannot be changed", field}};
}

TEST(Update, OfTheSampleObjectsWithoutAnyChangeIsAccepted) {
  const ObjectIndex index = sample_world();
  for (const Kind kind : all_kinds()) {
    for (const Object* object : index.all(kind)) {
      if (object->owner != kDefaultOwner) continue;
      EXPECT_EQ(check_update(*object, *object, sample_view(index)), Errors()) << object->id;
    }
  }
}

TEST(Update, CannotChangeWhatIsFixedForLife) {
  const ObjectIndex index = sample_world();
  const std::string backend = "backend-http000000";
  EXPECT_EQ(update(index, Kind::kBackend, backend, R"({"spec":{"port":81}})"),
            update_error("spec.port"));
  EXPECT_EQ(update(index, Kind::kBackend, backend, R"({"spec":{"protocol":"Tcp",
      "healthCheck":{"protocol":"Tcp"}}})"),
            update_error("spec.protocol"));
  EXPECT_EQ(update(index, Kind::kListener, "listener-private000", R"({"spec":{"port":9}})"),
            update_error("spec.port"));
  EXPECT_EQ(update(index, Kind::kLoadBalancer, "alb-private000", R"({"spec":{"type":"nlb"}})"),
            update_error("spec.type"));
  EXPECT_EQ(places(update(index, Kind::kBackend, backend,
                          R"({"spec":{"loadBalancerId":"nlb-private000"}})")),
            (Places{"spec.loadBalancerId invalid_argument", "spec.protocol invalid_argument"}));
}

TEST(Update, ReplacingTheWholeMayLeaveOutWhatIsFixed) {
  const ObjectIndex index = sample_world();
  EXPECT_EQ(update(index, Kind::kBackend, "backend-http000000",
                   R"({"spec":{"healthCheck":{"protocol":"Tcp"},"httpForwardedPort":true}})",
                   UpdateMode::kReplace),
            Errors());
}

TEST(Update, OfAnObjectOfAnOlderReleaseTakesAMissingFieldForItsDefault) {
  ObjectIndex index = sample_world();
  Object lb = *index.find(Kind::kLoadBalancer, "alb-private000");
  lb.spec.erase("type");
  index.put(lb);
  EXPECT_EQ(update(index, Kind::kLoadBalancer, lb.id, R"({"name":"other"})"), Errors());
}

TEST(Update, CanCloseTheHealthCheckAndSwitchAListenerOff) {
  const ObjectIndex index = sample_world();
  const Object& backend = *index.find(Kind::kBackend, "backend-http000000");
  Object closed;
  EXPECT_EQ(read_update(backend, parse_json(R"({"admin":{"closeHealthCheck":true}})").value(),
                        UpdateMode::kMerge, closed),
            Errors());
  EXPECT_EQ(check_update(backend, closed, sample_view(index)), Errors());
  EXPECT_TRUE(closed.admin.bool_or("closeHealthCheck", false));
  EXPECT_EQ(closed.spec, backend.spec);
  EXPECT_EQ(update(index, Kind::kListener, "listener-private000", R"({"admin":{"status":"Off"}})"),
            Errors());
}

TEST(Update, NeverTakesOverWhatControlAloneDecides) {
  const ObjectIndex index = sample_world();
  const Object& lb = *index.find(Kind::kLoadBalancer, "alb-private000");
  Object updated;
  EXPECT_EQ(read_update(lb,
                        parse_json(R"({"owner":"x","revision":9,"created":"x","status":{},
                            "admin":{"vip":"1.2.3.4","state":"stopped"}})")
                            .value(),
                        UpdateMode::kReplace, updated),
            Errors());
  EXPECT_EQ(updated.owner, lb.owner);
  EXPECT_EQ(updated.created, lb.created);
  EXPECT_EQ(updated.admin.string_or("vip", ""), "10.0.1.10");
  EXPECT_EQ(updated.admin.string_or("state", ""), "stopped");
}

TEST(Update, MergesAndNullGivesTheDefaultBack) {
  const ObjectIndex index = sample_world();
  const Object& old = *index.find(Kind::kBackend, "backend-http000000");
  Object updated;
  EXPECT_EQ(read_update(old,
                        parse_json(R"({"labels":{"team":"a"},
                            "spec":{"healthCheck":{"intervalSeconds":7,"httpPath":"/a"}}})")
                            .value(),
                        UpdateMode::kMerge, updated),
            Errors());
  Object again;
  EXPECT_EQ(read_update(updated,
                        parse_json(R"({"labels":{"team":null},
                            "spec":{"healthCheck":{"intervalSeconds":null,"httpPath":null}}})")
                            .value(),
                        UpdateMode::kMerge, again),
            Errors());
  EXPECT_EQ(updated.spec.find("healthCheck")->integer_or("intervalSeconds", 0), 7);
  EXPECT_EQ(updated.labels.at("team"), "a");
  EXPECT_EQ(again, old);
}

TEST(Update, OfAnotherTargetDoesNotJudgeTheOldOnesByTheirPlaceAgain) {
  ObjectIndex index = sample_world();
  Object group = *index.find(Kind::kTargetGroup, "tg-private000");
  group.spec["targets"] = parse_json(R"([{"targetId":"target-a","ipAddress":"10.0.7.1"}])").value();
  index.put(group);
  EXPECT_EQ(update(index, Kind::kTargetGroup, group.id,
                   R"({"spec":{"targets":[{"targetId":"target-a","ipAddress":"10.0.7.1","port":0,
                       "weight":3},{"ipAddress":"10.0.1.30"}]}})"),
            Errors());
  EXPECT_EQ(
      places(update(index, Kind::kTargetGroup, group.id,
                    R"({"spec":{"targets":[{"targetId":"target-a","ipAddress":"10.0.1.9"}]}})")),
      Places{"spec.targets[0].ipAddress invalid_argument"});
}

TEST(Update, CannotMoveTheNameOntoThatOfANeighbour) {
  const ObjectIndex index = sample_world();
  EXPECT_EQ(places(update(index, Kind::kBackend, "backend-tcp0000000", R"({"name":"taken"})")),
            Places{"name already_exists"});
  EXPECT_EQ(update(index, Kind::kBackend, "backend-http000000", R"({"name":"taken"})"), Errors());
}

TEST(Delete, OfWhatIsInUseNamesEveryUser) {
  const ObjectIndex index = sample_world();
  const auto errors_of = [&](Kind kind, const char* id) {
    Places out;
    for (const Error& error : check_delete(*index.find(kind, id), index.view())) {
      EXPECT_EQ(error.code, ErrorCode::kConflict);
      out.push_back(error.message);
    }
    return out;
  };
  EXPECT_EQ(errors_of(Kind::kBackend, "backend-http000000"),
            Places{"backend-http000000 is in use by listener listener-private000 (taken)"});
  EXPECT_EQ(errors_of(Kind::kLoadBalancer, "nlb-private000"),
            Places{"nlb-private000 is in use by backend service backend-nlb0000000 (nlb)"});
  EXPECT_EQ(errors_of(Kind::kLoadBalancer, "alb-private000").size(), 6u);
  EXPECT_EQ(errors_of(Kind::kSubnet, "subnet-private000").size(), 8u);
  EXPECT_EQ(errors_of(Kind::kVpc, "vpc-private000").size(), 3u) << "subnet and security groups";
}

TEST(Delete, OfWhatNothingUsesIsAccepted) {
  const ObjectIndex index = sample_world();
  EXPECT_EQ(check_delete(*index.find(Kind::kBackend, "backend-tcp0000000"), index.view()),
            Errors());
  EXPECT_EQ(check_delete(*index.find(Kind::kListener, "listener-private000"), index.view()),
            Errors());
  EXPECT_EQ(check_delete(*index.find(Kind::kVpc, "vpc-open000000"), index.view()), Errors());
}

TEST(Delete, OfATargetGroupWaitsUntilNoBackendServiceNamesIt) {
  ObjectIndex index = sample_world();
  const Object& group = *index.find(Kind::kTargetGroup, "tg-private000");
  EXPECT_EQ(check_delete(group, index.view()), Errors());
  Object backend = *index.find(Kind::kBackend, "backend-http000000");
  backend.spec["targetGroupIds"] = Json::array({"tg-private000"});
  index.put(backend);
  EXPECT_EQ(places(check_delete(group, index.view())), Places{" conflict"});
}

TEST(Delete, OfAProtectedLoadBalancerIsRefusedInBothForms) {
  ObjectIndex index;
  put_networks(index);
  Object lb = sample(Kind::kLoadBalancer, "alb-x", "x",
                     R"({"subnetId":"subnet-private000","deleteProtection":true})");
  index.put(lb);
  EXPECT_EQ(places(check_delete(lb, index.view())), Places{"spec.deleteProtection conflict"});
  EXPECT_EQ(places(check_cascade(lb)), Places{"spec.deleteProtection conflict"});
}

TEST(OtherOwners, ObjectsAnswerLikeOnesThatNeverExisted) {
  const ObjectIndex index = sample_world();
  const auto judge = [&](const std::string& lb, const std::string& backend) {
    Object listener =
        sample(Kind::kListener, "listener-new", "taken", R"({"protocol":"Http","port":8080})");
    listener.spec["loadBalancerId"] = lb;
    listener.spec["backendId"] = backend;
    Errors errors = check_create(listener, sample_view(index));
    for (Error& error : errors) error.message = error.message.substr(error.message.rfind('\'') + 1);
    return errors;
  };
  EXPECT_EQ(judge("alb-foreign000", "backend-foreign000"), judge("alb-nosuchthin", "backend-none"));
}

TEST(Quota, OfTargetsInAGroupIsHeldWithoutTouchingGroupsThatAreLargerAlready) {
  const ObjectIndex index = sample_world();
  Object group = *index.find(Kind::kTargetGroup, "tg-local00000");
  Json targets = Json::array();
  for (int i = 0; i < 101; ++i) {
    targets.push_back(Json::object({{"ipAddress", "127.3.0." + std::to_string(i)}}));
  }
  group.spec["targets"] = targets;
  EXPECT_EQ(places(check_create(group, sample_view(index))), Places{"spec.targets quota_exceeded"});
  EXPECT_EQ(check_update(group, group, sample_view(index)), Errors());
}

TEST(PartErrors, AreToldWithThePathsOfThePartItself) {
  const PartKind& target = *part_kind_of(*find_description("target"));
  const Errors errors =
      as_part_errors({{ErrorCode::kInvalidArgument, "a", "spec.targets[7].port"},
                      {ErrorCode::kInvalidArgument, "b", "spec.targets[7]"},
                      {ErrorCode::kInvalidArgument, "c", "spec.targets[71].port"}},
                     target, 7);
  EXPECT_EQ(errors[0].field, "spec.port");
  EXPECT_EQ(errors[1].field, "spec");
  EXPECT_EQ(errors[2].field, "spec.targets[71].port");
}

}  // namespace
}  // namespace weir::model
