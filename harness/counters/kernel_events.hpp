// harness/counters/kernel_events.hpp - what the kernel tells of itself, which needs no PMU.
//
// Software events count page faults, context switches and migrations. Tracepoints count every time
// that the kernel passes a place: the entry of a system call, a flush of the TLB and why, an
// interrupt that is sent to another processor. All of them are of the thread that is measured and,
// beside a busy thread, of that one too; what other processes do is never in them.
//
// A flush of the TLB by interrupt is seen in parts: the sender's ("remote IPI send", "local ..."),
// and in the thread that was interrupted ("remote shootdown"). A processor that broadcasts
// invalidations (Arm; AMD's INVLPGB) sends no interrupts for them, and a hypervisor may flush in
// the kernel's place: no count then, and none is wrong.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "harness/counters/event.hpp"

namespace patchbench::harness {

/// Everything of the set `vma` that is counted without hardware, alone and beside a busy thread.
/// Whether the kernel then lets it be opened is not asked here. `root` is "/" and `processors`, of
/// which this process may use so many, allowed_cpus() except in tests.
[[nodiscard]] std::vector<WantedEvent> kernel_events(const std::filesystem::path& root,
                                                     std::size_t processors);
[[nodiscard]] std::vector<WantedEvent> kernel_events();

/// The rows of "tlb-flushes:REASON" where nothing says which reasons this kernel has, with why that
/// is so. Empty for any other name, and where `kernel`, which is what kernel_events gave, has
/// reasons.
[[nodiscard]] std::vector<WantedEvent> flushes_of_hidden_reason(
    std::string_view name, std::span<const WantedEvent> kernel);

}  // namespace patchbench::harness
