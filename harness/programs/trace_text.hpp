// harness/programs/trace_text.hpp - what a trace of sends is like, as text and as JSON.
#pragma once

#include <string>

#include "workloads/trace/trace_statistics.hpp"

namespace patchbench::harness {

/// Sites by how many classes they see, misses and relinks by tenths of the trace, and the sites
/// that see most classes.
[[nodiscard]] std::string trace_text(const trace::Trace& trace);
/// { "name", "program", "sends", "sites", "classes", "selectors", "methods", "most_classes",
///   "degrees": [ { "classes": "1"|"2-6"|">6", "sites", "sends" } ],
///   "windows": [ { "sends", "first", "grows", "relinks" } ] }
[[nodiscard]] std::string trace_json(const trace::Trace& trace);

}  // namespace patchbench::harness
