// harness/counters/event_sets.hpp - the three named sets of events, and what each processor family
// has for them.
//
// A row has one name on every machine ("indirect-branch-misses"), and for each family the names
// under which its processors' manuals and libpfm4 know it; the first is counted that libpfm4 has
// for this processor and that the kernel opens. What no name fits is a row with a reason.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/counters/event.hpp"
#include "results/model.hpp"

namespace patchbench::harness {

struct EventSet {
  std::string_view id;       // a word of --counters
  std::string_view summary;  // the question it answers
};
[[nodiscard]] const std::vector<EventSet>& event_sets();
/// nullptr when there is none of that name.
[[nodiscard]] const EventSet* find_event_set(std::string_view id);

/// One question to a processor.
struct EventRow {
  std::string_view set;
  std::string_view name;
  std::vector<std::string> events;  // for pfm_encode, the best first
  std::string missing = {};         // why there may be none; empty: libpfm4 knows none of `events`
};
using EventRows = std::vector<EventRow>;

// One file each. The names of rows are the same in all of them.
/// `model` as CPUID has it: 0x8f is Sapphire Rapids.
[[nodiscard]] EventRows intel_rows(int model);
/// `family` as CPUID has it: 0x17 and 0x18 are Zen to Zen 2, 0x19 Zen 3 and 4, 0x1a Zen 5.
[[nodiscard]] EventRows zen_rows(int family);
[[nodiscard]] EventRows arm_rows();
/// What the kernel offers under the same name everywhere (PERF_TYPE_HARDWARE, PERF_TYPE_HW_CACHE).
[[nodiscard]] EventRows generic_rows();

/// Those of the machine that `context` describes.
[[nodiscard]] EventRows rows_for(const results::Context& context);

/// Empty, or why an event that the kernel lets be opened counts nothing on this AArch64 processor,
/// whatever happens: the kernel passes raw numbers on unseen. Empty, too, where the kernel does not
/// say what the processor implements. `root` is "/" except in tests.
[[nodiscard]] std::string why_not_on_arm(const Event& event, const results::Context& context,
                                         const std::filesystem::path& root = "/");

/// Each row twice, for user code and for the kernel, with what is known before anything is opened.
[[nodiscard]] std::vector<WantedEvent> resolve_rows(const EventRows& rows);

/// Why an event is not counted here; an empty status where it is.
struct EventRefusal {
  std::string status;
  std::string reason;
};

/// Makes `wanted` count by the first of its codes that `refusal_of` lets pass. Where it refuses
/// them all, `wanted` has the status and the reason of the best, which is the first.
void keep_first_counted(WantedEvent& wanted,
                        const std::function<EventRefusal(const Event&)>& refusal_of);

}  // namespace patchbench::harness
