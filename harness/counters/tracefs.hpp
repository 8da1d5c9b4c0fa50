// harness/counters/tracefs.hpp - which tracepoints this kernel has, as its tracefs says.
//
// perf_event_open(2) wants a tracepoint by a number that differs from kernel to kernel, and that
// only tracefs tells. It stands at /sys/kernel/tracing, before Linux 4.1 below debugfs
// (Documentation/trace/ftrace.rst); many machines do not mount it, and only root may read it.
// Nothing here mounts anything.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace patchbench::harness {

/// The folder `events` of a tracefs, or why there is none to be read and what to do about it.
struct Tracefs {
  std::filesystem::path events;
  std::string reason;  // empty: `events` is there
};

/// `root` is "/" except in tests.
[[nodiscard]] Tracefs find_tracefs(const std::filesystem::path& root);

struct Tracepoint {
  std::optional<std::uint64_t> id;  // what perf_event_open calls it
  std::string format;               // of its records, as tracefs describes it; may be empty
  std::string status;               // as WantedEvent has it
  std::string reason;
};

[[nodiscard]] Tracepoint find_tracepoint(const Tracefs& tracefs, std::string_view category,
                                         std::string_view name);

/// A value of a field and what the kernel prints for it.
using Symbol = std::pair<std::uint64_t, std::string>;

/// In the order of the description. Empty where it gives no numbers with names to the field.
[[nodiscard]] std::vector<Symbol> symbols_of(std::string_view format, std::string_view field);

}  // namespace patchbench::harness
