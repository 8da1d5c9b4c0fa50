// workloads/send/concurrent_patch.hpp - relinking a site that other threads are executing.
//
// The fault to avoid is a send that pairs one class's tag with another's target: the checked entry
// compares the receiver with the tag that it is handed, finds them equal, and runs a method of
// another class. Tag and target are two words, read by two instructions, and a thread may be
// anywhere between the two for as long as it is preempted. So either nobody is between them, or one
// word says both.
//
//   stop-the-world  every executor is at a safepoint; then tag and target are stored where they
//                   are, as with one thread. The only protocol for a zone that takes code out of
//                   the executable memory while it patches.
//   membarrier      the site calls a tag stub (codegen.hpp) of its class, and is relinked by one
//                   store of one aligned word: on x86-64 the displacement of a call within an
//                   aligned quadword (AMD64 APM vol. 2, 7.6.1), on AArch64 a BL (Arm ARM B2.2.5).
//                   Then membarrier(2) SYNC_CORE, after which every executor calls the new one.
//                   Over cells the word is data, and the barrier orders it likewise.
//   int3            the same word, changed byte by byte behind a breakpoint (breakpoint.hpp): for
//                   instructions that no atomic store can change. x86-64 alone.
//   cells           the word is data, and is stored; nothing else. Executors see it when they do.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "strategies/code_zone.hpp"
#include "strategies/dispatch.hpp"
#include "strategies/membarrier.hpp"
#include "strategies/policy.hpp"
#include "strategies/zone_traits.hpp"
#include "workloads/send/breakpoint.hpp"

namespace patchbench::send {

enum class Protocol : std::uint8_t { stop_the_world, membarrier, int3, cells };

inline constexpr std::array kProtocols = {
    std::string_view{"stop-the-world"},
    std::string_view{"membarrier"},
    std::string_view{"int3"},
    std::string_view{"cells"},
};

/// Of one of these words.
[[nodiscard]] constexpr Protocol protocol_of(std::string_view word) noexcept {
  std::size_t index = 0;
  while (index + 1 < kProtocols.size() && kProtocols[index] != word) ++index;
  return static_cast<Protocol>(index);
}

/// Whether this machine lacks what the protocol needs, and what that is; empty where it does not.
[[nodiscard]] inline std::string why_protocol_unavailable(std::string_view word) {
  switch (protocol_of(word)) {
    case Protocol::stop_the_world:
    case Protocol::membarrier:
      return why_no_core_barrier();
    case Protocol::int3:
      return Breakpoints::why_unavailable();
    case Protocol::cells:
      return {};
  }
  return {};
}

/// Whether threads may go on executing code that is open for a patch, and see each store to it as
/// one.
template <class Zone>
[[nodiscard]] constexpr bool executes_while_open() noexcept {
  const bool closed = toggles_protection<Zone>() && !is_writable_and_executable_in_scope<Zone>();
  return !closed && !opens_whole_zone<Zone>() && !is_staged<Zone>();
}

/// Why a strategy cannot be patched so, empty where it can.
template <class Strategy>
[[nodiscard]] constexpr std::string_view why_no_protocol(Protocol protocol) noexcept {
  const bool cells = links_cells(Strategy::kDispatch);
  switch (protocol) {
    case Protocol::stop_the_world:
      return {};
    case Protocol::cells:
      return cells ? std::string_view{} : "its sites have no cells: their words are code";
    case Protocol::int3:
      if (cells) return "what it patches is data, in which nobody executes a breakpoint";
      break;
    case Protocol::membarrier:
      break;
  }
  if (cells || executes_while_open<typename Strategy::Zone>()) return {};
  return is_staged<typename Strategy::Zone>()
             ? "its stores reach the code as a copy of many bytes, not as one word"
             : "other threads cannot execute what it patches meanwhile: they have to stop";
}

}  // namespace patchbench::send
