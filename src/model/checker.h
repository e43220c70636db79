// What the rules of one kind work with: the object, the object it replaces, the world, and the list
// of violations. Internal to validation. Thread: one call.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/field.h"
#include "model/object.h"
#include "model/world_view.h"
#include "net/address.h"

namespace weir::model {

struct Backend;
struct Instance;
struct LoadBalancer;
struct TargetGroup;

class Checker {
 public:
  /// `old` is null at creation.
  Checker(const Object* old, const Object& object, const WorldView& world, Errors found)
      : old_(old), object_(object), world_(world), errors_(std::move(found)) {}

  const Object* old() const { return old_; }
  const Object& object() const { return object_; }
  const WorldView& world() const { return world_; }

  /// Adds a violation, unless this field, one above or one below it, has one already.
  void add(ErrorCode code, std::string_view field, std::string message);
  void invalid(std::string_view field, std::string message) {
    add(ErrorCode::kInvalidArgument, field, std::move(message));
  }
  /// The reader offers the words of every type of load balancer ("expected one of [...]"): a
  /// violation of this field offers these alone, "Tcp, Http".
  void offer(std::string_view field, std::string_view words);
  /// Whether the field has no violation so far.
  bool is_good(std::string_view field) const;
  /// Whether the field is new, or differs from the object that is replaced.
  bool is_changed(std::string_view spec_field) const;

  /// The typed spec as far as it could be read; ask is_good() for each field used.
  template <class T>
  T spec() const {
    return from_json<T>(object_.spec).value;
  }
  /// An object of the same owner, or null.
  const Object* find(Kind kind, std::string_view id) const;
  /// The other objects of this kind below the same load balancer; none when it is not the owner's,
  /// so that no answer tells what others have.
  std::vector<const Object*> siblings() const;
  /// The type of the object's load balancer, or of itself; nothing when that is not known.
  std::optional<LoadBalancerType> load_balancer_type() const;

  Errors take() { return std::move(errors_); }

 private:
  const Object* old_;
  const Object& object_;
  const WorldView& world_;
  Errors errors_;
};

/// The rules that follow from the field lists alone: the lists again, names, references,
/// immutability, and settings that do not fit the load balancer or the protocol.
void check_fields(Checker& checker);

/// The rules of the object's kind.
void check_kind(Checker& checker);
void check_targets(Checker& checker);
/// That the targets at these places of the group, or any of a backend service, do not reach the
/// service itself.
void check_own_targets(Checker& checker, const TargetGroup& group,
                       const std::vector<std::size_t>& judged);
void check_own_backend(Checker& checker, const Backend& backend);
void check_instance(Checker& checker);
void check_availability_group(Checker& checker);
/// That a backend service may name its availability group: place, and how many name it.
void check_backend_groups(Checker& checker, const Backend& backend);
/// That an instance may be registered into its availability group: place, and what it would reach.
void check_membership(Checker& checker, const Instance& instance);
/// That the backend services that name the group would not reach the service itself at the address.
void check_own_member(Checker& checker, const Object& group, const net::IpAddress& address);
/// Source: reliability.md section 6, "Health checks"
void check_no_node(Checker& checker, std::string_view path, const net::IpAddress& address);
void check_elastic_ip(Checker& checker);
/// The elastic IP that a load balancer names.
void check_association(Checker& checker, const LoadBalancer& lb);
/// What is somebody's elastic IP, or may become it, is nobody's private address.
void check_no_pool(Checker& checker, std::string_view field, const net::IpAddress& address);
void check_no_pool(Checker& checker, std::string_view field, const net::Prefix& prefix);
void check_security_group(Checker& checker);
/// Those that a load balancer names.
void check_security_groups(Checker& checker, const LoadBalancer& lb);
/// An address that somebody asks for: in the subnet, not reserved, and nobody else's.
void check_address_in_subnet(Checker& checker, std::string_view field, const std::string& address,
                             const Id& subnet_id);

/// The prefix of a VPC or subnet object, or nothing.
std::optional<net::Prefix> prefix_of(const Object& object);

}  // namespace weir::model
