// AMD's processors from Zen on (and Hygon's). Names as libpfm4's tables for Zen to Zen 4 have them.
//
// libpfm 4.13 does not know family 0x1a (Zen 5); the raw codes for it, rEUU with E the event and UU
// its unit mask, are those of Linux' tools/perf/pmu-events/arch/x86/amdzen5/*.json, which AMD
// wrote, under the name beside them. Two are those of amdzen4/branch.json [unverified for Zen 5 in
// a manual]. On such a processor measured_test.cpp checks that indirect-branches counts one for
// each call through a cell and none for a linked send; nothing checks the mispredicted ones.
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
      // Dispatch slots that the front end left empty. Zen 5: de_no_dispatch_per_slot
      // .no_ops_from_frontend
      row(family, "prefetch", "frontend-stalls",
          {"DISPATCH_STALLS_1:FE_NO_OPS", "UOPS_QUEUE_EMPTY", "perf::STALLED-CYCLES-FRONTEND"},
          "r1000001a0"),
      // bp_de_redirect
      row(family, "prefetch", "decoder-resteers",
          {"DECODER_OVERRIDE_BRANCH_PRED", "DECODER_OVERRIDES_PREDICTION"}, "r0091"),
      // bp_l2_btb_correct
      row(family, "prefetch", "btb-corrections", {"L2_BTB_CORRECTION"}, "r008b"),
      // ic_tag_hit_miss.instruction_cache_miss
      row(family, "icache", "l1i-misses",
          {"IC_TAG_HIT_MISS:IC_MISS", "32_BYTE_INSTRUCTION_CACHE_MISSES"}, "r10000188e"),
      // Misses in both levels: bp_l1_tlb_miss_l2_tlb_miss.all
      row(family, "icache", "itlb-misses",
          {"L1_ITLB_MISS_L2_ITLB_MISS:IF4K:IF2M:IF1G:COALESCED4K",
           "L1_ITLB_MISS_L2_ITLB_MISS:IF4K:IF2M:IF1G"},
          "r0f85"),
      row(family, "icache", "smc-clears", {"PIPELINE_RESTART_DUE_TO_INSTRUCTION_STREAM_PROBE"}, "",
          "AMD documents no event for self-modifying code alone after Zen; pipeline-restarts has "
          "them among others"),
      // bp_redirects.resync
      row(family, "icache", "pipeline-restarts", {"RESYNCS", "RETIRED_BRANCH_RESYNCS"}, "r019f"),
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
