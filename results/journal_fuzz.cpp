// As json_fuzz.cpp, for the journal: what is read can be written and read again, line by line.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "results/journal.hpp"

namespace {

using patchbench::results::JournalEntry;

std::string lines_of(const std::vector<JournalEntry>& entries) {
  std::string text;
  for (const JournalEntry& entry : entries) text += journal_line(entry) + '\n';
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace results = patchbench::results;
  std::string written;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    written = lines_of(results::journal_from_text(text, "input"));
  } catch (const results::FormatError&) {
    return 0;
  }
  if (lines_of(results::journal_from_text(written, "written")) != written) std::abort();
  return 0;
}
