// strategies/staged_zone.hpp - code that no mapping of this process can write: stores go to a
// staging area, and the end of a patch scope hands them to somebody who can.
//
// The staging area is as large as the zone, at one distance from it, and holds the same bytes, so
// that writable() is an addition and what is read there is what will be executed. A virtual machine
// would hand over a few bytes from its stack instead, which saves a cache line and no call.
//
// Instruction fetch is made coherent here, when the bytes have arrived: what callers publish inside
// the scope is only staged.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include <sys/mman.h>

#include "code_zone.hpp"
#include "fetch_aarch64.hpp"
#include "fetch_x86_64.hpp"
#include "mapping.hpp"
#include "publish.hpp"

namespace patchbench {

/// Who writes the code. Constructed with the request and the staging area's memory, of which
/// kSharesStaging says whether another process sees it. store() changes `size` bytes of code at an
/// offset of the zone to those at the same offset of the staging area, or ends the process.
/// isolate_after_fork() makes a copy of the code for this process alone (zone_traits.hpp); the
/// staging area has its bytes, and is this process's own by then.
// clang-format off
template <class Writer>
concept CodeWriter =
    std::constructible_from<Writer, const ZoneRequest&, const Mapping&> && std::movable<Writer> &&
    requires(Writer writer, const Writer& view, const Mapping& staging, const std::byte* staged,
             std::size_t size) {
      { Writer::kSharesStaging } -> std::convertible_to<bool>;
      { view.exec() } noexcept -> std::same_as<ExecAddress>;
      { view.size() } noexcept -> std::same_as<std::size_t>;
      { writer.store(size, staged, size) } noexcept;
      { writer.isolate_after_fork(staging) };
    };
// clang-format on

template <CodeWriter Writer>
class StagedZone {
 public:
  static constexpr AliasKind kAlias = AliasKind::second_view;
  static constexpr bool kStaged = true;

  explicit StagedZone(const ZoneRequest& request)
      : staging_(map_staging(request)),
        writer_(request, staging_),
        delta_(reinterpret_cast<std::uintptr_t>(staging_.address()) - writer_.exec().value()) {}

  [[nodiscard]] ExecAddress exec() const noexcept { return writer_.exec(); }
  [[nodiscard]] std::size_t size() const noexcept { return writer_.size(); }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return WritableAddress{at.value() + delta_};
  }
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void end_patch(ExecAddress at, std::size_t size) noexcept {
    writer_.store(static_cast<std::size_t>(at - exec()), writable(at).data(), size);
    // Cleaned through the executable view: the other one is other memory.
    if constexpr (!kFetchIsCoherent) {
      publish(at, WritableAddress{at.value()}, size, AliasKind::same_address);
    }
  }
  void seal() noexcept {}
  [[nodiscard]] std::string describe() const { return {}; }
  void isolate_after_fork() {
    if constexpr (Writer::kSharesStaging) {
      Mapping copy = Mapping::shared_anonymous(staging_.size(), kStagingProtection, 0);
      std::memcpy(copy.address(), staging_.address(), staging_.size());
      copy.move_to(staging_);
    }
    writer_.isolate_after_fork(staging_);
  }

 private:
  [[nodiscard]] static Mapping map_staging(const ZoneRequest& request) {
    const std::size_t size = zone_size(request);
    const Place at = writable_place(request);
    return Writer::kSharesStaging ? Mapping::shared_anonymous(size, kStagingProtection, at)
                                  : Mapping::anonymous(size, kStagingProtection, at);
  }

  static constexpr int kStagingProtection = PROT_READ | PROT_WRITE;

  Mapping staging_;
  Writer writer_;
  std::uintptr_t delta_;  // staging area - code
};

}  // namespace patchbench
