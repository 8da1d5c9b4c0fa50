// Any text at all is refused with a FormatError, or read as results that can be written and read
// again without loss. What else happens is a finding.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "results/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace results = patchbench::results;
  std::string written;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    written = results::to_json_text(results::from_json_text(text, "input"));
  } catch (const results::FormatError&) {
    return 0;
  }
  if (results::to_json_text(results::from_json_text(written, "written")) != written) std::abort();
  return 0;
}
