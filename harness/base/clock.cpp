#include "harness/base/clock.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace patchbench::harness {

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

std::string utc_now_compact() {
  return fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace patchbench::harness
