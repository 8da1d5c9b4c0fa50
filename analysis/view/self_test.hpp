// analysis/view/self_test.hpp - what a run's self-test says, in words.
#pragma once

#include <string>
#include <vector>

#include "analysis/render/document.hpp"
#include "results/model.hpp"

namespace patchbench::analysis {

/// For the top of whatever shows the run's numbers: one sentence for each line that failed, with
/// what that means for them. Empty where all passed, and where no self-test was run.
[[nodiscard]] std::vector<std::string> self_test_alarms(const results::Context& context);

/// "passed (2025-01-31T12:00:00Z)", "FAILED: known-3", "no self-test was run"
[[nodiscard]] std::string self_test_outcome(const results::Context& context);

/// One row a line.
[[nodiscard]] Section self_test_section(const results::SelfTest& test);

/// The same for a terminal: less of it, and what stands behind the numbers below them.
[[nodiscard]] Section self_test_summary(const results::SelfTest& test);

}  // namespace patchbench::analysis
