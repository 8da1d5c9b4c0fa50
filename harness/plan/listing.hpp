// harness/plan/listing.hpp - --list: what can be asked for.
#pragma once

#include <string>

#include "harness/plan/catalogue.hpp"

namespace patchbench::harness {

/// For people: strategies, controls, workloads with their metrics, parameters and grids.
[[nodiscard]] std::string list_text(const Catalogue& catalogue);

/// The same for programs:
/// { "strategies": [ { "id", "summary", "role": "strategy|control", "second_view", "code",
/// "only_workload" (or null) } ],
///   "workloads": [ { "id", "summary", "metrics": [...], "parameters": [ { "name", "summary",
///   "default", "quick": [...],
///     "standard": [...], "minimum", "maximum" (integers) or "choices": [...] (words; "file": true
///     where the path of a file does too) } ] } ],
///   "presets": [ { "name", "summary", "rounds" } ] }
[[nodiscard]] std::string list_json(const Catalogue& catalogue);

}  // namespace patchbench::harness
