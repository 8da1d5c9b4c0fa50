// Intel's processors. Names as libpfm4's tables have them, which follow Intel's "perfmon" event
// lists; a test looks each of them up there. Newer cores first, Atom last.
#include "harness/counters/event_sets.hpp"

namespace patchbench::harness {

EventRows intel_rows() {
  return {
      {"prefetch", "cycles", {"perf::CYCLES"}, {}},
      {"prefetch", "instructions", {"perf::INSTRUCTIONS"}, {}},
      {"prefetch", "branches", {"perf::BRANCHES"}, {}},
      {"prefetch", "branch-misses", {"perf::BRANCH-MISSES"}, {}},
      {"prefetch",
       "indirect-branches",
       // From Sandy Bridge to Broadwell also those that were executed and not retired.
       {"BR_INST_RETIRED:INDIRECT", "BR_INST_EXEC:ALL_INDIRECT_JUMP_NON_CALL_RET",
        "BR_INST_EXEC:ANY_INDIRECT_JUMP_NON_CALL_RET"},
       {}},
      {"prefetch",
       "indirect-branch-misses",
       {"BR_MISP_RETIRED:INDIRECT", "BR_MISP_EXEC:INDIRECT",
        "BR_MISP_EXEC:ALL_INDIRECT_JUMP_NON_CALL_RET",
        "BR_MISP_EXEC:ANY_INDIRECT_JUMP_NON_CALL_RET"},
       {}},
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
      {"vma", "dtlb-misses", {"DTLB_LOAD_MISSES:WALK_COMPLETED", "perf::DTLB-LOAD-MISSES"}, {}},
  };
}

}  // namespace patchbench::harness
