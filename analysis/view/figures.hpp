// analysis/view/figures.hpp - the figures of a run.
#pragma once

#include <string>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

struct Figure {
  std::string name;  // of its files: "send-by-sites"
  std::string title;
  std::string caption;  // two sentences: how to read it
  std::string script;   // for gnuplot, self-contained; draws NAME.svg and NAME.pdf
};

struct FigureSet {
  std::vector<Figure> figures;
  /// Figures that this run has no cells for, each with the reason as a sentence.
  std::vector<std::string> absent;
};

/// - send-by-sites: send cost over the number of sites, one panel for each combination of mic's
///   other parameters, with the floor;
/// - attribution: the same panels, mic's controls as ratios to the floor;
/// - send-by-degree: send cost over the degree of polymorphism, from mic through pic to open-pic;
/// - patch-cost: patch and patch_execute of every strategy;
/// - patch-by-batch: the same over the number of patches under one scope, where the run has
///   several;
/// - patch-by-publish: patch-cost by what a patch ends with, where the run has several modes of
///   publishing;
/// - those of analysis/view/counter_figures.hpp.
///
/// All but the last show times: an emulated run has none of them.
///
/// A strategy that was refused or failed stands in the figure as not available, with its reason.
[[nodiscard]] FigureSet make_figures(const results::Results& results);

}  // namespace patchbench::analysis
