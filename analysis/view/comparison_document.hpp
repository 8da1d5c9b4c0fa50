// analysis/view/comparison_document.hpp - what a comparison of two runs says.
#pragma once

#include <string>
#include <vector>

#include "analysis/quantity/compare.hpp"
#include "analysis/quantity/context_difference.hpp"
#include "analysis/render/document.hpp"
#include "analysis/view/conclusions.hpp"

namespace patchbench::analysis {

/// Everything that it is made of.
struct ComparisonReport {
  std::string first_name;  // how the runs are called: the arguments
  std::string second_name;
  ContextDifferences differences;
  std::string state_difference;  // of the machine's states; empty where they agree
  Comparison comparison;
  std::vector<Change> times;                  // empty unless asked for
  std::vector<results::MetricEntry> metrics;  // as the first run describes them
  std::vector<StrategyOrder> orders;
  std::vector<BreakEvenPair> break_evens;
};

/// Its summary is what was called and whether the limit was kept; the rest are the tables.
[[nodiscard]] Document comparison_document(const ComparisonReport& report);

}  // namespace patchbench::analysis
