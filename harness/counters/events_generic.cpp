// What the kernel offers under the same name on every processor (perf_event_open(2),
// PERF_TYPE_HARDWARE and PERF_TYPE_HW_CACHE), by libpfm4's names for it. Which event of the
// processor is behind each is the kernel's choice.
#include "harness/counters/event_sets.hpp"

namespace patchbench::harness {

EventRows generic_rows() {
  return {
      {"prefetch", "cycles", {"perf::CYCLES"}},
      {"prefetch", "instructions", {"perf::INSTRUCTIONS"}},
      {"prefetch", "branches", {"perf::BRANCHES"}},
      {"prefetch", "branch-misses", {"perf::BRANCH-MISSES"}},
      {"prefetch", "indirect-branches", {}, "the kernel has no generic event for it"},
      {"prefetch", "indirect-branch-misses", {}, "the kernel has no generic event for it"},
      {"prefetch", "frontend-stall-cycles", {"perf::STALLED-CYCLES-FRONTEND"}},
      {"prefetch",
       "frontend-empty-slots",
       {},
       "the kernel has no generic event for slots; frontend-stall-cycles has cycles"},
      {"prefetch", "decoder-resteers", {}, "the kernel has no generic event for it"},
      {"prefetch", "btb-corrections", {}, "the kernel has no generic event for it"},
      {"icache", "l1i-misses", {"perf::L1-ICACHE-LOAD-MISSES"}},
      {"icache", "itlb-misses", {"perf::ITLB-LOAD-MISSES"}},
      {"icache", "smc-clears", {}, "the kernel has no generic event for it"},
      {"icache", "pipeline-restarts", {}, "the kernel has no generic event for it"},
      {"vma", "dtlb-misses", {}, "the kernel has no generic event for loads and stores together"},
      {"vma", "dtlb-load-misses", {"perf::DTLB-LOAD-MISSES"}},
      {"vma", "dtlb-store-misses", {"perf::DTLB-STORE-MISSES"}},
  };
}

}  // namespace patchbench::harness
