// harness/counters/simulated_counter.hpp - rows of what a simulator or an emulator counts.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "results/model.hpp"

namespace patchbench::harness {

/// A counter of source `simulated`, of user code, without a value yet.
[[nodiscard]] results::Counter simulated_counter(std::string_view name, std::string_view metric);
/// Every simulated counter of every metric, with the reason why there is none. `status` is
/// `unavailable` or `unsupported`.
[[nodiscard]] std::vector<results::Counter> not_counted(std::span<const std::string> metrics,
                                                        std::string_view status,
                                                        const std::string& reason);

}  // namespace patchbench::harness
