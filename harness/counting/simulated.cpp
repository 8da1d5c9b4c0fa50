#include "harness/counting/simulated.hpp"

#include <utility>

#include <fmt/format.h>

#include "harness/counting/cachegrind.hpp"
#include "harness/counting/emulated.hpp"

namespace patchbench::harness {

FoundSource find_simulated(const results::Context& context, std::chrono::milliseconds timeout) {
  if (!context.emulated) {
    return find_cachegrind(timeout);
  }
  if (context.virtualization == "qemu-user") {
    return {.source = nullptr,
            .reason =
                "qemu-user neither runs valgrind nor offers perf_event; scripts/guest boots a "
                "whole machine whose emulator counts instructions"};
  }
  FoundSource emulated = find_emulated(timeout);
  if (emulated.source) {
    return emulated;
  }
  FoundSource cachegrind = find_cachegrind(timeout);
  if (!cachegrind.source) {
    cachegrind.reason = fmt::format("{}; and {}", emulated.reason, cachegrind.reason);
  }
  return cachegrind;
}

}  // namespace patchbench::harness
