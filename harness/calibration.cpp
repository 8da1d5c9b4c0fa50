#include "harness/calibration.hpp"

#include <algorithm>
#include <limits>

#include "harness/clock.hpp"

namespace patchbench::harness {

double calibrate() noexcept {
  constexpr int kChains = 5;
  constexpr std::uint64_t kLength = 100'000;
  double best = std::numeric_limits<double>::infinity();
  for (int chain = 0; chain < kChains; ++chain) {
    const std::int64_t start = now_ns();
    multiply_chain(kLength);
    best = std::min(best, static_cast<double>(now_ns() - start) / kLength);
  }
  return best;
}

}  // namespace patchbench::harness
