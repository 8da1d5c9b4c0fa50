// Intel's processors. Names as libpfm4's tables have them, which follow Intel's "perfmon" event
// lists; a test looks each of them up there. Newer cores first, Atom last.
#include "harness/counters/event_sets.hpp"

namespace patchbench::harness {
namespace {

/// From Nehalem to Broadwell BR_INST_EXEC and BR_MISP_EXEC have a unit mask for indirect calls and
/// one for other indirect jumps, and libpfm4 takes no two of them at once. Either alone would leave
/// out one strategy's branches and look like none.
constexpr const char* kNoIndirect =
    "libpfm4 has no event of this processor that counts indirect calls and jumps together";
constexpr const char* kApart =
    "counted apart on this processor: dtlb-load-misses and dtlb-store-misses";

}  // namespace

EventRows intel_rows() {
  return {
      {"prefetch", "cycles", {"perf::CYCLES"}, {}},
      {"prefetch", "instructions", {"perf::INSTRUCTIONS"}, {}},
      {"prefetch", "branches", {"perf::BRANCHES"}, {}},
      {"prefetch", "branch-misses", {"perf::BRANCH-MISSES"}, {}},
      {"prefetch", "indirect-branches", {"BR_INST_RETIRED:INDIRECT"}, kNoIndirect},
      {"prefetch",
       "indirect-branch-misses",
       {"BR_MISP_RETIRED:INDIRECT", "BR_MISP_EXEC:INDIRECT"},
       kNoIndirect},
      // Slots of operations that the front end did not fill.
      {"prefetch",
       "frontend-stalls",
       {"IDQ_UOPS_NOT_DELIVERED:CORE", "UOPS_NOT_DELIVERED:ANY", "perf::STALLED-CYCLES-FRONTEND"},
       {}},
      {"prefetch", "decoder-resteers", {"BACLEARS:ANY", "BACLEARS:ALL"}, {}},
      {"prefetch",
       "btb-corrections",
       {},
       "Intel documents no event of its BTB but BACLEARS, which is decoder-resteers"},
      {"icache",
       "l1i-misses",
       {"ICACHE_64B:IFTAG_MISS", "ICACHE:MISSES", "perf::L1-ICACHE-LOAD-MISSES"},
       {}},
      {"icache",
       "itlb-misses",
       {"ITLB_MISSES:WALK_COMPLETED", "ITLB:MISS", "perf::ITLB-LOAD-MISSES"},
       {}},
      {"icache", "smc-clears", {"MACHINE_CLEARS:SMC"}, {}},
      {"icache",
       "pipeline-restarts",
       {"MACHINE_CLEARS:COUNT", "MACHINE_CLEARS:ANY", "MACHINE_CLEARS:ALL"},
       {}},
      {"vma", "dtlb-misses", {}, kApart},
      {"vma",
       "dtlb-load-misses",
       {"DTLB_LOAD_MISSES:WALK_COMPLETED", "perf::DTLB-LOAD-MISSES"},
       {}},
      {"vma",
       "dtlb-store-misses",
       {"DTLB_STORE_MISSES:WALK_COMPLETED", "perf::DTLB-STORE-MISSES"},
       {}},
  };
}

}  // namespace patchbench::harness
