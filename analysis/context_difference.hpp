// analysis/context_difference.hpp - what two runs were not measured under alike.
#pragma once

#include <string>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

struct ContextDifferences {
  /// "kernel: 6.1 and 6.12": what costs depend on, so that a change could be theirs: processor,
  /// virtualisation, kernel and how it was started, governor, turbo, SMT, mitigations, compiler,
  /// flags. Known to one run only counts as different.
  std::vector<std::string> decisive;
  /// What a reader should know beside: host, revision, libraries, what children were pinned to.
  std::vector<std::string> others;
};

[[nodiscard]] ContextDifferences context_differences(const results::Context& first,
                                                     const results::Context& second);

}  // namespace patchbench::analysis
