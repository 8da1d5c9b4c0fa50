// harness/policies/survival.hpp - which strategy works under which policy on this machine, found
// out by doing it.
//
// Each pair is tried in a process of its own: it sets the policy, reserves a zone, patches,
// executes, patches again, executes, ends installation (seal()) and executes once more.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "strategies/apply_policy.hpp"
#include "strategies/policy.hpp"

namespace patchbench::harness {

enum class Outcome {
  survives,     // what was patched was executed
  refused,      // by a system call
  wrong,        // it executed something else than what was patched in
  crashed,      // killed by a signal
  not_set,      // the policy could not be set
  unavailable,  // this machine has not what the strategy needs
};

/// One pair.
struct Survival {
  Outcome outcome = Outcome::survives;
  std::string call;       // of a refusal: "mmap"
  std::string error;      // "EACCES"
  std::string reason;     // in words; empty where it survives
  bool as_stated = true;  // the zone says so of itself (kRefusedBy); true where nothing was tried
};

struct TriedPolicy {
  std::optional<Policy> policy;  // empty: none
  AppliedPolicy applied;
};

struct TriedStrategy {
  std::string id;
  std::vector<Survival> under;  // in the order of the policies
};

struct SurvivalMatrix {
  std::vector<TriedPolicy> policies;  // none, then those of kPolicies
  std::vector<TriedStrategy> strategies;
};

/// Every strategy of the registry under every policy. The caller has one thread. Throws
/// std::system_error where there can be no children.
[[nodiscard]] SurvivalMatrix find_survival();

[[nodiscard]] std::string survival_text(const SurvivalMatrix& matrix);
[[nodiscard]] std::string survival_json(const SurvivalMatrix& matrix);

}  // namespace patchbench::harness
