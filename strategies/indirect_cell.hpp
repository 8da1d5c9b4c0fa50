// strategies/indirect_cell.hpp - caches in writable data, code that never changes.
//
// Each send site loads class tag and target from its cell and calls through it. No write to code at
// all after installation. (The stubs of .NET and libffi: data_slot_stub.hpp.)
#pragma once

#include <string_view>

#include "dispatch.hpp"
#include "rwx.hpp"
#include "sealed_zone.hpp"

namespace patchbench {

struct IndirectCell {
  static constexpr std::string_view kId = "indirect-cell";
  static constexpr std::string_view kSummary =
      "code never changes; sites load tag and target from a data cell and call through it";
  using Zone = SealedZone;
  static constexpr Dispatch kDispatch = Dispatch::cell_cache;
};

/// One PIC stub for all sites instead of one each: a single indirect jump that every polymorphic
/// site shares.
struct SharedStub {
  static constexpr std::string_view kId = "shared-stub";
  static constexpr std::string_view kSummary =
      "indirect-cell with one PIC stub shared by all sites";
  using Zone = SealedZone;
  static constexpr Dispatch kDispatch = Dispatch::cell_cache_shared;
  static constexpr std::string_view kOnlyWorkload = "pic";
};

/// The same cells with code in RWX memory: tells the price of the dispatch from the price of the
/// memory.
struct IndirectCellRwx {
  static constexpr std::string_view kId = "indirect-cell-rwx";
  static constexpr std::string_view kSummary = "indirect-cell with its code in RWX memory";
  using Zone = RwxZone;
  static constexpr Dispatch kDispatch = Dispatch::cell_cache;
  static constexpr std::string_view kOnlyWorkload = "mic";
};

}  // namespace patchbench
