#include "agent/addresses.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <utility>

#include "agent/local_connections.h"
#include "base/json.h"
#include "base/log.h"
#include "net/netlink.h"

namespace weir::agent {

AddressCalls machine_address_calls() {
  return {.add = net::add_address,
          .remove = net::remove_address,
          .announce = net::announce_address,
          .connections = local_connections};
}

Addresses::Addresses(AddressCalls calls, std::string record, const Clock& clock)
    : calls_(std::move(calls)), record_(std::move(record)), clock_(clock) {
  read_record();
}

void Addresses::ensure(const std::vector<WantedAddress>& wanted) {
  std::map<net::IpAddress, const WantedAddress*> names;
  for (const WantedAddress& one : wanted) names.emplace(one.address, &one);
  for (auto at = states_.begin(); at != states_.end();) {
    auto& [address, state] = *at;
    if (names.contains(address) || state.is_releasing) {
      ++at;
    } else if (state.mode == BindingMode::kInterface && state.is_present) {
      state.is_releasing = true;
      state.release_deadline = clock_.now() + kAddressReleaseMax;
      ++at;
    } else {
      at = states_.erase(at);
    }
  }
  for (const auto& [address, one] : names) {
    const auto [at, is_new] = states_.try_emplace(address);
    AddressState& state = at->second;
    const bool is_same =
        !is_new && state.mode == one->binding.mode && state.interface == one->binding.interface;
    if (!is_new && !is_same) {
      remove(address, state);
      state = AddressState{};
    }
    state.subnet_id = one->subnet_id;
    state.mode = one->binding.mode;
    state.interface = one->binding.interface;
    state.is_releasing = false;
    if (!is_same || !state.is_present) add(address, state);
  }
}

void Addresses::add(const net::IpAddress& address, AddressState& state) {
  if (state.mode != BindingMode::kInterface) {
    state.is_present = true;
    return;
  }
  // Written before it is added, so that an address never outlives its record.
  write_record();
  const Result<bool> added = calls_.add(state.interface, address);
  state.is_present = added.ok();
  if (!added) {
    if (state.failure != added.error().message) {
      log::error("cannot add an address", {{"address", address.text()},
                                           {"interface", state.interface},
                                           {"detail", added.error().message}});
    }
    state.failure = added.error().message;
    return;
  }
  state.failure.clear();
  state.is_ours = state.is_ours || *added;
  if (!state.is_ours) write_record();  // It was there before us and stays when we go.
  log::info("added an address", {{"address", address.text()}, {"interface", state.interface}});
  announce(address, state);
}

void Addresses::announce(const net::IpAddress& address, const AddressState& state) {
  const Result<void> announced = calls_.announce(state.interface, address);
  if (!announced) {
    log::warning("cannot announce an address",
                 {{"address", address.text()}, {"detail", announced.error().message}});
  }
}

bool Addresses::restore() {
  bool has_changed = false;
  for (auto& [address, state] : states_) {
    const bool is_wanted = state.is_present && !state.is_releasing;
    if (state.mode != BindingMode::kInterface || !is_wanted) continue;
    // That it is there already is the normal case.
    const Result<bool> added = calls_.add(state.interface, address);
    if (added && !*added) continue;
    has_changed = true;
    if (!added) {
      log::error("an address is gone and cannot be put back", {{"address", address.text()},
                                                               {"interface", state.interface},
                                                               {"detail", added.error().message}});
      state.is_present = false;
      state.failure = added.error().message;
      continue;
    }
    log::warning("somebody removed an address, put back",
                 {{"address", address.text()}, {"interface", state.interface}});
    state.is_ours = true;
    announce(address, state);
  }
  if (has_changed) write_record();
  return has_changed;
}

bool Addresses::remove(const net::IpAddress& address, const AddressState& state) {
  if (!state.is_ours) return true;
  const Result<void> removed = calls_.remove(state.interface, address);
  if (removed) {
    log::info("removed an address", {{"address", address.text()}, {"interface", state.interface}});
  } else {
    log::error("cannot remove an address",
               {{"address", address.text()}, {"detail", removed.error().message}});
  }
  return removed.ok();
}

bool Addresses::release_idle() {
  const std::size_t before = states_.size();
  for (auto at = states_.begin(); at != states_.end();) {
    const auto& [address, state] = *at;
    const bool is_over = state.is_releasing && (clock_.now() >= state.release_deadline ||
                                                calls_.connections(address) == 0);
    if (is_over) remove(address, state);
    at = is_over ? states_.erase(at) : std::next(at);
  }
  if (states_.size() == before) return false;
  write_record();
  return true;
}

bool Addresses::release_all() {
  std::erase_if(states_, [this](const auto& held) { return remove(held.first, held.second); });
  write_record();
  return states_.empty();
}

bool Addresses::has_work() const {
  for (const auto& [address, state] : states_) {
    if (state.is_releasing || !state.is_present) return true;
  }
  return false;
}

void Addresses::read_record() {
  std::ifstream stream(record_);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const Result<Json> json = parse_json(text);
  if (!json || !json->is_array()) return;
  for (const Json& item : json->as_array()) {
    const auto address = net::IpAddress::parse(item.string_or("address", ""));
    if (!address) continue;
    AddressState& state = states_[*address];
    state.subnet_id = item.string_or("subnet", "");
    state.mode = BindingMode::kInterface;
    state.interface = item.string_or("interface", "");
    state.is_ours = true;
    state.is_releasing = true;
    state.release_deadline = clock_.now() + kAddressReleaseMax;
  }
}

void Addresses::write_record() const {
  Json items = Json::array();
  for (const auto& [address, state] : states_) {
    if (state.mode != BindingMode::kInterface || (state.is_present && !state.is_ours)) continue;
    items.push_back(Json::object({{"address", address.text()},
                                  {"subnet", state.subnet_id},
                                  {"interface", state.interface}}));
  }
  const std::string fresh = record_ + ".new";
  std::ofstream stream(fresh, std::ios::trunc);
  stream << items.dump();
  stream.close();
  if (stream && std::rename(fresh.c_str(), record_.c_str()) == 0) return;
  log::warning("cannot write down which addresses were added", {{"file", record_}});
}

}  // namespace weir::agent
