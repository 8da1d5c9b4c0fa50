// strategies/dual_view_zone.hpp - a shared file mapped twice, whatever file it is: what memfd-dual,
// file-dual, posix-shm-dual and sealed code have in common.
#pragma once

#include <string>
#include <utility>

#include "code_zone.hpp"
#include "mapping.hpp"
#include "zone_traits.hpp"

namespace patchbench {

class DualViewZone {
 public:
  static constexpr AliasKind kAlias = AliasKind::second_view;
  static constexpr Fork kFork = Fork::shared;

  [[nodiscard]] ExecAddress exec() const noexcept { return views_.exec(); }
  [[nodiscard]] std::size_t size() const noexcept { return views_.size(); }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return views_.writable(at);
  }
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void seal() noexcept {}
  [[nodiscard]] std::string describe() const { return {}; }
  void commit(std::size_t bytes) { views_.commit(bytes); }

 protected:
  explicit DualViewZone(DualView views) noexcept : views_(std::move(views)) {}

  [[nodiscard]] DualView& views() noexcept { return views_; }
  [[nodiscard]] const DualView& views() const noexcept { return views_; }

 private:
  DualView views_;
};

}  // namespace patchbench
