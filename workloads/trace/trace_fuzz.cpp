// Any text at all is refused with a TraceError that names one of its lines, or read as sends that
// can be counted. What else happens is a finding.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "workloads/trace/trace_format.hpp"
#include "workloads/trace/trace_statistics.hpp"

namespace {

namespace trace = patchbench::trace;

void require(bool holds) {
  if (!holds) std::abort();
}

void require_line_of(std::string_view text, const std::string& message) {
  require(message.starts_with("input:"));
  const long line = std::strtol(message.c_str() + std::string_view("input:").size(), nullptr, 10);
  require(line >= 1 && line <= 1 + std::ranges::count(text, '\n'));
}

void require_counts(const trace::Trace& read) {
  const trace::TraceStatistics statistics = statistics_of(read);
  require(statistics.all.sends == read.sends.size());
  require(statistics.all.first + statistics.all.grows <= read.calls.size());
  require(statistics.monomorphic.sends + statistics.polymorphic.sends +
              statistics.megamorphic.sends ==
          read.sends.size());
  require(misses_of(read, false).again == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    require_counts(read_trace(trace::TraceLines("input", text)));
  } catch (const trace::TraceError& error) {
    require_line_of(text, error.what());
  }
  return 0;
}
