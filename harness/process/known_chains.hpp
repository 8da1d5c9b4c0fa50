// harness/process/known_chains.hpp - code of which it is known how much slower one piece is than
// another.
//
// Chains of dependent multiplications: what one costs is their number times the latency of one, and
// nothing else (additions would fold away in the renamer of current processors). All three begin at
// a page's start, lie in that one page, and differ in nothing but what is said here. One
// implementation for each architecture: known_chains_x86_64.cpp, known_chains_aarch64.cpp.
#pragma once

#include <cstdint>

namespace patchbench::harness {

inline constexpr int kChainSteps = 900;
/// 3 % more.
inline constexpr int kLongerSteps = 927;

/// Each answers value * factor^steps, modulo 2^64. With 3 for the factor the power tells the number
/// of steps: 3 is of order 2^62 among the odd numbers.
using Chain = std::uint64_t (*)(std::uint64_t value, std::uint64_t factor) noexcept;

/// kChainSteps.
[[nodiscard]] std::uint64_t chain(std::uint64_t value, std::uint64_t factor) noexcept;
/// kChainSteps, in another register: other bytes at another address.
[[nodiscard]] std::uint64_t other_chain(std::uint64_t value, std::uint64_t factor) noexcept;
/// kLongerSteps.
[[nodiscard]] std::uint64_t longer_chain(std::uint64_t value, std::uint64_t factor) noexcept;

}  // namespace patchbench::harness
