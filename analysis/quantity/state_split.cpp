#include "analysis/quantity/state_split.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "analysis/statistics/shift.hpp"

namespace patchbench::analysis {
namespace {

using Samples = std::vector<std::optional<double>>;

std::optional<double> at(const Samples& samples, std::size_t round) {
  return round < samples.size() ? samples[round] : std::nullopt;
}

/// Throughput in units of latency.
std::optional<double> relative_throughput(const results::Metric& metric, std::size_t round) {
  const auto throughput = at(metric.throughput_ns, round);
  const auto latency = at(metric.latency_ns, round);
  if (!throughput || !latency) return std::nullopt;
  return *throughput / *latency;
}

enum class State { quiet, shared, neither };

State state_of(const results::Metric& one, const results::Metric& other, std::size_t round,
               double quiet) {
  const auto here = relative_throughput(one, round);
  const auto there = relative_throughput(other, round);
  if (!here || !there) return State::neither;
  const double slowest = std::max(*here, *there) / quiet;
  if (slowest <= kQuietUntil) return State::quiet;
  return slowest >= kSharedFrom ? State::shared : State::neither;
}

PairedRatio ratio_in(State state, const results::Metric& strategy, const results::Metric& baseline,
                     double quiet) {
  Samples own = strategy.samples;
  for (std::size_t round = 0; round < own.size(); ++round) {
    if (state_of(strategy, baseline, round, quiet) != state) own[round].reset();
  }
  return paired_ratio(own, baseline.samples);
}

}  // namespace

std::optional<double> quiet_throughput(const results::Results& results) {
  std::vector<double> all;
  for (const results::Cell& cell : results.cells) {
    for (const results::Metric& metric : cell.metrics) {
      for (std::size_t round = 0; round < metric.throughput_ns.size(); ++round) {
        if (const auto one = relative_throughput(metric, round)) all.push_back(*one);
      }
    }
  }
  return lower_decile(all);
}

std::optional<StateSplit> split_by_state(const results::Metric& strategy,
                                         const results::Metric& baseline, double quiet) {
  if (!strategy.not_above_zero.empty() || !baseline.not_above_zero.empty()) return std::nullopt;
  StateSplit split{ratio_in(State::quiet, strategy, baseline, quiet),
                   ratio_in(State::shared, strategy, baseline, quiet)};
  if (std::min(split.quiet.n, split.shared.n) < kFewestOfAState) return std::nullopt;
  if (!deciding_interval(split.quiet) || !deciding_interval(split.shared)) return std::nullopt;
  split.p = Shift(logarithms(split.quiet.values), logarithms(split.shared.values)).p_none();
  return split;
}

results::Verdict verdict_in_both(const StateSplit& split, double delta) {
  const auto quiet = plain_verdict(deciding_interval(split.quiet), delta);
  const auto shared = plain_verdict(deciding_interval(split.shared), delta);
  return quiet == shared ? quiet : results::Verdict::inconclusive;
}

std::string state_note(const std::string& metric, const StateSplit& split) {
  const auto text = [](const PairedRatio& ratio) {
    const Interval interval = *deciding_interval(ratio);
    return fmt::format("{:.3g} [{:.3g}, {:.3g}]", *ratio.median, interval[0], interval[1]);
  };
  return fmt::format(
      "{}the ratio of {} is {} in {} rounds in which the core was quiet and {} in {} in which "
      "it was shared",
      kStateNote, metric, text(split.quiet), split.quiet.n, text(split.shared), split.shared.n);
}

}  // namespace patchbench::analysis
