#include "analysis/view/attribution.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "analysis/quantity/selection.hpp"

namespace patchbench::analysis {
namespace {

using results::Cell;
using results::Metric;
using results::Params;
using results::Results;

constexpr std::string_view kWorkload = "mic";
constexpr std::string_view kMetric = "send";
constexpr std::string_view kWhole = "indirect-cell";
constexpr std::string_view kSubset = "tag-cell";
constexpr std::string_view kBranch = "target-register";

struct Part {
  std::string_view strategy;
  std::string_view what;
};

constexpr std::array<Part, 3> kParts = {{
    {"target-cell", "the target from a cell and the kind of branch"},
    {kBranch, "the kind of branch"},
    {kSubset, "the tag from a cell"},
}};

const Metric* send_of(const Results& results, std::string_view strategy, const Params& params) {
  return usable_metric(find_cell(results, kWorkload, strategy, params), kMetric);
}

std::vector<double> differences(const Metric& one, const Metric& other) {
  std::vector<double> values;
  for (std::size_t i = 0; i < std::min(one.samples.size(), other.samples.size()); ++i) {
    if (one.samples[i] && other.samples[i]) values.push_back(*one.samples[i] - *other.samples[i]);
  }
  return values;
}

/// Below these, as where the controls of a quick run have ended early, nothing is attributed.
constexpr std::size_t kFewestRounds = 5;

std::optional<Beyond> beyond(std::string_view strategy, const Metric* metric, const Metric& base) {
  if (metric == nullptr) return std::nullopt;
  const std::vector<double> values = differences(*metric, base);
  const std::size_t n = values.size();
  if (n < kFewestRounds) return std::nullopt;
  Beyond found{std::string(strategy), 0, {}};
  if (n >= static_cast<std::size_t>(kRobustRounds)) {
    found.ns = *median(values);
    found.interval = median_interval(values)->interval;
    return found;
  }
  double squares = 0;
  for (const double value : values) found.ns += value / static_cast<double>(n);
  for (const double value : values) squares += std::pow(value - found.ns, 2);
  const double error = std::sqrt(squares / static_cast<double>(n - 1) / static_cast<double>(n));
  const double reach = t_quantile(kConfidence, static_cast<int>(n) - 1) * error;
  found.interval = {found.ns - reach, found.ns + reach};
  return found;
}

bool holds_zero(const Beyond& one) { return one.interval[0] <= 0 && one.interval[1] >= 0; }

std::string amount(const Beyond& one) {
  return fmt::format("{:+.3f} ns [{:+.3f}, {:+.3f}]", one.ns, one.interval[0], one.interval[1]);
}

/// By one source of counters: hardware's where there is one.
const results::Counter* instructions(const Cell* cell, std::string_view source) {
  if (cell == nullptr) return nullptr;
  const auto found =
      std::find_if(cell->counters.begin(), cell->counters.end(), [&](const auto& counter) {
        return counter.name == "instructions" && counter.per == kMetric &&
               counter.source == source && counter.scope != "kernel" && counter.beside.empty() &&
               counter.value;
      });
  return found == cell->counters.end() ? nullptr : &*found;
}

std::string operations_text(const Results& results, const Params& params) {
  const Cell* own = find_cell(results, kWorkload, kBranch, params);
  const Cell* base = find_cell(results, kWorkload, results.baseline, params);
  for (const std::string_view source : {"hardware", "simulated"}) {
    const auto* mine = instructions(own, source);
    const auto* theirs = instructions(base, source);
    if (mine == nullptr || theirs == nullptr) continue;
    const double more = *mine->value - *theirs->value;
    if (std::abs(more) < 0.05) return fmt::format("as many instructions a send, {}", source);
    return fmt::format("{:.1f} instructions a send {}, {}: {:.1f} against {:.1f}", std::abs(more),
                       more > 0 ? "more" : "fewer", source, *mine->value, *theirs->value);
  }
  return "instructions a send were not counted in this run";
}

std::string part_text(const Results& results, const Attribution& all, const Beyond& part) {
  const auto meaning = std::find_if(kParts.begin(), kParts.end(), [&](const Part& known) {
    return known.strategy == part.strategy;
  });
  std::string text = fmt::format("{} ({}", part.strategy, meaning->what);
  if (part.strategy == kBranch) text += "; " + operations_text(results, all.params);
  text += ") " + amount(part);
  if (holds_zero(part)) return text + ", undecided";
  return text + fmt::format(", {:.0f} %", 100 * part.ns / all.whole.ns);
}

std::string text_of(const Results& results, const Attribution& all,
                    const std::optional<Interval>& subset) {
  const std::string where = results::params_text(all.params);
  std::string text =
      fmt::format("{}: a send of {} costs {} beyond one of {}", where.empty() ? "mic" : where,
                  kWhole, amount(all.whole), results.baseline);
  if (all.outcome == Attribution::Outcome::not_attributed) {
    return text + fmt::format(
                      "; not attributed: {} does a part of what {} does, and costs more than it "
                      "(ratio in [{:.3f}, {:.3f}])",
                      kSubset, kWhole, (*subset)[0], (*subset)[1]);
  }
  if (all.outcome == Attribution::Outcome::undecided) {
    return text + "; undecided: its interval holds 0, so there is nothing to attribute";
  }
  text += ". Alone, beyond the same:";
  const char* separator = " ";
  for (const Beyond& part : all.parts) {
    text += separator + part_text(results, all, part);
    separator = "; ";
  }
  return text + ". Each is its own control's, and they need not add up";
}

std::optional<Attribution> attribution_at(const Results& results, const Params& params) {
  const Metric* base = send_of(results, results.baseline, params);
  const Metric* whole = send_of(results, kWhole, params);
  if (base == nullptr || whole == nullptr || base == whole) return std::nullopt;
  const auto all = beyond(kWhole, whole, *base);
  if (!all) return std::nullopt;
  Attribution found;
  found.params = params;
  found.whole = *all;
  for (const Part& part : kParts) {
    auto own = beyond(part.strategy, send_of(results, part.strategy, params), *base);
    if (own) found.parts.push_back(std::move(*own));
  }
  if (found.parts.empty()) return std::nullopt;
  std::optional<Interval> subset;
  if (const Metric* tag = send_of(results, kSubset, params)) {
    subset = deciding_interval(paired_ratio(tag->samples, whole->samples));
  }
  found.outcome = subset && (*subset)[0] > 1 ? Attribution::Outcome::not_attributed
                  : holds_zero(found.whole)  ? Attribution::Outcome::undecided
                                             : Attribution::Outcome::attributed;
  found.text = text_of(results, found, subset) + ".";
  return found;
}

}  // namespace

std::vector<Attribution> attributions(const Results& results) {
  std::vector<Attribution> all;
  for (const Params& params : param_sets(results, kWorkload)) {
    if (auto one = attribution_at(results, params)) all.push_back(std::move(*one));
  }
  return all;
}

}  // namespace patchbench::analysis
