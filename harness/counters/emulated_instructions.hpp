// harness/counters/emulated_instructions.hpp - instructions, as a whole-system emulator counts
// them.
//
// An emulator that paces its machine by executed instructions (QEMU's -icount) knows their number
// and offers it to the guest as a processor would: as the event `instructions` of a performance
// monitoring unit. Without -icount QEMU has no such event [unverified for other emulators]. The
// count is the user code's alone: not the kernel's, and not that of interrupts.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "results/model.hpp"
#include "workloads/workload.hpp"

namespace patchbench::harness {

/// Empty where the event opens and repeats. For machines that are known to be emulated.
[[nodiscard]] std::string why_instructions_are_not_counted();

/// Instructions per operation of every measurement that is countable. Throws std::system_error when
/// the event does not open.
[[nodiscard]] std::vector<results::Counter> count_instructions(
    std::span<const Measurement> measurements);

}  // namespace patchbench::harness
