// workloads/probe.hpp - whether a zone's patches are executed on this machine.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "strategies/code_zone.hpp"
#include "strategies/mapping.hpp"
#include "strategies/publish.hpp"
#include "workloads/send/architecture.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// Patches a function twice in the middle of a zone and calls it after each patch. Throws
/// Unsupported where a call executes what was there before: an emulator or translator has kept its
/// own translation of the code. Returns what the zone chose.
template <class Zone>
std::string probe_zone() {
  constexpr std::array<std::uint16_t, 2> kResults = {3, 5};
  Zone zone{ZoneRequest{.size = 3 * page_size()}};
  const ExecAddress at = zone.exec() + page_size();
  for (const std::uint16_t result : kResults) {
    const send::CodeBytes function = send::NativeArchitecture::emit_sum({&result, 1});
    {
      const PatchScope scope{zone, at, function.size()};
      std::ranges::copy(function, zone.writable(at).data());
      publish(at, zone.writable(at), function.size(), Zone::kAlias);
    }
    if (at.template as_function<std::uint64_t()>()() == result) continue;
    throw Unsupported(
        Zone::kAlias == AliasKind::second_view
            ? "what executes does not see patches that are written through the other view: an "
              "emulator or translator (qemu-user, FEX, Rosetta) watches the address at which code "
              "executes, and not the memory behind it; a JIT that runs there must write at that "
              "address"
            : "what executes does not see patches: an emulator or translator keeps its translation "
              "of code that has changed");
  }
  return zone.describe();
}

}  // namespace patchbench
