// strategies/sealed_zone.hpp - code that is installed once and never changes again.
//
// A memfd mapped read-execute, with a read-write view that exists only until seal(): so it also
// works where memory that was writable may never become executable. Used by every strategy that
// keeps its caches in data, and by the controls that measure code nobody patches.
#pragma once

#include <array>
#include <cerrno>
#include <string>

#include "code_zone.hpp"
#include "mapping.hpp"
#include "policy.hpp"
#include "zone_traits.hpp"

namespace patchbench {

class SealedZone {
 public:
  static constexpr AliasKind kAlias = AliasKind::second_view;
  static constexpr Fork kFork = Fork::shared;
  static constexpr std::array kRefusedBy = {
      Refusal{Policy::selinux_no_tmpfs_exec, EACCES, "mmap"},
      Refusal{Policy::file_size_limit, EFBIG, "ftruncate"},
  };

  explicit SealedZone(const ZoneRequest& request)
      : views_(executable_memfd("patchbench-sealed", round_up_to_pages(request.size)), request) {}

  [[nodiscard]] ExecAddress exec() const noexcept { return views_.exec(); }
  [[nodiscard]] std::size_t size() const noexcept { return views_.size(); }
  /// Only until seal(): afterwards the address is not mapped.
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return views_.writable(at);
  }
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void seal() noexcept { views_.drop_writable(); }
  [[nodiscard]] bool sealed() const noexcept { return !views_.has_writable(); }
  void isolate_after_fork() { views_.isolate(executable_memfd("patchbench-sealed", size())); }
  [[nodiscard]] std::string describe() const { return {}; }

 private:
  DualView views_;
};

}  // namespace patchbench
