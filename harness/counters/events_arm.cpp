// AArch64: Cortex-A and Neoverse. Names as libpfm4's tables have them, which are those of Arm's
// architecture reference manual ("PMU events", common event numbers) and of the cores' manuals.
#include <cctype>
#include <charconv>
#include <set>
#include <system_error>

#include <fmt/format.h>
#include <linux/perf_event.h>

#include "harness/counters/event_sets.hpp"
#include "harness/machine/proc.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;

/// "event=0x0011" -> 0x11
std::uint64_t number_in(std::string_view text) {
  constexpr std::string_view kBefore = "event=0x";
  constexpr int kHexadecimal = 16;
  std::uint64_t number = 0;
  if (text.starts_with(kBefore)) {
    std::from_chars(text.data() + kBefore.size(), text.data() + text.size(), number, kHexadecimal);
  }
  return number;
}

/// "armv8_pmuv3_0", "armv9_cortex_a720", as the initializers in drivers/perf/arm_pmuv3.c of Linux
/// have them; Apple's processors have drivers and names of their own.
bool is_pmu_of_arm(std::string_view device) {
  constexpr std::string_view kBefore = "armv";
  return device.starts_with(kBefore) && device.size() > kBefore.size() &&
         std::isdigit(static_cast<unsigned char>(device[kBefore.size()])) != 0;
}

/// The common events that the processor's PMCEID registers name: the kernel shows no others
/// (armv8pmu_event_attr_is_visible there). None where it does not show them at all.
std::set<std::uint64_t> implemented_events(const fs::path& root) {
  std::set<std::uint64_t> events;
  std::error_code error;
  for (const auto& device : fs::directory_iterator(root / "sys/bus/event_source/devices", error)) {
    if (!is_pmu_of_arm(device.path().filename().string())) continue;
    for (const auto& event : fs::directory_iterator(device.path() / "events", error)) {
      events.insert(number_in(read_trimmed(event.path()).value_or("")));
    }
  }
  return events;
}

}  // namespace

std::string why_not_on_arm(const Event& event, const results::Context& context,
                           const fs::path& root) {
  constexpr std::uint64_t kCommonEvents = 0x40;  // of which PMCEID0_EL0 and PMCEID1_EL0 have a bit
  if (context.arch != "aarch64" || event.type != PERF_TYPE_RAW) return {};
  const std::set<std::uint64_t> implemented = implemented_events(root);
  if (implemented.empty() || implemented.contains(event.config)) return {};
  if (event.config < kCommonEvents) {
    return fmt::format("this processor does not implement event {:#x} (PMCEID registers)",
                       event.config);
  }
  return context.emulated ? "the emulator does not say that it implements the event" : "";
}

EventRows arm_rows() {
  return {
      {"prefetch", "cycles", {"perf::CYCLES"}},
      {"prefetch", "instructions", {"perf::INSTRUCTIONS"}},
      {"prefetch", "branches", {"BR_RETIRED", "perf::BRANCHES"}},
      {"prefetch", "branch-misses", {"BR_MIS_PRED_RETIRED", "BR_MIS_PRED", "perf::BRANCH-MISSES"}},
      // Speculative ones too.
      {"prefetch", "indirect-branches", {"BR_INDIRECT_SPEC"}},
      {"prefetch",
       "indirect-branch-misses",
       {"BR_IND_MIS_PRED_RETIRED"},
       "this core has no event BR_IND_MIS_PRED_RETIRED; few before Neoverse V2 do"},
      {"prefetch", "frontend-stall-cycles", {"STALL_FRONTEND", "perf::STALLED-CYCLES-FRONTEND"}},
      {"prefetch",
       "frontend-empty-slots",
       {"STALL_SLOT_FRONTEND"},
       "libpfm4 has no event STALL_SLOT_FRONTEND of this core; frontend-stall-cycles has cycles"},
      {"prefetch", "decoder-resteers", {}, "Arm documents no common event for it"},
      {"prefetch", "btb-corrections", {}, "Arm documents no common event for it"},
      {"icache", "l1i-misses", {"L1I_CACHE_REFILL", "perf::L1-ICACHE-LOAD-MISSES"}},
      {"icache", "itlb-misses", {"ITLB_WALK", "L1I_TLB_REFILL", "perf::ITLB-LOAD-MISSES"}},
      {"icache",
       "smc-clears",
       {},
       "Arm processors do not look for self-modifying code: publishing is what they ask for"},
      {"icache", "pipeline-restarts", {}, "Arm documents no common event for it"},
      // What publishing executes, beside DC CVAU and IC IVAU, which have no event.
      {"icache", "isb", {"ISB_SPEC"}},
      {"icache", "dsb", {"DSB_SPEC"}},
      // Of loads and stores.
      {"vma", "dtlb-misses", {"DTLB_WALK", "L1D_TLB_REFILL", "perf::DTLB-LOAD-MISSES"}},
      {"vma", "dtlb-load-misses", {}, "not counted apart from stores: dtlb-misses has both"},
      {"vma", "dtlb-store-misses", {}, "not counted apart from loads: dtlb-misses has both"},
  };
}

}  // namespace patchbench::harness
