#include "analysis/quantity/shootdowns.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace patchbench::analysis {
namespace {

constexpr const char* kNote =
    "no interrupt reached the busy thread's processor when its mappings changed: this machine "
    "broadcasts invalidations, or its hypervisor flushes";

/// Per patch, beside a busy thread; none where it was not counted.
std::optional<double> beside_busy_thread(const results::Cell& cell, std::string_view name) {
  const auto found = std::find_if(
      cell.counters.begin(), cell.counters.end(), [&](const results::Counter& counter) {
        return counter.beside == "busy-thread" && counter.per == "patch" &&
               counter.source == "tracepoint" && counter.name == name && counter.status == "ok";
      });
  return found == cell.counters.end() ? std::nullopt : found->value;
}

}  // namespace

void note_shootdowns(results::Cell& cell) {
  std::erase(cell.notes, kNote);
  constexpr std::array<std::string_view, 2> kInterrupts = {"ipis-to-one", "ipis-to-many"};
  const bool none_sent = std::ranges::all_of(kInterrupts, [&](auto name) {
    // What wakes a thread up now and then is an interrupt, too.
    constexpr double kHardlyAny = 0.05;
    const auto sent = beside_busy_thread(cell, name);
    return sent && *sent < kHardlyAny;
  });
  // The kernel meant to send one, but the busy thread was not running: on a loaded machine, say.
  const bool meant = beside_busy_thread(cell, "tlb-flushes:remote-ipi-send").value_or(0) > 0;
  if (none_sent && !meant && beside_busy_thread(cell, "mprotect-calls").value_or(0) > 0) {
    cell.notes.emplace_back(kNote);
  }
}

}  // namespace patchbench::analysis
