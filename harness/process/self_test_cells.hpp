// harness/process/self_test_cells.hpp - the cases of which the self-test knows what must come out.
#pragma once

#include <string_view>

#include "harness/plan/catalogue.hpp"

namespace patchbench::harness {

/// The workload of these cases; no catalogue has one of that name. Its cases: a chain of
/// multiplications (the baseline), one of as many steps and one of 3 % more (known_chains.hpp), and
/// a driver that does nothing.
inline constexpr std::string_view kSelfTestWorkload = "selftest";
inline constexpr std::string_view kChainCell = "chain";
inline constexpr std::string_view kKnown0 = "known-0";
inline constexpr std::string_view kKnown3 = "known-3";
inline constexpr std::string_view kEmptyCell = "empty";
inline constexpr std::string_view kChainMetric = "chain";
inline constexpr std::string_view kEmptyMetric = "empty";
/// A counter of the empty case, in ns.
inline constexpr std::string_view kClockStep = "clock-step";

[[nodiscard]] Catalogue self_test_catalogue();

}  // namespace patchbench::harness
