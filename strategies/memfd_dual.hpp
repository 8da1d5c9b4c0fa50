// strategies/memfd_dual.hpp - a memfd mapped twice: read-execute and read-write.
//
// Survives every policy but SELinux' refusal to execute tmpfs files.
// memfd_create(2), Linux 3.17.
#pragma once

#include <array>
#include <string_view>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "dual_view_zone.hpp"
#include "mapping.hpp"
#include "policy.hpp"

namespace patchbench {

class MemfdDualZone : public DualViewZone {
 public:
  static constexpr std::array kRefusedBy = kRefuseMemfd;

  /// The descriptor is closed once both views exist: they keep the memory alive.
  explicit MemfdDualZone(const ZoneRequest& request)
      : DualViewZone({executable_memfd("patchbench-code", request), request}) {}

  void isolate_after_fork() {
    views().isolate(executable_memfd("patchbench-code", views().memory()));
  }
};

struct MemfdDual {
  static constexpr std::string_view kId = "memfd-dual";
  static constexpr std::string_view kSummary = "a memfd mapped twice, read-execute and read-write";
  using Zone = MemfdDualZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kPreferredBaseline = true;
};

}  // namespace patchbench
