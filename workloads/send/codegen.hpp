// workloads/send/codegen.hpp - what an architecture must emit for sends, and the words in it that
// linking changes.
//
// An architecture is a struct with constants, inline encoders for the patch path, and set-up
// functions that emit bytes with AsmJit. Its emitters run on any host, so that golden bytes are
// tested everywhere.
//
// The life of a send site (names as in Cog):
//   unlinked    tag word = selector, target = miss trampoline
//   MIC         tag word = class tag, target = the method's checked entry
//   closed PIC  tag word unchanged, target = a PIC of 2 to 6 cases
//   open PIC    tag word = selector, target = the selector's open PIC
// Under the cell dispatches "tag word" and "target" are the two words of the site's cell.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "strategies/code_zone.hpp"
#include "strategies/dispatch.hpp"
#include "workloads/send/object_model.hpp"

namespace patchbench::send {

using CodeBytes = std::vector<std::byte>;

inline constexpr unsigned kMaxPicCases = 6;

/// A site's caches, when they are data. Also one slot of a cell PIC.
struct Cell {
  std::uint64_t tag;  // class tag or selector; under a shared PIC stub: offset of the site's slots
  std::uint64_t target;  // executable address
};
static_assert(sizeof(Cell) == 16, "generated code addresses tag at 0 and target at 8");

/// Where the cell of site `index` lies, in bytes from the first place of cells. Cells lie densely,
/// or scattered: then each is alone on a line of 64 bytes, and the lines are permuted, so that no
/// prefetcher knows the next one. (Dense cells in the order of execution are prefetched.)
[[nodiscard]] constexpr std::size_t cell_offset(Dispatch dispatch, std::uint32_t index,
                                                std::size_t sites) noexcept {
  if (dispatch != Dispatch::cell_cache_scattered) return index * sizeof(Cell);
  constexpr std::size_t kLine = 64;
  // Odd factors and shifts to the right permute the numbers below a power of two; a factor alone
  // would leave a constant distance from each site's cell to the next one's.
  const auto mask = static_cast<std::uint32_t>(std::bit_ceil(sites) - 1);
  const unsigned half = (static_cast<unsigned>(std::bit_width(mask)) + 1) / 2;
  std::uint32_t line = index;
  for (const std::uint32_t factor : {0x9e37'79b1U, 0x85eb'ca6bU}) {
    line = line * factor & mask;
    line ^= line >> half;
  }
  return line * kLine;
}
/// What the cells of that number of sites occupy, in bytes, rounded up to a line.
[[nodiscard]] constexpr std::size_t cells_size(Dispatch dispatch, std::size_t sites) noexcept {
  return dispatch == Dispatch::cell_cache_scattered ? std::bit_ceil(sites) * 64
                                                    : (sites * sizeof(Cell) + 63) / 64 * 64;
}

/// The slots of one site's cell PIC, compared in order.
struct CellPicSlots {
  Cell slots[kMaxPicCases];
};

/// How the sites of a driver follow each other.
enum class SiteOrder {
  linear,      // one after the other in layout order: as close as the architecture allows
  shuffled,    // chained by direct jumps in a random order
  standalone,  // each site returns: for executing one site at a time
};

/// One site of a driver.
struct SitePlan {
  std::int32_t receiver_offset = 0;  // bytes from the driver's stream pointer
  std::uint32_t next = 0;  // shuffled: the site executed after this one; `sites` = the end
};

struct DriverPlan {
  Dispatch dispatch = Dispatch::inline_cache;
  SiteOrder order = SiteOrder::linear;
  ExecAddress at;                // of the driver's first byte
  std::size_t site_shift = 0;    // of the first site: one of the architecture's (site_shift)
  ExecAddress cells;             // of the first place of cells, as data (cell_offset)
  ExecAddress stubs = {};        // of the first one, where sites call stubs (StubsPlan)
  std::uint32_t first_site = 0;  // where a shuffled driver begins
  std::span<const SitePlan> sites;
  std::span<const Selector> selectors;  // of each site
  ExecAddress miss_trampoline;
};

/// The stubs of all sites, one behind the other. Each is reached by its site's direct call alone
/// and jumps to the target in that site's cell, with the tag register and the return address as
/// they are.
///
/// One a site, and not one a method as .NET's precodes are: a site is linked anew by a store to its
/// own cell. A stub that sites share could not send one of them elsewhere, so that relinking a site
/// would patch its call.
struct StubsPlan {
  Dispatch dispatch = Dispatch::stub_cell;
  ExecAddress at;
  ExecAddress cells;  // as the driver's
  std::size_t sites = 0;
};

/// Loads a class tag into the tag register and jumps to a checked entry. A site that calls it needs
/// no tag of its own: one word says both, so that one store relinks a site which other threads
/// execute. HotSpot has such stubs for transitions that it cannot make at once otherwise (ICStub,
/// icBuffer.hpp of OpenJDK 8). Those belong to a site and are freed at a safepoint; these belong to
/// a method of one class, never change, and are there as long as it is.
struct TagStubPlan {
  ExecAddress at;
  ClassTag tag = 0;
  ExecAddress checked_entry;
};

struct MethodPlan {
  ExecAddress at;
  ExecAddress miss_trampoline;
  std::uint32_t method = 0;
  std::uint32_t work = 0;
  bool immediate_receiver = false;
};

/// An open PIC is made for one selector: the selector and its hash are constants in it.
struct OpenPicPlan {
  ExecAddress at;
  Selector selector = 0;     // 0: of all, which find theirs in the tag register and hash it
  ExecAddress method_cache;  // address of entry 0, as data
  std::uint32_t mask = 0;
  ExecAddress open_miss_trampoline;
};

struct CellPicPlan {
  ExecAddress at;
  ExecAddress slots;  // per-site stub: this site's CellPicSlots; shared stub: those of site 0
  bool shared = false;
  ExecAddress miss_trampoline;
};

/// The C++ end of a trampoline: answers the executable address to jump to.
/// `tag_word` is what the tag register held; `return_address` names the site.
using MissFunction = std::uintptr_t (*)(void* machine, Oop receiver, std::uint64_t tag_word,
                                        std::uintptr_t return_address) noexcept;

struct TrampolinePlan {
  ExecAddress at;
  MissFunction function = nullptr;
  void* machine = nullptr;
};

/// Runs `passes` passes over all sites. Pass p uses the receivers at stream + p * stride_bytes +
/// each site's receiver_offset. Answers the sum of all results, modulo 2^64.
using DriverFunction = std::uint64_t(const Oop* stream, std::uint64_t passes,
                                     std::int64_t stride_bytes);
/// Executes one standalone site with the receivers at `stream`. Answers its method's result.
using CallSiteFunction = std::uint64_t(const Oop* stream, std::uintptr_t site);

/// What a walk calls. Neither changes what a walk keeps in registers that callees save.
enum class Called {
  sites,      // standalone sites, which find their receivers by the walk's stream pointer
  functions,  // functions without arguments that answer a number
  slots,      // such functions too, each through a word in data that holds its address
};

/// Straight-line code that calls sites or functions one after the other, each by a direct call of
/// its own, or through its slot. It holds nothing that differs between strategies of one layout.
struct WalkPlan {
  ExecAddress at;
  Called called = Called::sites;
  std::span<const ExecAddress> calls;  // in this order; the words, where calls go through slots
  std::uint32_t stretch = 0;           // calls from one call of the hook to the next; 0: no hook
};

/// What a direct call goes to whose target it does not reach: a jump through the aligned quadword
/// behind it (A::kVeneerSlot), as in HotSpot's trampoline stubs for AArch64. The quadword is loaded
/// and not fetched: a store to it, which is atomic, sends the next call elsewhere.
struct VeneerPlan {
  ExecAddress at;  // on a multiple of 16
  ExecAddress target;
};

/// Without a hook, a walk is called as a driver is (DriverFunction). With one, it calls
/// `hook(self, index)` before each stretch of calls, the shorter one at the end of a pass included;
/// the indices are read from `list` in turn, over all passes. All of these calls come from one
/// place in the walk, which is its only indirect branch.
using HookFunction = void(void* self, std::uint32_t index) noexcept;
using HookedWalkFunction = std::uint64_t(const Oop* stream, std::uint64_t passes,
                                         std::int64_t stride_bytes, const std::uint32_t* list,
                                         HookFunction* hook, void* self);
/// Stretches of one pass over that number of calls.
[[nodiscard]] constexpr std::size_t stretches(std::size_t calls, std::uint32_t stretch) noexcept {
  return stretch == 0 ? 0 : (calls + stretch - 1) / stretch;
}

/// What generic code asks of an architecture. Offsets are in bytes from the beginning of the piece.
// By hand, because clang-format 14 tears compound requirements apart.
// clang-format off
template <class A>
concept Architecture = requires(
    ExecAddress at, std::uint32_t word, std::uint32_t index, std::byte* bytes, unsigned n,
    std::size_t size, Dispatch dispatch, SiteOrder order, std::uint64_t draw,
    const DriverPlan& driver, const MethodPlan& method, const OpenPicPlan& open,
    const CellPicPlan& cell, const StubsPlan& stubs, const TrampolinePlan& trampoline,
    const WalkPlan& walk, const VeneerPlan& veneer, const TagStubPlan& tag_stub,
    std::span<const std::uint16_t> addends) {
  // Send sites. A tag that is in the code may stand away from its site, in a pool of literals that
  // sites share, but behind it. `size` here is an offset from the first site.
  { A::kSiteStride } -> std::convertible_to<std::size_t>;  // what one site occupies
  // Of the first site from the beginning of a driver, plus the plan's site_shift. The shift is
  // drawn, so that no place of the sites within cache lines and fetch blocks is taken for a
  // strategy's.
  { A::driver_sites_offset() } -> std::same_as<std::size_t>;
  { A::site_shift(draw) } noexcept -> std::same_as<std::size_t>;  // bytes, below 64
  // From the first site, also of its tag.
  { A::site_offset(index) } noexcept -> std::same_as<std::size_t>;
  { A::first_tag_offset(dispatch, order) } noexcept -> std::same_as<std::size_t>;
  { A::tag_distance(index) } noexcept -> std::same_as<std::size_t>;  // from the first site's tag
  { A::site_at(size) } noexcept -> std::same_as<std::uint32_t>;      // the inverse of site_offset
  { A::sites_size(size) } noexcept -> std::same_as<std::size_t>;     // of `size` sites, with their tags
  // From the site.
  { A::site_target_offset(dispatch, order) } -> std::same_as<std::size_t>;
  { A::site_return_offset(dispatch, order) } -> std::same_as<std::size_t>;
  // Instructions that a send executes at its site, with the one that leads on. None of them is
  // there to fill room.
  { A::site_operations(dispatch, order) } -> std::same_as<unsigned>;
  // The target as it is stored in code: one word, of 64 bits where it takes two instructions.
  requires std::unsigned_integral<typename A::template TargetWord<Dispatch::inline_cache>>;
  { A::template encode_target<Dispatch::inline_cache>(at, at) } noexcept
      -> std::same_as<typename A::template TargetWord<Dispatch::inline_cache>>;
  { A::template decode_target<Dispatch::inline_cache>(at, word) } noexcept
      -> std::same_as<ExecAddress>;
  { A::driver_size(n) } -> std::same_as<std::size_t>;
  { A::emit_driver(driver) } -> std::same_as<CodeBytes>;
  { A::emit_call_site() } -> std::same_as<CodeBytes>;
  { A::walk_size(walk.called, size, index) } -> std::same_as<std::size_t>;  // calls, stretch
  { A::emit_walk(walk) } -> std::same_as<CodeBytes>;                        // of that size
  // Of what belongs to one call, and of the word of a function's call in it.
  { A::walk_call_offset(walk.called, index, index) } noexcept -> std::same_as<std::size_t>;
  { A::kWalkCallWord } -> std::convertible_to<std::size_t>;

  // Methods.
  { A::method_stride(n) } -> std::same_as<std::size_t>;
  { A::unchecked_entry_offset() } -> std::same_as<std::size_t>;
  // Of the one word that depends on where the method is, and holds what encode_jump() answers.
  { A::method_jump_offset(n) } -> std::same_as<std::size_t>;
  { A::emit_method(method) } -> std::same_as<CodeBytes>;

  // Closed PICs: a prototype is copied, then its words are set; the last word set makes a case
  // reachable.
  { A::kPicStride } -> std::convertible_to<std::size_t>;
  { A::emit_pic_prototype() } -> std::same_as<CodeBytes>;
  { A::fill_pic(bytes, at, at, at) } noexcept;  // where it executes, first target, miss trampoline
  { A::fill_pic_case(bytes, at, n, word, at) } noexcept;  // where it executes, case, tag, target
  { A::pic_case_offset(n) } noexcept -> std::same_as<std::size_t>;
  { A::kPicCaseSize } -> std::convertible_to<std::size_t>;
  { A::kPicJumpOffset } -> std::convertible_to<std::size_t>;
  { A::encode_jump(at, at) } noexcept -> std::same_as<std::uint32_t>;
  { A::decode_jump(at, word) } noexcept -> std::same_as<ExecAddress>;

  // Stubs and trampolines. A stub's size without the room behind it, and what it executes.
  { A::stub_stride(dispatch) } noexcept -> std::same_as<std::size_t>;
  { A::stub_size(dispatch) } noexcept -> std::same_as<std::size_t>;
  { A::stub_operations(dispatch) } noexcept -> std::same_as<unsigned>;
  { A::emit_stubs(stubs) } -> std::same_as<CodeBytes>;
  { A::kTagStubStride } -> std::convertible_to<std::size_t>;
  { A::emit_tag_stub(tag_stub) } -> std::same_as<CodeBytes>;
  { A::kCellPicStride } -> std::convertible_to<std::size_t>;
  { A::emit_cell_pic(cell) } -> std::same_as<CodeBytes>;
  { A::kOpenPicStride } -> std::convertible_to<std::size_t>;
  { A::emit_open_pic(open) } -> std::same_as<CodeBytes>;
  { A::kTrampolineStride } -> std::convertible_to<std::size_t>;
  { A::emit_trampoline(trampoline) } -> std::same_as<CodeBytes>;

  // A word of code, or several instructions in it, that stops whoever executes it.
  { A::kTrapWord } -> std::convertible_to<std::uint32_t>;
  // A function that returns at once, for touching pages by executing them.
  { A::emit_return() } -> std::same_as<CodeBytes>;
  // A function without arguments that answers the sum of its addends, below 4096 each. Straight
  // code of kSumUnit bytes an addend, between one unit that clears the sum and one that returns it,
  // so that whoever calls it executes every part of it. The aligned four-byte word at kSumWord of
  // its unit is all that depends on an addend.
  { A::kSumUnit } -> std::convertible_to<std::size_t>;
  { A::kSumWord } -> std::convertible_to<std::size_t>;
  { A::emit_sum(addends) } -> std::same_as<CodeBytes>;
  // Whether a direct call or jump reaches the second address whose word (encode_target) is at the
  // first. An emitter throws std::logic_error where one does not.
  { A::reaches(at, at) } noexcept -> std::same_as<bool>;
  { A::kVeneerStride } -> std::convertible_to<std::size_t>;
  { A::kVeneerSlot } -> std::convertible_to<std::size_t>;
  { A::emit_veneer(veneer) } -> std::same_as<CodeBytes>;
  // Size of a zone all of whose code reaches all of its code.
  { A::kMaxZoneSize } -> std::convertible_to<std::size_t>;
};
// clang-format on

}  // namespace patchbench::send
