// Intel's processors. Names as libpfm4's tables have them, which follow Intel's "perfmon" event
// lists; a test looks each of them up there. Newer cores first, Atom last.
//
// libpfm 4.13 knows cores from Nehalem to Sapphire Rapids. Of newer ones (Emerald Rapids, Granite
// Rapids, Alder Lake and what followed) the kernel's generic events are left, and the other rows
// say that the library does not know the processor: codes of Sapphire Rapids are not lent to them,
// as nothing here can tell whether they count the same.
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
constexpr const char* kNoSlots =
    "libpfm4 has no event of this processor that counts slots; frontend-stall-cycles has cycles";

/// The table of libpfm 4.13 for Sapphire Rapids leaves BACLEARS.ANY out. Its code there, 0x60 with
/// unit mask 1, is that of Linux' tools/perf/pmu-events/arch/x86/sapphirerapids/frontend.json,
/// which Intel wrote. Elsewhere 0x60 is another event. No test sees it count.
std::vector<std::string> resteers(int model) {
  constexpr int kSapphireRapids = 0x8f;
  std::vector<std::string> events = {"BACLEARS:ANY", "BACLEARS:ALL", "BACLEAR:CLEAR"};
  if (model == kSapphireRapids) events.emplace_back("r0160");
  return events;
}

}  // namespace

EventRows intel_rows(int model) {
  return {
      {"prefetch", "cycles", {"perf::CYCLES"}},
      {"prefetch", "instructions", {"perf::INSTRUCTIONS"}},
      {"prefetch", "branches", {"perf::BRANCHES"}},
      {"prefetch", "branch-misses", {"perf::BRANCH-MISSES"}},
      {"prefetch",
       "indirect-branches",
       {"BR_INST_RETIRED:INDIRECT", "BR_INST_RETIRED:NON_RETURN_IND"},
       kNoIndirect},
      {"prefetch",
       "indirect-branch-misses",
       {"BR_MISP_RETIRED:INDIRECT", "BR_MISP_RETIRED:NON_RETURN_IND", "BR_MISP_EXEC:INDIRECT"},
       kNoIndirect},
      // In which the front end delivered nothing, and the back end would have taken it. The
      // kernel's event on Nehalem and Westmere is cycles without an issue, whoever is to blame.
      {"prefetch",
       "frontend-stall-cycles",
       {"IDQ_UOPS_NOT_DELIVERED:CYCLES_0_UOPS_DELIV_CORE", "NO_ALLOC_CYCLES:NOT_DELIVERED",
        "perf::STALLED-CYCLES-FRONTEND"}},
      {"prefetch",
       "frontend-empty-slots",
       {"IDQ_UOPS_NOT_DELIVERED:CORE", "UOPS_NOT_DELIVERED:ANY"},
       kNoSlots},
      {"prefetch", "decoder-resteers", resteers(model)},
      {"prefetch",
       "btb-corrections",
       {},
       "Intel documents no event of its BTB but BACLEARS, which is decoder-resteers"},
      {"icache",
       "l1i-misses",
       {"ICACHE_64B:IFTAG_MISS", "ICACHE:MISSES", "L1I:MISSES", "perf::L1-ICACHE-LOAD-MISSES"}},
      {"icache",
       "itlb-misses",
       {"ITLB_MISSES:WALK_COMPLETED", "ITLB:MISS", "perf::ITLB-LOAD-MISSES"}},
      {"icache", "smc-clears", {"MACHINE_CLEARS:SMC"}},
      {"icache",
       "pipeline-restarts",
       {"MACHINE_CLEARS:COUNT", "MACHINE_CLEARS:ANY", "MACHINE_CLEARS:ALL"}},
      {"vma", "dtlb-misses", {}, kApart},
      {"vma", "dtlb-load-misses", {"DTLB_LOAD_MISSES:WALK_COMPLETED", "perf::DTLB-LOAD-MISSES"}},
      {"vma", "dtlb-store-misses", {"DTLB_STORE_MISSES:WALK_COMPLETED", "perf::DTLB-STORE-MISSES"}},
  };
}

}  // namespace patchbench::harness
