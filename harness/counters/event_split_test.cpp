#include "harness/counters/event_split.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include <linux/perf_event.h>
#include <patchbench_catch.hpp>

namespace patchbench::harness {
namespace {

Event event(std::string name, std::string source) {
  Event one;
  one.name = std::move(name);
  one.source = std::move(source);
  one.scope = "user";
  return one;
}

std::string names(const EventGroups& groups) {
  std::string text;
  for (const std::vector<Event>& group : groups) {
    text += text.empty() ? "" : "|";
    for (const Event& one : group) text += one.name;
  }
  return text;
}

Fits at_most(std::size_t counters) {
  return [counters](std::span<const Event> events) { return events.size() <= counters; };
}

std::vector<Event> seven() {
  return {event("a", "hardware"),   event("s", "software"), event("b", "hardware"),
          event("t", "tracepoint"), event("c", "hardware"), event("d", "hardware"),
          event("e", "hardware")};
}

}  // namespace

TEST_CASE("more events than counters become groups, each event in one of them") {
  CHECK(names(split_events(seven(), at_most(2))) == "ab|cd|e|s|t");
  CHECK(names(split_events(seven(), at_most(4))) == "abcd|e|s|t");
  CHECK(names(split_events(seven(), at_most(1))) == "a|b|c|d|e|s|t");
  CHECK(names(split_events({}, at_most(1))).empty());
}

TEST_CASE("events that exclude each other are not in one group") {
  const Fits not_b_with_c = [](std::span<const Event> events) {
    std::set<std::string> here;
    for (const Event& one : events) here.insert(one.name);
    return !here.contains("b") || !here.contains("c");
  };
  CHECK(names(split_events(seven(), not_b_with_c)) == "ab|cde|s|t");
}

TEST_CASE("the number of counters is what fits") {
  CHECK(number_of_counters(at_most(6)) == 6);
  CHECK(number_of_counters(at_most(0)) == 0);
}

TEST_CASE("counters are tried with what the processor counts: branches, or else something") {
  const auto lacks = [](std::set<std::uint64_t> missing) -> Fits {
    return [missing = std::move(missing)](std::span<const Event> events) {
      return events.size() <= 4 && std::ranges::none_of(events, [&missing](const Event& one) {
               return missing.contains(one.config);
             });
    };
  };
  const auto tried = [&lacks](std::set<std::uint64_t> missing) {
    const auto found = event_to_try(lacks(std::move(missing)));
    return found ? std::optional(found->config) : std::nullopt;
  };
  constexpr std::uint64_t kBranches = PERF_COUNT_HW_BRANCH_INSTRUCTIONS;
  constexpr std::uint64_t kInstructions = PERF_COUNT_HW_INSTRUCTIONS;
  constexpr std::uint64_t kCycles = PERF_COUNT_HW_CPU_CYCLES;
  CHECK(tried({}) == kBranches);
  CHECK(tried({kBranches}) == kInstructions);
  CHECK(tried({kBranches, kInstructions}) == kCycles);
  CHECK_FALSE(tried({kBranches, kInstructions, kCycles}).has_value());
  CHECK(number_of_counters(lacks({kBranches})) == 4);
  CHECK(number_of_counters(lacks({kBranches, kInstructions, kCycles})) == 0);
}

TEST_CASE("groups that were split here count here") {
  const int counters = number_of_counters(branches_count_together);
  const std::optional<Event> event = event_to_try(branches_count_together);
  if (!event) {
    WARN("not tested: this machine counts neither branches nor instructions nor cycles");
    return;
  }
  CHECK(counters > 0);
  const std::vector<Event> many(static_cast<std::size_t>(2 * counters + 1), *event);
  CHECK_FALSE(count_together(many));
  const EventGroups groups = split_events(many, fits_here());
  CHECK(groups.size() == 3);
  for (const std::vector<Event>& group : groups) {
    CHECK(branches_count_together(group));  // none of them is a counter that never moves
  }
}

}  // namespace patchbench::harness
