// strategies/rwx.hpp - one anonymous mapping, readable, writable and executable at once.
//
// The cheapest way where it is still allowed. Refused by SELinux (execmem), PR_SET_MDWE and
// systemd's MemoryDenyWriteExecute=.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include <sys/mman.h>

#include "code_zone.hpp"
#include "dispatch.hpp"
#include "landing_pads.hpp"
#include "mapping.hpp"
#include "policy.hpp"

namespace patchbench {

class RwxZone {
 public:
  static constexpr AliasKind kAlias = AliasKind::same_address;
  static constexpr bool kWritableAndExecutable = true;
  static constexpr std::array kRefusedBy = kRefuseRwx;

  explicit RwxZone(const ZoneRequest& request)
      : mapping_(Mapping::anonymous(zone_size(request), PROT_WRITE | protection_to_execute(request),
                                    exec_place(request))) {}

  [[nodiscard]] ExecAddress exec() const noexcept { return ExecAddress{mapping_.address()}; }
  [[nodiscard]] std::size_t size() const noexcept { return mapping_.size(); }
  [[nodiscard]] WritableAddress writable(ExecAddress at) const noexcept {
    return WritableAddress{at.value()};
  }
  void begin_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void end_patch(ExecAddress /*at*/, std::size_t /*size*/) noexcept {}
  void seal() noexcept {}
  [[nodiscard]] std::string describe() const { return {}; }

 private:
  Mapping mapping_;
};

struct Rwx {
  static constexpr std::string_view kId = "rwx";
  static constexpr std::string_view kSummary =
      "one anonymous mapping, writable and executable at once";
  using Zone = RwxZone;
  static constexpr Dispatch kDispatch = Dispatch::inline_cache;
  static constexpr bool kPreferredBaseline = true;
};

}  // namespace patchbench
