#include "analysis/quantity/flags.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace patchbench::analysis {
namespace {

struct Count {
  int series = 0;  // with enough values to tell
  int drift = 0;
  int bimodal = 0;

  void add(const std::optional<bool>& drifts, const std::optional<bool>& modes) {
    series += drifts || modes ? 1 : 0;
    drift += drifts.value_or(false) ? 1 : 0;
    bimodal += modes.value_or(false) ? 1 : 0;
  }
};

}  // namespace

std::vector<std::string> flag_words(const results::Metric& metric, const results::Ratio* ratio) {
  std::vector<std::string> words;
  if (metric.drifts.value_or(false)) words.emplace_back("drifts with the rounds");
  if (metric.bimodal.value_or(false)) words.emplace_back("bimodal");
  if (ratio == nullptr) return words;
  if (ratio->drifts.value_or(false)) words.emplace_back("ratio drifts with the rounds");
  if (ratio->bimodal.value_or(false)) words.emplace_back("ratio bimodal");
  return words;
}

std::string flags_sentence(const results::Results& results) {
  Count count;
  for (const auto& cell : results.cells) {
    for (const auto& metric : cell.metrics) count.add(metric.drifts, metric.bimodal);
    for (const auto& ratio : cell.ratios) count.add(ratio.drifts, ratio.bimodal);
  }
  if (count.series == 0) return "";
  return fmt::format("Of {} series of samples and ratios {} drift with the rounds and {} {}.",
                     count.series, count.drift, count.bimodal,
                     count.bimodal == 1 ? "has several modes" : "have several modes");
}

bool verdicts_corrected(const results::Results& results) {
  return std::ranges::any_of(results.cells, [](const auto& cell) {
    return std::ranges::any_of(cell.ratios,
                               [](const auto& ratio) { return ratio.q_differs.has_value(); });
  });
}

}  // namespace patchbench::analysis
