// harness/counting/cachegrind.hpp - a case's child under valgrind's cachegrind.
//
// Every instruction of the program is interpreted and counted, and each fetch, load and store goes
// through a model of two levels of caches. Nothing of this machine enters: not its speed, not its
// load, not its caches (their sizes are given, or cachegrind would take this processor's). The
// kernel's part of a system call is not seen. The model of indirect branches stays off: it is too
// small a predictor, and mispredicts nearly all of a few hundred perfectly regular sends.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "harness/counting/source.hpp"

namespace patchbench::harness {

/// Where valgrind is installed and this build is one that it can run.
[[nodiscard]] FoundSource find_cachegrind(std::chrono::milliseconds timeout);

/// In the order of results::kSimulatedCounters.
using CachegrindTotals = std::array<std::int64_t, results::kSimulatedCounters.size()>;

/// From the `events:` and `summary:` lines of a file as cachegrind writes it (Valgrind manual,
/// "Cachegrind: file format"). Empty when one of them, or an event, is missing.
[[nodiscard]] std::optional<CachegrindTotals> parse_cachegrind(std::string_view text);

}  // namespace patchbench::harness
