// strategies/prefault.hpp - pages of a zone that are there before code is stored in them.
//
// Fresh pages cost a fault for each view in which they are touched. Two calls make them all at
// once: MADV_POPULATE_WRITE of what is written and MADV_POPULATE_READ of what is executed
// (madvise(2), Linux 5.14). ZoneRequest::populate does the same when a zone is mapped.
#pragma once

#include <cstddef>
#include <string>

#include "code_zone.hpp"
#include "zone_traits.hpp"

namespace patchbench {

/// Why this kernel cannot prefault; empty when it can.
[[nodiscard]] std::string why_no_prefaulting();

/// One view, as if each page of it were written, or read. False with errno where that fails.
[[nodiscard]] bool populate_to_write(WritableAddress at, std::size_t size) noexcept;
[[nodiscard]] bool populate_to_execute(ExecAddress at, std::size_t size) noexcept;

/// Both views of [at, at + size), or the one that there is. A zone that is writable in a scope
/// alone is opened once for all of it; a staged one is not, because that would hand over what is
/// staged. Ends the process where the kernel refuses: ask why_no_prefaulting() before.
template <class Zone>
void prefault(Zone& zone, ExecAddress at, std::size_t size) noexcept {
  bool done = true;
  if constexpr (is_staged<Zone>()) {
    done = populate_to_write(zone.writable(at), size);
  } else {
    const PatchScope scope{zone, at, size};
    done = populate_to_write(zone.writable(at), size);
  }
  if constexpr (Zone::kAlias == AliasKind::second_view) {
    done = done && populate_to_execute(at, size);
  }
  if (!done) patch_failed("madvise (to populate)");
}

}  // namespace patchbench
