// harness/base/clock.hpp - the clock that children measure with, and the one people read.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

namespace patchbench::harness {

/// Nanoseconds since some fixed moment. RAW, because NTP slews the other monotonic clock by up to
/// 500 ppm.
[[nodiscard]] inline std::int64_t now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// "2025-01-31T12:00:00Z"
[[nodiscard]] std::string utc_now();
/// "20250131T120000Z", for file names.
[[nodiscard]] std::string utc_now_compact();

}  // namespace patchbench::harness
