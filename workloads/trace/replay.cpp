#include "workloads/trace/replay.hpp"

#include <algorithm>

#include <sys/mman.h>

namespace patchbench::trace {

ReplayList::ReplayList(std::size_t calls, std::span<const std::uint32_t> sends,
                       std::uintptr_t place)
    : memory_(Mapping::anonymous(round_up_to_pages(calls * sizeof(ReplayCall) + sends.size_bytes()),
                                 PROT_READ | PROT_WRITE, place)),
      calls_(calls),
      sends_(sends.size()) {
  auto* const copied =
      reinterpret_cast<std::uint32_t*>(memory_.bytes() + calls_ * sizeof(ReplayCall));
  std::ranges::copy(sends, copied);
}

std::span<ReplayCall> ReplayList::calls() noexcept {
  return {static_cast<ReplayCall*>(memory_.address()), calls_};
}

std::span<const std::uint32_t> ReplayList::sends() const noexcept {
  const std::byte* const behind = memory_.bytes() + calls_ * sizeof(ReplayCall);
  return {reinterpret_cast<const std::uint32_t*>(behind), sends_};
}

std::uint64_t replay(ReplayList& list, send::CallSiteFunction* call_site) noexcept {
  const ReplayCall* const calls = list.calls().data();
  std::uint64_t sum = 0;
  for (const std::uint32_t index : list.sends()) {
    const ReplayCall& call = calls[index];
    sum += call_site(&call.receiver, call.site);
  }
  return sum;
}

}  // namespace patchbench::trace
