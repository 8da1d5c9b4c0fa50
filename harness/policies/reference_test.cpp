// What scripts/selinux-guest found on a real kernel for each architecture, which the table in
// docs/policies.md is made from, is what the zones say of themselves.
#include <algorithm>
#include <fstream>
#include <string>
#include <tuple>

#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>

#include "strategies/policy.hpp"
#include "strategies/registry.hpp"

namespace patchbench::harness {
namespace {

using nlohmann::json;

json reference(const std::string& arch) {
  std::ifstream file(std::string(PATCHBENCH_REFERENCE) + "/policies/" + arch + ".json");
  REQUIRE(file);
  return json::parse(file);
}

/// Null where there is no such strategy.
json survival_of(const json& found, std::string_view strategy) {
  for (const json& one : found.at("strategies")) {
    if (one.at("id") == strategy) return one.at("under");
  }
  return {};
}

void check_pair(const json& pair, std::span<const Refusal> refusals, const PolicyInfo& policy) {
  const auto stated = std::ranges::find(refusals, policy.policy, &Refusal::policy);
  if (stated == refusals.end()) {
    CHECK(pair.at("outcome") == "survives");
    return;
  }
  CHECK(pair.at("outcome") == "refused");
  CHECK(pair.at("error") == strerrorname_np(stated->error));
  CHECK(pair.at("reason").get<std::string>().starts_with(stated->call));
}

template <class Strategy>
void check_strategy(const json& found) {
  const json under = survival_of(found, Strategy::kId);
  if (under.is_null()) {
    WARN(Strategy::kId << " was not tried under SELinux yet: scripts/selinux-guest does");
    return;
  }
  for (const PolicyInfo& policy : kPolicies) {
    const json pair = under.at(std::string(policy.word));
    INFO(Strategy::kId << " under " << policy.word << ": " << pair
                       << "; scripts/selinux-guest finds it out anew");
    if (pair.at("outcome") == "unavailable") continue;
    check_pair(pair, refusals_of<typename Strategy::Zone>(), policy);
  }
}

template <class... Strategies>
void check_strategies(const json& found, std::tuple<Strategies...> /*list*/) {
  (check_strategy<Strategies>(found), ...);
}

TEST_CASE("the recorded survival of strategies is what their zones say") {
  for (const char* arch : {"x86_64", "aarch64"}) {
    INFO(arch);
    const json found = reference(arch);
    for (const json& policy : found.at("policies")) CHECK(policy.at("setting") == "set");
    check_strategies(found, StrategyList{});
  }
}

}  // namespace
}  // namespace patchbench::harness
