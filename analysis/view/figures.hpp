// analysis/view/figures.hpp - the figures of a run.
#pragma once

#include <string>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"
#include "analysis/render/vega.hpp"

namespace patchbench::analysis {

struct Figure {
  std::string name;  // of its files: "send-by-sites"
  std::string title;
  std::string caption;    // two sentences: how to read it
  std::string script;     // for gnuplot, self-contained; draws NAME.svg and NAME.pdf
  DrawnChart drawn = {};  // for a page; without groups: another figure of the page shows it
  Part part = Part::send;
};

struct FigureSet {
  std::vector<Figure> figures;
  /// Figures that this run has no cells for, each with the reason as a sentence.
  std::vector<std::string> absent;
};

/// send-ratio, send-by-sites, patch-ratio, patch-cost (and patch-cost-N of other numbers of sites),
/// patch-by-batch, patch-by-publish, break-even, relink-rate-ratio, relink-rate-cost, degree-ratio,
/// send-by-degree and attribution, and WORKLOAD-ratio and WORKLOAD-by-size of workloads that
/// install methods of several sizes, life-of-a-send over the states of a site,
/// WORKLOAD-replay-ratio of those that replay recorded programs, WORKLOAD-METRIC over the number of
/// executors, and WORKLOAD-zone-by-islands, -page- and -snapshot-, show times, of which an emulated
/// run has none; those of analysis/view/counter_figures.hpp show counts. Captions say what each is
/// for.
///
/// A strategy that was refused or failed stands in the figure as not available, with its reason.
[[nodiscard]] FigureSet make_figures(const Quantities& run);

}  // namespace patchbench::analysis
