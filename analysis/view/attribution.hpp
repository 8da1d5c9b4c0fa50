// analysis/view/attribution.hpp - what the price of an indirect send consists of, where a run can
// say so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"
#include "analysis/statistics/statistics.hpp"

namespace patchbench::analysis {

/// What a send of one strategy costs beyond one of the baseline.
struct Beyond {
  std::string strategy;
  double ns = 0;
  Interval interval{};  // 95 %; holds 0 where nothing is decided
};

struct Attribution {
  enum class Outcome {
    attributed,
    undecided,       // indirect-cell does not differ from the baseline by this run
    not_attributed,  // the controls contradict each other
  };
  Outcome outcome = Outcome::undecided;
  results::Params params;     // of workload mic
  Beyond whole;               // indirect-cell
  std::vector<Beyond> parts;  // target-cell, target-register and tag-cell, those that were measured
  std::string text;           // all of it, as sentences
};

/// For every parameter set of `mic` with the baseline, indirect-cell and one of its controls, each
/// in two rounds or more: what indirect-cell costs beyond the baseline, and what each control does,
/// from differences inside the rounds that indirect-cell was measured in (their median with its
/// distribution-free interval from kRobustRounds on, their mean with its t interval below).
///
/// Nothing is attributed where indirect-cell is not known to cost at least the run's delta more,
/// nor where tag-cell costs more than indirect-cell, interval-wise: it does a part of what that
/// does, so something else was measured. Beside a control stands by how many instructions a send
/// its code differs from the baseline's.
[[nodiscard]] std::vector<Attribution> attributions(const Quantities& run);

/// The two published claims that meet in workload mic, held against this run: a row for each of its
/// parameter sets that has indirect-cell, and a sentence each on where they hold. Without a table
/// where the run has none.
///
/// - "in-place caches do not shorten execution times" (Poirier, Rohou and Serrano, arXiv
///   2502.20547) holds where a send through data costs the same as one of the baseline;
/// - "indirect calls defeat the instruction prefetch" (Cog's authors) holds where a send whose
/// branch
///   is indirect, and which reads no data for it, costs more than one of the baseline.
[[nodiscard]] Section claims_section(const Quantities& run);

}  // namespace patchbench::analysis
