#include "harness/counters/event_sets.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <linux/perf_event.h>
#include <patchbench_catch.hpp>

#include "harness/base/usage_error.hpp"
#include "harness/counters/asked_events.hpp"
#include "harness/programs/temporary_directory_test.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;

results::Context machine(std::string arch, std::string vendor, int family) {
  results::Context context;
  context.arch = std::move(arch);
  context.cpu.vendor = std::move(vendor);
  context.cpu.family = family;
  return context;
}

const EventRow& row_of(const EventRows& rows, std::string_view name) {
  const auto found = std::ranges::find(rows, name, &EventRow::name);
  REQUIRE(found != rows.end());
  return *found;
}

std::string first_event(const results::Context& context, std::string_view name) {
  const EventRow row = row_of(rows_for(context), name);
  return row.events.empty() ? std::string() : row.events.front();
}

Event raw(std::uint64_t config) {
  Event event;
  event.source = "hardware";
  event.type = PERF_TYPE_RAW;
  event.config = config;
  return event;
}

}  // namespace

TEST_CASE("each family has its own events, and any other processor the kernel's") {
  CHECK(first_event(machine("x86_64", "GenuineIntel", 6), "smc-clears") == "MACHINE_CLEARS:SMC");
  CHECK(first_event(machine("x86_64", "AuthenticAMD", 0x19), "btb-corrections") ==
        "L2_BTB_CORRECTION");
  CHECK(first_event(machine("aarch64", "ARM", 8), "l1i-misses") == "L1I_CACHE_REFILL");
  CHECK(first_event(machine("x86_64", "AuthenticAMD", 0x15), "l1i-misses") ==
        "perf::L1-ICACHE-LOAD-MISSES");
  CHECK(first_event(machine("x86_64", "CentaurHauls", 7), "branches") == "perf::BRANCHES");
}

TEST_CASE("cycles and slots of the front end are two rows, and what has no slots names the other") {
  for (const EventRows& rows :
       {generic_rows(), intel_rows(0), zen_rows(0x17), zen_rows(0x19), arm_rows()}) {
    const EventRow& slots = row_of(rows, "frontend-empty-slots");
    CHECK(slots.missing.find("frontend-stall-cycles") != std::string::npos);
    // The kernel's generic event is of cycles.
    CHECK(std::ranges::none_of(slots.events,
                               [](const std::string& one) { return one.starts_with("perf::"); }));
    CHECK_FALSE(row_of(rows, "frontend-stall-cycles").events.empty());
  }
}

TEST_CASE("what libpfm4 leaves out for Sapphire Rapids is asked of no other processor") {
  results::Context context = machine("x86_64", "GenuineIntel", 6);
  const auto has_code = [&context] {
    const EventRows rows = rows_for(context);
    return std::ranges::count(row_of(rows, "decoder-resteers").events, "r0160") == 1;
  };
  context.cpu.model_number = 0x8f;
  CHECK(has_code());
  for (const int other : {0x6a, 0xad, 0xcf}) {  // Ice Lake, Granite Rapids, Emerald Rapids
    context.cpu.model_number = other;
    CHECK_FALSE(has_code());
  }
}

TEST_CASE("raw codes are those of one family, and come before what the kernel means by a name") {
  const EventRows zen5 = zen_rows(0x1a);
  const std::vector<std::string>& misses = row_of(zen5, "dtlb-misses").events;
  const auto code = std::ranges::find(misses, "rf045");
  REQUIRE(code != misses.end());
  CHECK(std::ranges::find(code, misses.end(), "perf::DTLB-LOAD-MISSES") != misses.end());
  const EventRows zen4 = zen_rows(0x19);
  for (const EventRow& row : zen4) {
    INFO(row.name);
    CHECK((row.name == "frontend-stall-cycles" ||
           std::ranges::none_of(row.events,
                                [](const std::string& one) { return one.starts_with("r0"); })));
  }
}

