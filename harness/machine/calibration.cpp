#include "harness/machine/calibration.hpp"

#include <algorithm>
#include <limits>

#include "harness/base/clock.hpp"

namespace patchbench::harness {
namespace {

constexpr int kRuns = 4;

/// The fastest run of `piece`, divided by its `instructions`.
template <typename Piece>
std::optional<double> fastest_ns(std::uint64_t instructions, Piece piece) noexcept {
  std::int64_t best = std::numeric_limits<std::int64_t>::max();
  for (int run = 0; run < kRuns; ++run) {
    const std::int64_t start = now_ns();
    piece();
    best = std::min(best, now_ns() - start);
  }
  if (best <= 0) return std::nullopt;
  return static_cast<double>(best) / static_cast<double>(instructions);
}

std::optional<double> mean_of(const std::optional<double>& one,
                              const std::optional<double>& other) noexcept {
  return one && other ? std::optional((*one + *other) / 2) : std::nullopt;
}

}  // namespace

Calibration calibrate() noexcept {
  constexpr std::uint64_t kLength = 20'000;
  constexpr std::uint64_t kBlocks = 40;
  independent_block();  // fetched, and the predictors have seen it
  return {.latency_ns = fastest_ns(kLength, [] { multiply_chain(kLength); }),
          .throughput_ns = fastest_ns(kBlocks * kBlockInstructions, [] {
            for (std::uint64_t block = 0; block < kBlocks; ++block) independent_block();
          })};
}

Calibration mean_of(const Calibration& one, const Calibration& other) noexcept {
  return {.latency_ns = mean_of(one.latency_ns, other.latency_ns),
          .throughput_ns = mean_of(one.throughput_ns, other.throughput_ns)};
}

}  // namespace patchbench::harness
