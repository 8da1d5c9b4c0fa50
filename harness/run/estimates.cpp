#include "harness/run/estimates.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

#include <fmt/format.h>

#include "harness/base/terminal.hpp"
#include "harness/plan/expected_end.hpp"
#include "harness/process/timing.hpp"

namespace patchbench::harness {
namespace {

std::size_t children_of(const Prepared& prepared, int rounds) {
  int children = 0;
  for (const PlannedCell& cell : prepared.cells) {
    children += is_run(prepared, cell) ? (rounds + cell.every - 1) / cell.every : 0;
  }
  return static_cast<std::size_t>(children);
}

/// For the estimate alone. Set-up, checks, calibration and the process itself cost about as much as
/// seen on a small virtual machine; slow cases use all of their budget, the others their shortest
/// batches.
double expected_child_ms(const PlannedCell& cell, const Preset& preset) {
  constexpr double kOverheadMs = 25;
  const double batches_ms =
      static_cast<double>(cell.metrics) * preset.batches * kLongestBatchNs * 1e-6;
  return std::min(preset.budget_ms, batches_ms) + kOverheadMs + cell.setup_ms;
}

}  // namespace

double expected_round_s(const Options& options, const Prepared& prepared) {
  double total_ms = 0;
  for (const PlannedCell& cell : prepared.cells) {
    total_ms += is_run(prepared, cell)
                    ? expected_child_ms(cell, *options.selection.preset) / cell.every
                    : 0;
  }
  return total_ms * 1e-3;
}

double expected_report_s(const Options& options) {
  constexpr double kOfFigures = 1.5;  // gnuplot, a figure after the other
  return options.report ? kOfFigures : 0;
}

double patience_of(const PlannedCell& cell) {
  constexpr double kMuchSlower = 20;  // than the machine of the estimates
  constexpr double kUsualTimeoutMs = 30e3;
  return std::max(1.0, kMuchSlower * cell.setup_ms / kUsualTimeoutMs);
}

double expected_seconds(const Options& options, const Prepared& prepared) {
  return options.until ? options.until->budget_s
                       : expected_round_s(options, prepared) * options.rounds;
}

Work work(const Options& options, const Prepared& prepared) {
  if (!options.until) {
    return {.all = static_cast<double>(children_of(prepared, options.rounds)),
            .expected_s = expected_seconds(options, prepared)};
  }
  const RoundTimes planned{.seconds = {}, .expected_s = expected_round_s(options, prepared)};
  const double used_s = expected_use(*options.until, planned, std::nullopt);
  return {.all = used_s, .expected_s = used_s};
}

std::string plan_text(const Options& options, const Prepared& prepared, double counting_s) {
  const std::string cells = counted(prepared.cells.size(), "case");
  const double timing_s = expected_seconds(options, prepared);
  if (options.until) {
    const std::string counting =
        counting_s > 0 ? fmt::format(" and {} of counting", duration_text(counting_s)) : "";
    return fmt::format("{}, rounds for {} at most{}", cells, duration_text(timing_s), counting);
  }
  return fmt::format("{} x {} = {} processes, about {}", cells,
                     counted(static_cast<std::size_t>(options.rounds), "round"),
                     children_of(prepared, options.rounds), duration_text(timing_s + counting_s));
}

}  // namespace patchbench::harness