TEST_CASE("where the kernel refuses the best code of a row, the next one counts under its name") {
  const auto rows = resolve_rows(
      {{"prefetch", "branches", {"NO_SUCH_EVENT", "perf::BRANCHES", "perf::CYCLES", "r00c4"}, {}}});
  std::vector<std::uint64_t> asked;
  const auto refuse_first = [&asked](std::size_t refused) {
    asked.clear();
    return [&asked, refused](const Event& event) -> EventRefusal {
      asked.push_back(event.config);
      const bool passes = asked.size() > refused;
      return {.status = passes ? "" : "unavailable",
              .reason = passes ? std::string() : fmt::format("refusal {}", asked.size())};
    };
  };
  WantedEvent second = rows.back();
  second.event.set.clear();  // of a row that was asked for by its own name
  keep_first_counted(second, refuse_first(1));
  CHECK(asked ==
        std::vector<std::uint64_t>{PERF_COUNT_HW_BRANCH_INSTRUCTIONS, PERF_COUNT_HW_CPU_CYCLES});
  CHECK(second.status == "ok");
  CHECK(second.reason.empty());
  CHECK(second.event.name == "branches");
  CHECK(second.event.set.empty());
  CHECK(second.event.scope == "kernel");
  CHECK(second.event.encoded_from == "perf::CYCLES");
  CHECK(second.event.config == PERF_COUNT_HW_CPU_CYCLES);

  WantedEvent raw_code = rows.front();
  keep_first_counted(raw_code, refuse_first(2));
  CHECK(raw_code.event.type == PERF_TYPE_RAW);
  CHECK(raw_code.event.config == 0xc4);
  CHECK(raw_code.event.scope == "user");

  WantedEvent first = rows.front();
  keep_first_counted(first, refuse_first(0));
  CHECK(asked.size() == 1);
  CHECK(first.event.config == PERF_COUNT_HW_BRANCH_INSTRUCTIONS);

  WantedEvent none = rows.front();
  keep_first_counted(none, refuse_first(3));
  CHECK(none.status == "unavailable");
  CHECK(none.reason == "refusal 1");
}

TEST_CASE("what a processor lacks is said once for user code and once for the kernel") {
  const auto events = resolve_rows({{"icache", "unheard-of", {"NO_SUCH_EVENT"}, {}},
                                    {"icache", "smc-clears", {}, "it has none"},
                                    {"prefetch", "cycles", {"NO_SUCH_EVENT", "perf::CYCLES"}, {}}});
  REQUIRE(events.size() == 6);
  CHECK(events[0].event.scope == "user");
  CHECK(events[1].event.scope == "kernel");
  CHECK(events[0].status == "unsupported");
  CHECK(events[0].reason.find("none of NO_SUCH_EVENT") != std::string::npos);
  CHECK(events[2].reason == "it has none");
  CHECK(events[4].status == "ok");
  CHECK(events[4].event.name == "cycles");
  CHECK(events[4].event.set == "prefetch");
}

TEST_CASE("an event that an Arm processor does not implement is not a zero") {
  const TemporaryDirectory root;
  const fs::path events = fs::path("sys/bus/event_source/devices/armv8_pmuv3_0/events");
  root.write(events / "br_mis_pred", "event=0x0010\n");
  results::Context context = machine("aarch64", "ARM", 8);
  const auto why = [&](const Event& event) { return why_not_on_arm(event, context, root.path()); };
  CHECK(why(raw(0x10)).empty());
  CHECK(why(raw(0x22)).find("0x22") != std::string::npos);
  CHECK(why(raw(0x7a)).empty());  // the registers do not speak of it
  context.emulated = true;
  CHECK_FALSE(why(raw(0x7a)).empty());
  CHECK(why(raw(0x10)).empty());
  Event cycles;
  cycles.type = PERF_TYPE_HARDWARE;
  CHECK(why(cycles).empty());
  context.arch = "x86_64";
  CHECK(why(raw(0x22)).empty());
}

TEST_CASE("the processors of every version of Arm's architecture say what they implement") {
  const results::Context context = machine("aarch64", "ARM", 8);
  for (const char* device : {"armv8_pmuv3_0", "armv8_cortex_a76", "armv9_cortex_a720",
                             "armv9_neoverse_n2", "armv10_of_the_future"}) {
    INFO(device);
    const TemporaryDirectory root;
    const fs::path devices = "sys/bus/event_source/devices";
    root.write(devices / device / "events/br_mis_pred", "event=0x0010\n");
    root.write(devices / "arm_cmn_0/events/hnf_cache_miss", "event=0x0022\n");  // no processor
    CHECK(why_not_on_arm(raw(0x10), context, root.path()).empty());
    CHECK_FALSE(why_not_on_arm(raw(0x22), context, root.path()).empty());
  }
}

