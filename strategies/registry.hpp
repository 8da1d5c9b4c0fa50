// strategies/registry.hpp - the one list of strategies, in presentation order.
//
// Adding one: a file that declares its zone and dispatch, and a line here. Tests, cases, tables,
// figures and the tables of README and docs follow. What else a strategy may say of itself:
//
//   kPatched = false           its code is installed once (dispatch.hpp)
//   kOnlyWorkload = "mic"      a control of one workload
//   kPreferredBaseline = true  ratios are taken to the first of these that the machine allows
//   kFloor = true              the control that nothing can go below
//   kSmallGrid = true          its linked sends are those of the strategies before it, so presets
//                              measure it at one point of each workload's grid
//
// and its zone: kRefusedBy, kTogglesProtection and kWritableAndExecutable (policy.hpp), and the
// traits of zone_traits.hpp.
#pragma once

#include <string_view>
#include <tuple>

#include "asmjit_dual.hpp"
#include "controls.hpp"
#include "data_slot_stub.hpp"
#include "file_dual.hpp"
#include "hardened_stub_x86_64.hpp"
#include "helper_process.hpp"
#include "indirect_cell.hpp"
#include "memfd_dual.hpp"
#include "mprotect_toggle.hpp"
#include "mremap_alias.hpp"
#include "ondemand_view.hpp"
#include "pkey_toggle.hpp"
#include "posix_shm_dual.hpp"
#include "proc_self_mem.hpp"
#include "process_vm_writev.hpp"
#include "pwrite_memfd.hpp"
#include "remap_swap.hpp"
#include "rwx.hpp"
#include "rx_rwx_toggle.hpp"
#include "shared_memfd_toggle.hpp"
#include "sysv_shm.hpp"
#include "zone_toggle.hpp"

namespace patchbench {

/// Ways to change code.
using StrategyList =
    std::tuple<Rwx, MemfdDual, SysvShm, FileDual, MprotectToggle, IndirectCell, DataSlotStub,
               MremapAlias, PosixShmDual, OndemandView, AsmjitDual, PkeyToggle, RxRwxToggle,
               ZoneToggle, SharedMemfdToggle, RemapSwap, PwriteMemfd, ProcSelfMem, HelperProcess>;

/// What they are held against. Part of every run.
using ControlList = decltype(std::tuple_cat(
    std::tuple<Floor, Unchecked, TagCell, TargetCell, TargetRegister, IndirectCellRwx,
               ScatteredCells>{},
    HardenedStubs{},
    std::tuple<SharedStub, NewestFirst, RwxTranslated, MemfdDualConstant, ProcessVmWritev>{}));

/// The workload a control belongs to, or empty when it belongs to all.
template <class Strategy>
[[nodiscard]] constexpr std::string_view only_workload() noexcept {
  if constexpr (requires { Strategy::kOnlyWorkload; }) {
    return Strategy::kOnlyWorkload;
  } else {
    return {};
  }
}

template <class Strategy>
[[nodiscard]] constexpr bool has_small_grid() noexcept {
  return requires { Strategy::kSmallGrid; };
}

template <class Strategy>
[[nodiscard]] constexpr bool is_preferred_baseline() noexcept {
  return requires { Strategy::kPreferredBaseline; };
}

template <class Strategy>
[[nodiscard]] constexpr bool is_floor() noexcept {
  return requires { Strategy::kFloor; };
}

}  // namespace patchbench
