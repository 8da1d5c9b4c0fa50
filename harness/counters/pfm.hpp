// harness/counters/pfm.hpp - names of events, as libpfm4 knows them.
//
// The library has a table for each processor that it knows, and the kernel's own generic events for
// all (perf::CYCLES). Which processor this is it reads from CPUID or /proc/cpuinfo; one that it
// does not know leaves the generic events and raw codes (r01c2).
//
// It is loaded by the first call of any function here but split_scope. Where that fails there are
// no events, and pfm_encode says why.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/counters/event.hpp"

namespace patchbench::harness {

/// The processor's core PMU as the library calls it ("skl", "arm_ac72"); empty where it does not
/// know this processor.
[[nodiscard]] std::optional<std::string> pfm_pmu();

/// Who executes what is counted, as the modifiers :u and :k of an event's text say.
struct ScopedName {
  std::string name;   // the text without these modifiers
  std::string scope;  // user | kernel | both; empty without a modifier
};
[[nodiscard]] ScopedName split_scope(std::string text);

struct EncodedEvent {
  std::optional<Event> event;  // its scope is `both` unless the text says :u or :k
  std::string error;           // the library's words, where there is no event
};
/// "BR_MISP_RETIRED:INDIRECT:u". The event has the name that the text gives it, without :u and :k.
[[nodiscard]] EncodedEvent pfm_encode(const std::string& text);

/// The names of events, with their unit masks ("ICACHE:MISSES"), of this processor and the generic
/// ones; without those that only differ in modifiers.
[[nodiscard]] std::vector<std::string> pfm_event_names();

}  // namespace patchbench::harness
