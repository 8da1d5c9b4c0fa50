// Whether the names that the sets have for a family's processors are names of such processors.
//
// libpfm4 encodes for processors that are not here only when it is told to before it starts, so
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

/// The PMUs, of those whose names begin with `family`, that have the event.
std::vector<std::string> who_has(const std::string& event, std::string_view family) {
  std::vector<std::string> found;
  for (const std::string& pmu : core_pmus()) {
    if (pmu.starts_with(family) && pfm_encode(fmt::format("{}::{}", pmu, event)).event) {
      found.push_back(pmu);
    }
  }
  return found;
}

void check_names(const EventRows& rows, std::string_view family) {
  REQUIRE(pfm_encode("perf::CYCLES").event.has_value());  // starts the library
  REQUIRE_FALSE(core_pmus().empty());
  for (const EventRow& row : rows) {
    for (const std::string& event : row.events) {
      INFO(row.name << ": " << event);
      if (is_of_a_processor(event)) {
        CHECK_FALSE(who_has(event, family).empty());
      } else {
        CHECK(pfm_encode(event).event.has_value());
      }
    }
  }
}

bool library_knows(std::string_view pmu) {
  const bool started = pfm_encode("perf::CYCLES").event.has_value();
  const auto pmus = core_pmus();
  return started && std::ranges::find(pmus, pmu) != pmus.end();
}

/// What a row is counted by on a processor that is not here.
std::string first_on(const EventRows& rows, std::string_view name, const std::string& pmu) {
  const auto row = std::ranges::find(rows, name, &EventRow::name);
  REQUIRE(row != rows.end());
  for (const std::string& event : row->events) {
    if (pfm_encode(is_of_a_processor(event) ? fmt::format("{}::{}", pmu, event) : event).event) {
      return event;
    }
  }
  return {};
}

std::vector<std::string_view> names_of(const EventRows& rows) {
  std::vector<std::string_view> names(rows.size());
  std::ranges::transform(rows, names.begin(), &EventRow::name);
  return names;
}

}  // namespace

TEST_CASE("every name is that of an event of the family") {
  REQUIRE(kEverywhere);
  check_names(generic_rows(), "");
  if (library_knows("skl")) {
    check_names(intel_rows(), "");
    check_names(zen_rows(0x19), "amd64_fam1");
    check_names(zen_rows(0x1a), "amd64_fam1");
  }
  if (library_knows("arm_ac72")) {
    check_names(arm_rows(), "arm_");
  }
}

TEST_CASE(
    "self-modifying code and indirect branches have events of their own where there are any") {
  if (!library_knows("skl")) {
    WARN("not tested: this libpfm4 has the tables of another architecture");
    return;
  }
  for (const char* intel : {"hsw", "skl", "icl", "spr"}) {
    INFO(intel);
    CHECK(first_on(intel_rows(), "smc-clears", intel) == "MACHINE_CLEARS:SMC");
    CHECK(first_on(intel_rows(), "dtlb-store-misses", intel).starts_with("DTLB_STORE_MISSES"));
    CHECK_FALSE(first_on(intel_rows(), "l1i-misses", intel).empty());
  }
  CHECK(first_on(intel_rows(), "decoder-resteers", "skl") == "BACLEARS:ANY");
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
  for (const char* intel : {"nhm", "wsm", "snb", "ivb", "hsw", "bdw", "skl", "icl", "spr"}) {
    for (const char* name : {"indirect-branches", "indirect-branch-misses"}) {
      const std::string event = first_on(intel_rows(), name, intel);
      INFO(intel << " " << name << " " << event);
      if (event.empty()) {
        continue;
      }
      const std::uint64_t config = pfm_encode(std::string(intel) + "::" + event).event->config;
      const bool executed = (config & kEvent) == 0x88 || (config & kEvent) == 0x89;
      CHECK((executed ? (config & kJumpsAndCalls) == kJumpsAndCalls
                      : event.ends_with("_RETIRED:INDIRECT")));
    }
  }
  CHECK_FALSE(first_on(intel_rows(), "indirect-branch-misses", "skl").empty());
  CHECK_FALSE(first_on(intel_rows(), "indirect-branches", "icl").empty());
  for (const EventRow& row : intel_rows()) {
    CHECK((!row.name.starts_with("indirect") || !row.missing.empty()));
  }
}

TEST_CASE("a row has the same name in every family") {
  const EventRows generic = generic_rows();
  CHECK(names_of(intel_rows()) == names_of(generic));
  CHECK(names_of(zen_rows(0x17)) == names_of(generic));
  for (const std::string_view name : names_of(generic)) {
    INFO(name);
    const auto arm = names_of(arm_rows());
    CHECK(std::ranges::find(arm, name) != arm.end());
  }
}

}  // namespace patchbench::harness
