// strategies/sealed_zone.hpp - code that is installed once and never changes again.
//
// A memfd mapped read-execute, with a read-write view that exists only until seal(): so it also
// works where memory that was writable may never become executable. Used by every strategy that
// keeps its caches in data, and by the controls that measure code nobody patches.
#pragma once

#include <array>

#include "code_zone.hpp"
#include "dual_view_zone.hpp"
#include "mapping.hpp"
#include "policy.hpp"

namespace patchbench {

class SealedZone : public DualViewZone {
 public:
  static constexpr std::array kRefusedBy = kRefuseMemfd;

  explicit SealedZone(const ZoneRequest& request)
      : DualViewZone({executable_memfd("patchbench-sealed", request), request}) {}

  /// Afterwards writable() leads nowhere.
  void seal() noexcept { views().drop_writable(); }
  [[nodiscard]] bool sealed() const noexcept { return !views().has_writable(); }
  void isolate_after_fork() {
    views().isolate(executable_memfd("patchbench-sealed", views().memory()));
  }
};

}  // namespace patchbench
