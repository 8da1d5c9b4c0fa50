#include "harness/counters/pfm.hpp"

#include <algorithm>

#include <linux/perf_event.h>
#include <patchbench_catch.hpp>

namespace patchbench::harness {

TEST_CASE("the kernel's own events are known on every machine") {
  const EncodedEvent cycles = pfm_encode("perf::CYCLES");
  REQUIRE(cycles.event.has_value());
  CHECK(cycles.event->type == PERF_TYPE_HARDWARE);
  CHECK(cycles.event->config == PERF_COUNT_HW_CPU_CYCLES);
  CHECK(cycles.event->source == "hardware");
  CHECK(cycles.event->scope == "both");
  const EncodedEvent faults = pfm_encode("PAGE-FAULTS:k");
  REQUIRE(faults.event.has_value());
  CHECK(faults.event->source == "software");
  CHECK(faults.event->scope == "kernel");
  CHECK(faults.event->name == "PAGE-FAULTS");
}

TEST_CASE("raw codes reach processors that the library does not know") {
  const EncodedEvent raw = pfm_encode("r10000188e:u");
  REQUIRE(raw.event.has_value());
  CHECK(raw.event->type == PERF_TYPE_RAW);
  CHECK(raw.event->config == 0x10000188e);
  CHECK(raw.event->scope == "user");
  CHECK(raw.event->name == "r10000188e");
}

TEST_CASE("what the library does not know it says") {
  const EncodedEvent none = pfm_encode("no-such-event");
  CHECK_FALSE(none.event.has_value());
  CHECK_FALSE(none.error.empty());
}

TEST_CASE("the modifiers of an event's scope come off its name, and nothing else does") {
  CHECK(split_scope("cycles").scope.empty());
  CHECK(split_scope("cycles:u").name == "cycles");
  CHECK(split_scope("cycles:u").scope == "user");
  CHECK(split_scope("cycles:k").scope == "kernel");
  CHECK(split_scope("cycles:k:u").scope == "both");
  CHECK(split_scope("cycles:k:u").name == "cycles");
  CHECK(split_scope("L1I:ukulele:u").name == "L1I:ukulele");
  CHECK(split_scope("A:uk").name == "A:uk");
}

TEST_CASE("names have their unit masks") {
  const std::vector<std::string> names = pfm_event_names();
  CHECK(std::ranges::find(names, "PERF_COUNT_HW_CPU_CYCLES") != names.end());
  CHECK(std::ranges::find(names, "PERF_COUNT_HW_CACHE_L1I:MISS") != names.end());
}

}  // namespace patchbench::harness
