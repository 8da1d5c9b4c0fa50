// strategies/data_slot_stub.hpp - caches in writable data, reached through stubs that never change.
//
// A send site loads its class tag from its cell and calls, directly, a stub of its own. The stub is
// one jump through the cell's other word. Linking stores to the cell alone, so that no code is
// written after installation.
//
// It differs from indirect-cell in one thing: the instruction at the site is a direct call, whose
// target a processor takes from the instruction, and the indirect branch stands in the stub. It
// differs from the control tag-cell in the stub alone.
//
// Who does it: .NET since version 7, whose precode and call-counting stubs are fixed code that
// jumps through a slot in a data page beside it (dotnet/runtime, pull request 65738); libffi's
// static trampolines since 3.4, of which a table is mapped from the library's file (libffi,
// src/tramp.c). Both load one more word in the stub; here the site loads it, as indirect-cell's
// does, so that the two can be compared.
//
// What refuses it: what refuses the memfd through which the code is installed (sealed_zone.hpp).
// Linking itself asks the kernel for nothing. Nor does libffi's way of installing, which maps a
// file of the distribution.
//
// Tag and target change in the order of SiteWords::store_pair (workloads/send/site_words.hpp), as
// under indirect-cell: memory never pairs a new tag with an old target. The two loads of a send
// stand further apart here, the second in the stub, and what that comment says of other executors
// holds as it does there.
#pragma once

#include <string_view>

#include "dispatch.hpp"
#include "sealed_zone.hpp"

namespace patchbench {

struct DataSlotStub {
  static constexpr std::string_view kId = "data-slot-stub";
  static constexpr std::string_view kSummary =
      "code never changes; a site calls its stub directly, which jumps through a data cell";
  using Zone = SealedZone;
  static constexpr Dispatch kDispatch = Dispatch::stub_cell;
  static constexpr bool kSmallGrid = true;
};

}  // namespace patchbench
