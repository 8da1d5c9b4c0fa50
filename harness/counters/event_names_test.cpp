// Whether the names that the sets have for a family's processors are names of such processors.
//
// libpfm4 encodes for processors that are not here only when it is asked to before it starts, so
// this is a program of its own.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <patchbench_catch.hpp>
#include <perfmon/pfmlib.h>
#include <stdlib.h>

#include "harness/counters/event_sets.hpp"
#include "harness/counters/pfm.hpp"
#include "harness/machine/build_info.hpp"

namespace patchbench::harness {
namespace {

const bool kEverywhere = setenv("LIBPFM_ENCODE_INACTIVE", "1", 1) == 0;

std::vector<std::string> core_pmus() {
  std::vector<std::string> names;
  for (int i = PFM_PMU_NONE; i < PFM_PMU_MAX; ++i) {
    pfm_pmu_info_t info{};
    info.size = sizeof info;
    if (pfm_get_pmu_info(static_cast<pfm_pmu_t>(i), &info) == PFM_SUCCESS &&
        info.type == PFM_PMU_TYPE_CORE) {
      names.emplace_back(info.name);
    }
  }
  return names;
}

/// Raw codes and the kernel's generic events are the same for all.
bool is_of_a_processor(const std::string& event) {
  const bool raw =
      event.starts_with('r') && event.find_first_not_of("0123456789abcdef", 1) == std::string::npos;
  return !raw && !event.starts_with("perf::");
}

/// libpfm4's names for the cores of a family.
using Cores = std::vector<std::string>;
const Cores kIntel = {"nhm", "wsm", "snb", "ivb", "hsw", "bdw", "skl", "skx",
                      "clx", "icl", "icx", "spr", "slm", "glm", "tmt", "knl"};
const Cores kZen = {"amd64_fam17h_zen1", "amd64_fam17h_zen2", "amd64_fam19h_zen3",
                    "amd64_fam19h_zen4"};
const Cores kArm = {"arm_ac53", "arm_ac57", "arm_xgene",   "arm_thunderx2", "arm_a64fx",
                    "arm_n1",   "arm_n2",   "arm_kunpeng", "arm_v1",        "arm_v2"};

bool library_knows(const std::string& core) {
  const bool started = pfm_encode("perf::CYCLES").event.has_value();
  const auto pmus = core_pmus();
  return started && std::ranges::find(pmus, core) != pmus.end();
}

bool is_named_of(const std::string& event, const std::string& core) {
  return pfm_encode(fmt::format("{}::{}", core, event)).event.has_value();
}

void check_names(const EventRows& rows, const Cores& cores) {
  for (const EventRow& row : rows) {
    for (const std::string& event : row.events) {
      INFO(row.name << ": " << event);
      if (is_of_a_processor(event)) {
        CHECK(std::ranges::any_of(
            cores, [&event](const std::string& core) { return is_named_of(event, core); }));
      } else {
        CHECK(pfm_encode(event).event.has_value());
      }
    }
  }
}

/// What a row is counted by on a processor that is not here; empty where by nothing.
std::string first_on(const EventRow& row, const std::string& core) {
  const auto found = std::ranges::find_if(row.events, [&core](const std::string& event) {
    return is_of_a_processor(event) ? is_named_of(event, core)
                                    : pfm_encode(event).event.has_value();
  });
  return found == row.events.end() ? std::string() : *found;
}

std::string first_on(const EventRows& rows, std::string_view name, const std::string& core) {
  const auto row = std::ranges::find(rows, name, &EventRow::name);
  REQUIRE(row != rows.end());
  return first_on(*row, core);
}

/// The rows that nothing counts on a core, and those that the kernel's generic event counts there
/// though other cores of the family have events of their own.
struct Holes {
  std::string nothing;
  std::string generic;
};

/// What the manuals and libpfm 4.13 leave open; a name that is misspelt is not among it.
struct KnownHoles {
  Cores cores;
  Holes holes;
};
const std::vector<KnownHoles> kKnownHoles = {
    {{"nhm", "wsm"},
     {" indirect-branches indirect-branch-misses frontend-empty-slots btb-corrections"
      " pipeline-restarts dtlb-misses",
      " frontend-stall-cycles dtlb-store-misses"}},
    {{"snb", "ivb", "hsw", "bdw"},
     {" indirect-branches indirect-branch-misses btb-corrections dtlb-misses", ""}},
    {{"skl", "skx", "clx"}, {" indirect-branches btb-corrections dtlb-misses", ""}},
    {{"icl", "icx"}, {" btb-corrections dtlb-misses", ""}},
    {{"spr"}, {" btb-corrections dtlb-misses", " l1i-misses"}},
    {{"slm", "knl"},
     {" frontend-empty-slots btb-corrections dtlb-misses",
      " itlb-misses dtlb-load-misses dtlb-store-misses"}},
    {{"glm"},
     {" btb-corrections dtlb-misses", " frontend-stall-cycles dtlb-load-misses dtlb-store-misses"}},
    {{"tmt"},
     {" indirect-branches indirect-branch-misses frontend-empty-slots decoder-resteers"
      " btb-corrections smc-clears dtlb-misses",
      " frontend-stall-cycles itlb-misses dtlb-load-misses dtlb-store-misses"}},
    {{"amd64_fam17h_zen1"},
     {" frontend-empty-slots smc-clears pipeline-restarts dtlb-load-misses dtlb-store-misses",
      " frontend-stall-cycles"}},
    {{"amd64_fam17h_zen2"},
     {" frontend-empty-slots smc-clears pipeline-restarts dtlb-load-misses dtlb-store-misses",
      " l1i-misses"}},
    {{"amd64_fam19h_zen3"},
     {" frontend-empty-slots smc-clears pipeline-restarts dtlb-load-misses dtlb-store-misses", ""}},
    {{"amd64_fam19h_zen4"}, {" smc-clears dtlb-load-misses dtlb-store-misses", ""}},
    {{"arm_ac53", "arm_ac57", "arm_xgene"},
     {" indirect-branches indirect-branch-misses frontend-empty-slots decoder-resteers"
      " btb-corrections smc-clears pipeline-restarts isb dsb dtlb-load-misses dtlb-store-misses",
      " branches branch-misses frontend-stall-cycles"}},
    {{"arm_thunderx2"},
     {" frontend-empty-slots decoder-resteers btb-corrections smc-clears pipeline-restarts"
      " dtlb-load-misses dtlb-store-misses",
      ""}},
    {{"arm_a64fx"},
     {" indirect-branch-misses frontend-empty-slots decoder-resteers btb-corrections smc-clears"
      " pipeline-restarts dtlb-load-misses dtlb-store-misses",
      " branches"}},
    {{"arm_n1", "arm_kunpeng"},
     {" indirect-branch-misses frontend-empty-slots decoder-resteers btb-corrections smc-clears"
      " pipeline-restarts dtlb-load-misses dtlb-store-misses",
      ""}},
    {{"arm_n2", "arm_v1", "arm_v2"},
     {" indirect-branch-misses decoder-resteers btb-corrections smc-clears pipeline-restarts"
      " dtlb-load-misses dtlb-store-misses",
      ""}}};

Holes holes_of(const EventRows& rows, const std::string& core) {
  Holes holes;
  for (const EventRow& row : rows) {
    const std::string event = first_on(row, core);
    if (event.empty()) {
      holes.nothing += fmt::format(" {}", row.name);
      INFO(core << ": " << row.name);
      CHECK_FALSE((row.missing.empty() && row.events.empty()));
    } else if (event.starts_with("perf::") && row.events.size() > 1) {
      holes.generic += fmt::format(" {}", row.name);
    }
  }
  return holes;
}

EventRows rows_of(const std::string& core) {
  if (core.starts_with("arm_")) return arm_rows();
  if (core.starts_with("amd64_")) return zen_rows(core.starts_with("amd64_fam17h") ? 0x17 : 0x19);
  constexpr int kSapphireRapids = 0x8f;
  return intel_rows(core == "spr" ? kSapphireRapids : 0);
}

std::vector<std::string_view> names_of(const EventRows& rows) {
  std::vector<std::string_view> names(rows.size());
  std::ranges::transform(rows, names.begin(), &EventRow::name);
  return names;
}

}  // namespace

TEST_CASE("every name is that of an event of the family") {
  REQUIRE(kEverywhere);
  check_names(generic_rows(), {});
  if (library_knows("skl")) {
    check_names(intel_rows(0x8f), kIntel);
    check_names(zen_rows(0x17), kZen);
    check_names(zen_rows(0x19), kZen);
    check_names(zen_rows(0x1a), kZen);
  }
  if (library_knows("arm_n1")) check_names(arm_rows(), kArm);
}

TEST_CASE("every core has an event for every row, but for holes that are known") {
  if (!kLibpfmVersion.starts_with("4.13")) {
    WARN("not tested: the holes that are known are those of libpfm 4.13");
    return;
  }
  std::size_t cores = 0;
  std::size_t looked_up = 0;
  for (const auto& [alike, known] : kKnownHoles) {
    cores += alike.size();
    for (const std::string& core : alike) {
      if (library_knows(core)) {
        ++looked_up;
        const Holes holes = holes_of(rows_of(core), core);
        INFO(core);
        CHECK(holes.nothing == known.nothing);
        CHECK(holes.generic == known.generic);
      }
    }
  }
  CHECK(looked_up > 0);
  CHECK(cores == kIntel.size() + kZen.size() + kArm.size());
}

TEST_CASE(
    "self-modifying code and indirect branches have events of their own where there are any") {
  if (!library_knows("skl")) {
    WARN("not tested: this libpfm4 has the tables of another architecture");
    return;
  }
  for (const char* intel : {"hsw", "skl", "icl", "spr"}) {
    INFO(intel);
    CHECK(first_on(intel_rows(0), "smc-clears", intel) == "MACHINE_CLEARS:SMC");
    CHECK(first_on(intel_rows(0), "dtlb-store-misses", intel).starts_with("DTLB_STORE_MISSES"));
    CHECK_FALSE(first_on(intel_rows(0), "l1i-misses", intel).empty());
  }
  CHECK(first_on(intel_rows(0), "decoder-resteers", "skl") == "BACLEARS:ANY");
  for (const char* zen :
       {"amd64_fam17h_zen1", "amd64_fam17h_zen2", "amd64_fam19h_zen3", "amd64_fam19h_zen4"}) {
    INFO(zen);
    CHECK(first_on(zen_rows(0x19), "indirect-branch-misses", zen).starts_with("RETIRED_INDIRECT"));
    CHECK(first_on(zen_rows(0x19), "dtlb-misses", zen).starts_with("L1_DTLB_MISS"));
  }
}

TEST_CASE("Intel's rows of indirect branches have calls in them, and the others, or do not count") {
  if (!library_knows("skl")) {
    WARN("not tested: this libpfm4 has the tables of another architecture");
    return;
  }
  // In the unit masks of BR_INST_EXEC (0x88) and BR_MISP_EXEC (0x89): bit 2 jumps, bit 5 calls. The
  // events of retired branches (0xc4, 0xc5) name all indirect ones.
  constexpr std::uint64_t kEvent = 0xff;
  constexpr std::uint64_t kJumpsAndCalls = 0x2400;
  for (const char* intel :
       {"nhm", "wsm", "snb", "ivb", "hsw", "bdw", "skl", "icl", "spr", "slm", "glm", "knl"}) {
    for (const char* name : {"indirect-branches", "indirect-branch-misses"}) {
      const std::string event = first_on(intel_rows(0), name, intel);
      INFO(intel << " " << name << " " << event);
      if (event.empty()) continue;
      const std::uint64_t config = pfm_encode(fmt::format("{}::{}", intel, event)).event->config;
      const bool executed = (config & kEvent) == 0x88 || (config & kEvent) == 0x89;
      CHECK((executed ? (config & kJumpsAndCalls) == kJumpsAndCalls
                      : event.ends_with("_RETIRED:INDIRECT") ||
                            event.ends_with("_RETIRED:NON_RETURN_IND")));
    }
  }
  CHECK_FALSE(first_on(intel_rows(0), "indirect-branch-misses", "skl").empty());
  CHECK_FALSE(first_on(intel_rows(0), "indirect-branches", "icl").empty());
  for (const EventRow& row : intel_rows(0)) {
    CHECK((!row.name.starts_with("indirect") || !row.missing.empty()));
  }
}

TEST_CASE("a row has the same name in every family") {
  const EventRows generic = generic_rows();
  CHECK(names_of(intel_rows(0)) == names_of(generic));
  CHECK(names_of(zen_rows(0x17)) == names_of(generic));
  for (const std::string_view name : names_of(generic)) {
    INFO(name);
    const auto arm = names_of(arm_rows());
    CHECK(std::ranges::find(arm, name) != arm.end());
  }
}

}  // namespace patchbench::harness