TEST_CASE("where an Arm processor's events are not shown, opening one tells") {
  for (const char* device : {"", "cpu/events/cycles", "apple_firestorm_pmu/events/cycles",
                             "arm_cmn_0/events/hnf_cache_miss"}) {
    INFO(device);
    const TemporaryDirectory root;
    if (*device != '\0') {
      root.write(fs::path("sys/bus/event_source/devices") / device, "event=0x0011\n");
    }
    results::Context context = machine("aarch64", "ARM", 8);
    for (const bool emulated : {false, true}) {
      context.emulated = emulated;
      CHECK(why_not_on_arm(raw(0x22), context, root.path()).empty());
      CHECK(why_not_on_arm(raw(0x7a), context, root.path()).empty());
    }
  }
}

TEST_CASE("words are asked for once, whatever they overlap in") {
  const results::Context context = machine("x86_64", "CentaurHauls", 7);
  const auto count = [](const std::vector<WantedEvent>& events, std::string_view name) {
    return std::ranges::count_if(events,
                                 [name](const WantedEvent& one) { return one.event.name == name; });
  };
  const std::vector<std::string> words = {"prefetch", "cycles", "cycles:u", "BUS-CYCLES:k"};
  const std::vector<WantedEvent> asked = asked_events(words, context);
  CHECK(count(asked, "cycles") == 2);
  CHECK(count(asked, "BUS-CYCLES") == 1);
  for (const WantedEvent& one : asked) CHECK((one.status == "ok") == one.reason.empty());
}

TEST_CASE("a scope that an event does not have is refused, with what to write instead") {
  const auto refusal = [](const char* word) -> std::string {
    try {
      check_event_word(word);
    } catch (const UsageError& error) {
      return error.what();
    }
    return {};
  };
  for (const char* word : {"system-calls:k", "system-calls:u"}) {
    CHECK(refusal(word) ==
          "system-calls counts user code and kernel together; write --counters=system-calls");
  }
  CHECK(refusal("mprotect-calls:u").find("together") != std::string::npos);
  CHECK(refusal("context-switches:u") ==
        "context-switches counts the kernel alone; write --counters=context-switches");
  CHECK(refusal("indirect-branches:u:k").find("apart") != std::string::npos);
  CHECK(refusal("CONTEXT-SWITCHES:u").find("together") != std::string::npos);
  for (const char* word :
       {"system-calls", "system-calls:u:k", "context-switches:k", "minor-faults:u",
        "indirect-branches:k", "PAGE-FAULTS:k", "CONTEXT-SWITCHES", "BUS-CYCLES:u"}) {
    INFO(word);
    CHECK(refusal(word).empty());
  }
}

TEST_CASE("an event that nothing encodes is not another one") {
  const results::Context context = machine("x86_64", "CentaurHauls", 7);
  for (const char* word : {"no-such-event", "system-calls:k"}) {
    const std::vector<std::string> words = {word};
    CHECK_THROWS_AS(asked_events(words, context), UsageError);
  }
}

TEST_CASE("what the scheduler does is one row, under the kernel's own name, too") {
  const std::vector<std::string> words = {"CONTEXT-SWITCHES", "CPU-MIGRATIONS", "PAGE-FAULTS"};
  std::vector<std::string> scopes;
  for (const WantedEvent& one : asked_events(words, machine("x86_64", "CentaurHauls", 7))) {
    scopes.push_back(one.event.name + " " + one.event.scope);
  }
  CHECK(scopes == std::vector<std::string>{"CONTEXT-SWITCHES both", "CPU-MIGRATIONS both",
                                           "PAGE-FAULTS user", "PAGE-FAULTS kernel"});
}

TEST_CASE("a slip in an event's name is answered with names that are near") {
  const std::vector<std::string> names = {"BRANCHES", "BRANCH-MISSES", "CYCLES", "BUS-CYCLES"};
  CHECK(nearest_words("branchs", names, 5) == std::vector<std::string>{"BRANCHES"});
  CHECK(nearest_words("cycle", names, 5) == std::vector<std::string>{"CYCLES", "BUS-CYCLES"});
  CHECK(nearest_words("cycle", names, 1) == std::vector<std::string>{"CYCLES"});
  CHECK(nearest_words("quite-another-thing", names, 5).empty());
}

}  // namespace patchbench::harness
