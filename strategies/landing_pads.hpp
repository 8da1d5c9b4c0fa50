// strategies/landing_pads.hpp - where the processor lets an indirect branch arrive.
//
// AArch64 (FEAT_BTI): in a mapping with PROT_BTI an indirect call must arrive at a `bti c`, and
// anything else is SIGILL. On x86-64 Linux has nothing of the kind for user mode.
#pragma once

#include "code_zone.hpp"

namespace patchbench {

/// The bits of mprotect(2) that turn the check on, for a mapping that is executable; 0 where this
/// machine has no such check.
[[nodiscard]] int landing_pad_protection() noexcept;

/// How a zone maps what it executes: read-execute, with the check where the request asks for it.
[[nodiscard]] int protection_to_execute(const ZoneRequest& request) noexcept;

}  // namespace patchbench
