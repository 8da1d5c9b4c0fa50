// analysis/comparison_text.hpp - a comparison of two runs, for a terminal.
#pragma once

#include <string>
#include <vector>

#include "analysis/compare.hpp"
#include "analysis/conclusions.hpp"
#include "analysis/context_difference.hpp"

namespace patchbench::analysis {

/// Everything that the text tells.
struct ComparisonReport {
  std::string first_name;  // how the runs are called: the arguments
  std::string second_name;
  ContextDifferences differences;
  std::string state_difference;  // of the machine's states; empty where they agree
  Comparison comparison;
  std::vector<Change> times;  // empty unless asked for
  std::vector<StrategyOrder> orders;
  std::vector<BreakEvenPair> break_evens;
};

/// Plain ASCII apart from what the results hold. The tables come first and the summary last, where
/// a person looks. Ends with a newline.
[[nodiscard]] std::string comparison_text(const ComparisonReport& report);

}  // namespace patchbench::analysis
