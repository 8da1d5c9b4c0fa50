// strategies/hardened_stub.hpp - data_slot_stub.hpp, its indirect jump hardened against branch
// target injection (Spectre variant 2): what calls through data cost a VM that does not trust the
// processor's prediction of them.
//
// They differ from data-slot-stub in the stub alone, so that the ratio to it is what the hardening
// costs. Neither asks the kernel for anything: where a kernel or hypervisor restricts indirect
// branches itself (IBRS, on for user code where a process asked for it by prctl
// PR_SET_SPECULATION_CTRL), that comes on top, for every strategy that has such branches.
//
// x86-64 alone: the sequences are made of its return prediction and its LFENCE. A retpoline returns
// to an address that no call pushed, which a shadow stack refuses.
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
