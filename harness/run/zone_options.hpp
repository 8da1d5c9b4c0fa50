// harness/run/zone_options.hpp - what bench-run is asked of zones, as words: from the command line,
// and for the record.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workloads/workload.hpp"

namespace patchbench::harness {

/// Each takes the text of one option and throws UsageError, which names the option and what to do,
/// where it is none.
///
/// "64M", "1G": bytes, or KiB, MiB, GiB and TiB.
[[nodiscard]] std::size_t parse_zone_size(const std::string& text);
/// "4k", "thp", "hugetlb"
[[nodiscard]] Pages parse_pages(const std::string& text);
/// "2^33", or the number: a power of two, at least a page.
[[nodiscard]] std::uintptr_t parse_alias_offset(const std::string& text);
/// "near", "low2g", "window:0x200000000000", into `options`.
void parse_placement(const std::string& text, ZoneOptions& options);

/// The options that were given, in one form however they were typed: {{"zone", "64M"}}. Two runs
/// compare where these are the same.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> texts_of(const ZoneOptions& options);

}  // namespace patchbench::harness
