// workloads/trace/replay.hpp - executes the sends of a trace in their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "strategies/mapping.hpp"
#include "workloads/send/codegen.hpp"
#include "workloads/send/object_model.hpp"

namespace patchbench::trace {

/// One of the different sends: a standalone site, and the receiver that comes there.
struct ReplayCall {
  send::Oop receiver = 0;
  std::uintptr_t site = 0;
};

/// The sends of a trace as indices into its different ones, in memory of their own at a given
/// place.
class ReplayList {
 public:
  /// Room for them; `sends` are copied. Throws std::system_error.
  ReplayList(std::size_t calls, std::span<const std::uint32_t> sends, std::uintptr_t place);

  [[nodiscard]] std::span<ReplayCall> calls() noexcept;
  [[nodiscard]] std::span<const std::uint32_t> sends() const noexcept;

 private:
  Mapping memory_;
  std::size_t calls_;
  std::size_t sends_;
};

/// The sum of what all sends answer. One loop for all strategies, which calls each site through
/// `call_site`: by an indirect call, which is part of each send's time under every strategy.
[[nodiscard]] std::uint64_t replay(ReplayList& list, send::CallSiteFunction* call_site) noexcept;

}  // namespace patchbench::trace
