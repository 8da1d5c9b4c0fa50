// AMD's processors from Zen on (and Hygon's). Names as libpfm4's tables for Zen to Zen 4 have them.
//
// libpfm 4.13 does not know family 0x1a (Zen 5); the raw codes for it, rUUEE with EE the event and
// UU its unit mask (the event's upper bits from bit 32 on), are those of Linux'
// tools/perf/pmu-events/arch/x86/amdzen5/*.json, which AMD wrote, under the name beside them. Two
// are those of amdzen4/branch.json [unverified for Zen 5 in a manual]. On such a processor
// measured_test.cpp checks that indirect-branches counts one for each call through a cell and none
// for a linked send; nothing checks the mispredicted ones.
#include <algorithm>
#include <utility>

#include "harness/counters/event_sets.hpp"

namespace patchbench::harness {
namespace {

constexpr int kZen5 = 0x1a;

/// With a raw code for what libpfm4 does not know yet.
EventRow row(int family, std::string_view set, std::string_view name,
             std::vector<std::string> events, std::string_view zen5, std::string missing = {}) {
  if (family == kZen5 && !zen5.empty()) {
    // The kernel's generic event may be another one of the same kind.
    const auto generic = std::ranges::find_if(
        events, [](const std::string& event) { return event.starts_with("perf::"); });
    events.emplace(generic, zen5);
  }
  return {.set = set, .name = name, .events = std::move(events), .missing = std::move(missing)};
}

/// In which the queue of decoded operations was empty. libpfm4 has no name for it on Zen 4, whose
/// code is that of Zen 2, 3 and 5 (de_op_queue_empty in amdzen4/other.json). Zen has the kernel's
/// generic event alone, which before Linux 6.9 was one of Zen on all of them and counted nothing.
std::vector<std::string> stall_cycles(int family) {
  constexpr int kZen3 = 0x19;
  return {"UOPS_QUEUE_EMPTY", family < kZen3 ? "perf::STALLED-CYCLES-FRONTEND" : "r00a9"};
}

}  // namespace

EventRows zen_rows(int family) {
  return {
      row(family, "prefetch", "cycles", {"perf::CYCLES"}, ""),
      row(family, "prefetch", "instructions", {"perf::INSTRUCTIONS"}, ""),
      row(family, "prefetch", "branches", {"perf::BRANCHES"}, ""),
      row(family, "prefetch", "branch-misses", {"perf::BRANCH-MISSES"}, ""),
      // Zen and Zen 2 count predictions, speculative ones too. Zen 5: ex_ret_ind_brch_instr of Zen
      // 4
      row(family, "prefetch", "indirect-branches",
          {"RETIRED_INDIRECT_BRANCH_INSTRUCTIONS", "DYNAMIC_INDIRECT_PREDICTIONS"}, "r00cc"),
      // Zen 5: ex_ret_brn_ind_misp of Zen 4
      row(family, "prefetch", "indirect-branch-misses",
          {"RETIRED_INDIRECT_BRANCH_INSTRUCTIONS_MISPREDICTED"}, "r00ca"),
      {.set = "prefetch",
       .name = "frontend-stall-cycles",
       .events = stall_cycles(family),
       .missing = {}},
      // Dispatch slots. Zen 5: de_no_dispatch_per_slot.no_ops_from_frontend
      row(family, "prefetch", "frontend-empty-slots", {"DISPATCH_STALLS_1:FE_NO_OPS"}, "r1000001a0",
          "AMD counts empty slots from Zen 4 on; frontend-stall-cycles has cycles"),
      // bp_de_redirect
      row(family, "prefetch", "decoder-resteers",
          {"DECODER_OVERRIDE_BRANCH_PRED", "DECODER_OVERRIDES_PREDICTION"}, "r0091"),
      // bp_l2_btb_correct
      row(family, "prefetch", "btb-corrections", {"L2_BTB_CORRECTION"}, "r008b"),
      // Of Zen and Zen 2 windows of 32 bytes are counted, which the kernel's generic event is, too;
      // libpfm4 has no name for it on Zen 2. Zen 5: ic_tag_hit_miss.instruction_cache_miss
      row(family, "icache", "l1i-misses",
          {"IC_TAG_HIT_MISS:IC_MISS", "32_BYTE_INSTRUCTION_CACHE_MISSES",
           "perf::L1-ICACHE-LOAD-MISSES"},
          "r10000188e"),
      // Misses in both levels: bp_l1_tlb_miss_l2_tlb_miss.all
      row(family, "icache", "itlb-misses",
          {"L1_ITLB_MISS_L2_ITLB_MISS:IF4K:IF2M:IF1G:COALESCED4K",
           "L1_ITLB_MISS_L2_ITLB_MISS:IF4K:IF2M:IF1G"},
          "r0f85"),
      // Event 0x86 of Zen and Zen 2 is of code that another processor changes.
      row(family, "icache", "smc-clears", {}, "",
          "AMD documents no event of Zen processors for code that changes itself; from Zen 4 on "
          "pipeline-restarts has all restarts"),
      // Event 0xc7 of Zen (retired branch resyncs) is of some restarts. Zen 5: bp_redirects.resync
      row(family, "icache", "pipeline-restarts", {"RESYNCS"}, "r019f",
          "libpfm4 has an event for all restarts from Zen 4 on"),
      // Misses of loads and stores in both levels: ls_l1_d_tlb_miss.all_l2_miss
      row(family, "vma", "dtlb-misses",
          {"L1_DTLB_MISS:TLB_RELOAD_4K_L2_MISS:TLB_RELOAD_2M_L2_MISS:TLB_RELOAD_1G_L2_MISS:"
           "TLB_RELOAD_COALESCED_PAGE_MISS",
           "perf::DTLB-LOAD-MISSES"},
          "rf045"),
      row(family, "vma", "dtlb-load-misses", {}, "",
          "not counted apart from stores: dtlb-misses has both"),
      row(family, "vma", "dtlb-store-misses", {}, "",
          "not counted apart from loads: dtlb-misses has both"),
  };
}

}  // namespace patchbench::harness
