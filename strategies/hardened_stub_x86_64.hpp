// strategies/hardened_stub_x86_64.hpp - data_slot_stub.hpp with its jump hardened against branch
// target injection (Spectre variant 2). What calls through data cost a VM that does not trust the
// processor to predict them.
//
// They differ from data-slot-stub in the stub alone, so that the ratio to it is what the hardening
// costs. What a processor or kernel restricts by itself comes on top, for every strategy that has
// indirect branches.
//
// Other architectures have neither: the sequences are made of x86's return prediction and LFENCE. A
// retpoline returns to an address that no call pushed, which a shadow stack refuses.
#pragma once

#include <string_view>
#include <tuple>

#include "dispatch.hpp"
#include "sealed_zone.hpp"

namespace patchbench {

struct RetpolineStub {
  static constexpr std::string_view kId = "data-slot-retpoline";
  static constexpr std::string_view kSummary =
      "data-slot-stub, its jump a return that is predicted into a loop";
  using Zone = SealedZone;
  static constexpr Dispatch kDispatch = Dispatch::stub_cell_retpoline;
  static constexpr std::string_view kOnlyWorkload = "mic";
};

struct LfenceStub {
  static constexpr std::string_view kId = "data-slot-lfence";
  static constexpr std::string_view kSummary = "data-slot-stub, LFENCE before its jump";
  using Zone = SealedZone;
  static constexpr Dispatch kDispatch = Dispatch::stub_cell_lfence;
  static constexpr std::string_view kOnlyWorkload = "mic";
};

#if defined(__x86_64__)
using HardenedStubs = std::tuple<RetpolineStub, LfenceStub>;
#else
using HardenedStubs = std::tuple<>;
#endif

}  // namespace patchbench
