#include "harness/policies/survival.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>

#include "harness/programs/look_up_test.hpp"
#include "strategies/registry.hpp"

namespace patchbench::harness {
namespace {

TEST_CASE("each strategy of the registry survives as its zone says, where it can be tried") {
  const SurvivalMatrix matrix = find_survival();
  REQUIRE(matrix.policies.size() == 1 + kPolicies.size());
  REQUIRE(matrix.strategies.size() == std::tuple_size_v<StrategyList>);
  for (const TriedStrategy& strategy : matrix.strategies) {
    REQUIRE(strategy.under.size() == matrix.policies.size());
    for (std::size_t i = 0; i < strategy.under.size(); ++i) {
      const Survival& survival = strategy.under[i];
      const TriedPolicy& tried = matrix.policies[i];
      INFO(strategy.id << " under " << (tried.policy ? policy_info(*tried.policy).word : "none")
                       << ": " << survival.reason);
      CHECK(survival.as_stated);
      CHECK((survival.outcome == Outcome::not_set) ==
            (tried.applied.setting != PolicySetting::set));
    }
  }
}

SurvivalMatrix made_up() {
  return {.policies = {{.policy = {}, .applied = {}},
                       {.policy = Policy::mdwe, .applied = {}},
                       {.policy = Policy::noexec,
                        .applied = {.setting = PolicySetting::needs_rights,
                                    .reason = "unshare: Operation not permitted"}}},
          .strategies = {{.id = "one",
                          .under = {{},
                                    {.outcome = Outcome::refused,
                                     .call = "mmap",
                                     .error = "EACCES",
                                     .reason = "mmap: Permission denied",
                                     .as_stated = false},
                                    {.outcome = Outcome::not_set,
                                     .call = {},
                                     .error = {},
                                     .reason = "unshare: Operation not permitted"}}},
                         {.id = "two",
                          .under = {{.outcome = Outcome::crashed,
                                     .call = {},
                                     .error = "SIGSEGV",
                                     .reason = "it ends with SIGSEGV"},
                                    {.outcome = Outcome::unavailable,
                                     .call = {},
                                     .error = {},
                                     .reason = "this processor has no keys"},
                                    {.outcome = Outcome::not_set,
                                     .call = {},
                                     .error = {},
                                     .reason = "unshare: Operation not permitted"}}}}};
}

TEST_CASE("the matrix says what was refused, what crashed and what was not tried") {
  const std::string text = survival_text(made_up());
  INFO(text);
  CHECK(says(text, "one       yes      no           needs root\n"));
  CHECK(says(text, "two       SIGSEGV  no hardware  needs root\n"));
  CHECK(says(text, "  mdwe: mmap EACCES: one\n"));
  CHECK(says(text, "  mdwe: this processor has no keys: two\n"));
  CHECK(says(text, "  noexec was not set: unshare: Operation not permitted\n"));
  CHECK(says(text, "Otherwise than patchbench says of it (docs/policies.md):\n  one under mdwe\n"));
}

TEST_CASE("the matrix for programs has every pair") {
  const auto json = nlohmann::json::parse(survival_json(made_up()));
  CHECK(json.at("policies").size() == 3);
  CHECK(json.at("policies").at(2).at("setting") == "needs-rights");
  const auto& one = json.at("strategies").at(0);
  CHECK(one.at("under").at("none").at("outcome") == "survives");
  CHECK(one.at("under").at("none").at("call").is_null());
  CHECK(one.at("under").at("mdwe").at("error") == "EACCES");
  CHECK(one.at("under").at("mdwe").at("as_stated") == false);
  CHECK(json.at("strategies").at(1).at("under").at("noexec").at("outcome") == "not-set");
}

}  // namespace
}  // namespace patchbench::harness
