// workloads/trace/shipped_traces.hpp - the traces in workloads/traces, which are part of every
// program that has this library.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace patchbench::trace {

struct ShippedTrace {
  std::string_view name;  // of its file, without .trace
  std::string_view text;
};

/// By name. Made from the files when the build is configured.
[[nodiscard]] std::span<const ShippedTrace> shipped_traces();

}  // namespace patchbench::trace
