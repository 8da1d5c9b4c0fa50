// workloads/send/architecture_x86_64.hpp - sends on x86-64: layout of what linking changes, and its
// encoders.
//
// Registers: rdi receiver, edx tag word, rax result, r12 sum of results, rbx stream pointer, r13
// passes, r14 stride; eax, ecx, r8, r10 and r11 are scratch.
//
// A send site, 32 bytes, with both words that linking changes on 4-byte boundaries. Shuffled or
// standalone:
//
//     inline_cache, unchecked              cell_cache and its variants
//   0 49 01 C4        add r12, rax         0 49 01 C4           add r12, rax
//   3 BA <tag>        mov edx, tag         3 8B 15 <disp>       mov edx, [rip + cell.tag]
//   8 48 8B BB <off>  mov rdi, [rbx+off]   9 48 8B BB <off>     mov rdi, [rbx + off]
//  15 E8 <rel>        call target         16 FF 15 <disp>       call [rip + cell.target]
//  20 (jmp next, ret)                     22 (jmp next, ret)
//
// In linear order the same instructions fill the 32 bytes and fall through to the next site. They
// are longer by prefixes that change nothing: up to three CS overrides (2E, ignored in 64-bit mode)
// an instruction, a REX prefix (40), a SIB byte (23: rbx alone).
//
//     inline_cache, unchecked              cell_cache and its variants
//   0 2E*3 49 01 C4          add           0 2E*3 49 01 C4          add
//   6 2E*3 40 C7 C2 <tag>    mov edx       6 2E*3 8B 15 <disp>      mov edx
//  16 2E*3 48 8B BC 23 <off> mov rdi      15 2E*3 48 8B BC 23 <off> mov rdi
//  27 E8 <rel>               call         26 FF 15 <disp>           call
//  32 (next site)                         32 (next site)
//
// stub_cell is tag_cell with a call of the site's stub, which jumps through the cell (kStubStride).
//
// The attribution controls, as offset of each instruction and count of CS overrides:
//
//                    add    mov edx          mov rdi   lea r11   call             next
//   shuffled, standalone
//   tag_cell         0 +0   3 +0 [rip]       9 +3                19 E8 <rel>      24
//   target_cell      0 +0   3 +0 tag         8 +0                15 FF 15 <disp>  21
//   target_register  0 +0   3 +0 tag         8 +2      17 +0     24 41 FF D3      27
//   linear
//   tag_cell         0 +3   6 +3 40 [rip]    16 +3               27 E8 <rel>      32
//   target_cell      0 +3   6 +3 40 tag      16 +2               26 FF 15 <disp>  32
//   target_register  0 +1   4 +1 40 tag      12 +1     21 +0     28 +1 41 FF D3   32
//
// So nothing is executed to fill room, and a send executes equally many instructions at its site
// under all dispatches but target_register, which has one more (site_operations): whoever compares
// it with another states that. Each word that linking changes lies in one aligned quadword, so its
// store is atomic for instruction fetch too (AMD64 APM vol. 2, 7.6.1). Nothing else of a site is
// ever written after installation.
//
// The first site's place modulo 64 is drawn (site_shift). In linear order each call ends where its
// site does, under all dispatches alike: with a shift of 0 or 32 that is a boundary of 32 bytes,
// where processors with the JCC erratum keep no branch in their op cache.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "strategies/code_zone.hpp"
#include "strategies/dispatch.hpp"
#include "workloads/send/codegen.hpp"

namespace patchbench::send {

struct X86_64 {  // NOLINT(readability-identifier-naming): the architecture's own name
  // Send sites.
  static constexpr std::size_t kSiteStride = 32;
  static constexpr std::size_t kSiteShifts = 8;  // of 8 bytes: words stay on their boundaries
  static constexpr std::size_t driver_sites_offset() noexcept { return 64; }
  static constexpr std::size_t site_shift(std::uint64_t draw) noexcept {
    return draw % kSiteShifts * 8;
  }
  /// Of a tag in the code.
  static constexpr std::size_t first_tag_offset(Dispatch dispatch, SiteOrder order) noexcept {
    if (order != SiteOrder::linear) return 4;
    return dispatch == Dispatch::target_register ? 8 : 12;
  }
  static constexpr std::size_t site_offset(std::uint32_t index) noexcept {
    return index * kSiteStride;
  }
  static constexpr std::size_t tag_distance(std::uint32_t index) noexcept {
    return site_offset(index);
  }
  static constexpr std::uint32_t site_at(std::size_t offset) noexcept {
    return static_cast<std::uint32_t>(offset / kSiteStride);
  }
  static constexpr std::size_t sites_size(std::size_t sites) noexcept {
    return sites * kSiteStride;
  }
  /// Of a target in the code.
  static constexpr std::size_t site_target_offset(Dispatch dispatch, SiteOrder order) noexcept {
    if (order == SiteOrder::linear) return dispatch == Dispatch::target_register ? 24 : 28;
    return dispatch == Dispatch::tag_cell || calls_stub(dispatch) ||
                   dispatch == Dispatch::target_register
               ? 20
               : 16;
  }
  /// From the beginning of a site to the address its call returns to.
  static constexpr std::size_t site_return_offset(Dispatch dispatch, SiteOrder order) noexcept {
    if (order == SiteOrder::linear) return kSiteStride;
    switch (dispatch) {
      case Dispatch::inline_cache:
      case Dispatch::unchecked:
        return 20;
      case Dispatch::target_cell:
        return 21;
      case Dispatch::cell_cache:
      case Dispatch::cell_cache_shared:
      case Dispatch::cell_cache_scattered:
      case Dispatch::cell_cache_newest_first:
        return 22;
      case Dispatch::tag_cell:
      case Dispatch::stub_cell:
      case Dispatch::stub_cell_retpoline:
      case Dispatch::stub_cell_lfence:
        return 24;
      case Dispatch::target_register:
        return 27;
    }
    return 0;
  }
  /// Sum, tag, receiver and call; then a jump or a return, where the next site does not follow.
  static constexpr unsigned site_operations(Dispatch dispatch, SiteOrder order) noexcept {
    return (dispatch == Dispatch::target_register ? 5U : 4U) +
           (order == SiteOrder::linear ? 0U : 1U);
  }
  template <Dispatch>
  using TargetWord = std::uint32_t;
  /// A rel32 displacement counts from the end of its instruction, where all these words lie.
  template <Dispatch = Dispatch::inline_cache>
  static std::uint32_t encode_target(ExecAddress word, ExecAddress target) noexcept {
    return static_cast<std::uint32_t>(target - (word + 4));
  }
  template <Dispatch = Dispatch::inline_cache>
  static ExecAddress decode_target(ExecAddress word, std::uint32_t encoded) noexcept {
    return word + 4 + static_cast<std::size_t>(static_cast<std::int32_t>(encoded));
  }
  static std::size_t driver_size(std::size_t sites) noexcept {
    return driver_sites_offset() + site_shift(kSiteShifts - 1) + sites * kSiteStride + 64;
  }
  static CodeBytes emit_driver(const DriverPlan& plan);
  static CodeBytes emit_call_site();

  // Walks. A site adds the result before its own to r12 itself; a function does not. With a hook:
  // rbp hook, r15 list, [rsp] self.
  //
  //   site           E8 <rel>                    call site
  //   function       49 01 C4  E8 <rel>          add r12, rax; call function
  //   slot           49 01 C4  FF 15 <disp>      add r12, rax; call [rip + slot]
  //   hook           E8 <rel>                    call of the hook, by way of the walk's end
  //   of functions   2E*3 E8 <rel>               the same in 8 bytes: each function's displacement
  //                                              is one aligned word, which may be patched
  static constexpr std::size_t walk_size(Called called, std::size_t calls,
                                         std::uint32_t stretch) noexcept {
    const std::size_t body =
        calls * call_size(called) + stretches(calls, stretch) * hook_size(called);
    return (kWalkHeadSize + body + kWalkTailSize + 63) / 64 * 64;
  }
  static CodeBytes emit_walk(const WalkPlan& plan);
  static constexpr std::size_t walk_call_offset(Called called, std::uint32_t index,
                                                std::uint32_t stretch) noexcept {
    const std::size_t hooks = stretch == 0 ? 0 : index / stretch + 1;
    return kWalkHeadSize + index * call_size(called) + hooks * hook_size(called);
  }
  static constexpr std::size_t kWalkCallWord = 4;

  // Methods: the class check in 17 bytes, then the body.
  static std::size_t method_stride(std::uint32_t work) noexcept;
  static constexpr std::size_t unchecked_entry_offset() noexcept { return 17; }
  /// Of the displacement in 0F 85 <rel>, jne miss trampoline, the only one in a method.
  static constexpr std::size_t method_jump_offset(std::uint32_t /*work*/) noexcept { return 13; }
  static CodeBytes emit_method(const MethodPlan& plan);

  // Closed PIC. The first case compares with the tag register; the jump at 19 leads to the newest
  // of the other cases, which lie in front of each other and fall through to the miss. So the
  // newest case is tried second and the oldest of them last; a cell PIC tries its slots in the
  // order in which they were taken, without this jump. (Cog grows its closed PICs likewise as far
  // as we know; unverified.)
  //    0 class tag of rdi to eax
  //    9 2E 2E 39 D0   cmp eax, edx              (prefixes, so that no room is executed)
  //   13 0F 84 <rel>   je first target
  //   19 E9 <rel>      jmp newest case           <- the one word that makes a case reachable, at 20
  //   24 case 5: 3D <tag> cmp eax, tag; 0F 84 <rel> je target
  //   ...
  //   68 case 1
  //   79 E9 <rel>      jmp miss trampoline
  static constexpr std::size_t kPicStride = 128;
  static constexpr std::size_t kPicFirstTargetOffset = 15;
  static constexpr std::size_t kPicJumpOffset = 20;
  static constexpr std::size_t kPicCaseSize = 11;
  static constexpr std::size_t kPicMissOffset = 80;
  static constexpr std::size_t kPicSize = 84;
  static CodeBytes emit_pic_prototype();
  /// Case 1 to 5; case 0 is the first one.
  static constexpr std::size_t pic_case_offset(unsigned index) noexcept {
    return 24 + (kMaxPicCases - 1 - index) * kPicCaseSize;
  }
  static std::uint32_t encode_jump(ExecAddress word, ExecAddress target) noexcept {
    return encode_target(word, target);
  }
  static ExecAddress decode_jump(ExecAddress word, std::uint32_t encoded) noexcept {
    return decode_target(word, encoded);
  }
  /// Sets the targets of the first case and of the miss in a copy of the prototype. The copy is not
  /// reachable yet, so its words need neither alignment nor order.
  static void fill_pic(std::byte* pic, ExecAddress at, ExecAddress first_target,
                       ExecAddress miss) noexcept {
    store(pic + kPicFirstTargetOffset, encode_target(at + kPicFirstTargetOffset, first_target));
    store(pic + kPicMissOffset, encode_target(at + kPicMissOffset, miss));
  }
  /// Sets one case that is not reachable yet.
  static void fill_pic_case(std::byte* pic, ExecAddress at, unsigned index, ClassTag tag,
                            ExecAddress target) noexcept {
    const std::size_t offset = pic_case_offset(index);
    store(pic + offset + 1, tag);
    store(pic + offset + 7, encode_target(at + (offset + 7), target));
  }

  // Stubs and trampolines. A site's stub is FF 25 <disp>, jmp [rip + cell.target]. It takes 16
  // bytes, as an entry of a procedure linkage table does (System V ABI, AMD64 supplement, 5.2), so
  // that it neither crosses nor ends at a boundary of 32 bytes.
  //
  // Hardened against branch target injection, it loads r11 and does not let the processor follow a
  // prediction of the jump:
  //
  //     stub_cell_retpoline                       stub_cell_lfence
  //   0 4C 8B 1D <disp>  mov r11, [rip + ..]    0 4C 8B 1D <disp>  mov r11, [rip + ..]
  //   7 E8 07 00 00 00   call 19                7 0F AE E8         lfence
  //  12 F3 90            pause                 10 41 FF E3         jmp r11
  //  14 0F AE E8         lfence
  //  17 EB F9            jmp 12
  //  19 4C 89 1C 24      mov [rsp], r11
  //  23 C3               ret
  //
  // The first is a retpoline (LLVM's r323155 describes it): the return is predicted to 12, where
  // speculation waits. The second is what Linux calls retpoline,lfence. Linux does not take that
  // for sufficient any more (commit 244d00b5dd47, 2022); it is here because it is what the barrier
  // alone costs.
  static constexpr std::size_t stub_stride(Dispatch dispatch) noexcept {
    return dispatch == Dispatch::stub_cell_retpoline ? 32 : 16;
  }
  static constexpr std::size_t stub_size(Dispatch dispatch) noexcept {
    if (dispatch == Dispatch::stub_cell_retpoline) return 24;
    return dispatch == Dispatch::stub_cell_lfence ? 13 : 6;
  }
  /// That are retired: the loop at 12 is executed speculatively alone.
  static constexpr unsigned stub_operations(Dispatch dispatch) noexcept {
    if (dispatch == Dispatch::stub_cell_retpoline) return 4;
    return dispatch == Dispatch::stub_cell_lfence ? 3 : 1;
  }
  static CodeBytes emit_stubs(const StubsPlan& plan);
  // BA <tag>, mov edx, tag; E9 <rel>, jmp checked entry.
  static constexpr std::size_t kTagStubStride = 16;
  static CodeBytes emit_tag_stub(const TagStubPlan& plan);
  static constexpr std::size_t kCellPicStride = 128;
  static CodeBytes emit_cell_pic(const CellPicPlan& plan);
  static constexpr std::size_t kOpenPicStride = 192;
  static CodeBytes emit_open_pic(const OpenPicPlan& plan);
  static constexpr std::size_t kTrampolineStride = 64;
  static CodeBytes emit_trampoline(const TrampolinePlan& plan);

  static constexpr std::uint32_t kTrapWord = 0xcccc'cccc;  // CC, int3, four times
  static CodeBytes emit_return();

  // A sum: 66 90 (nop), 48 05 <addend> (add rax, addend).
  static constexpr std::size_t kSumUnit = 8;
  static constexpr std::size_t kSumWord = 4;
  static CodeBytes emit_sum(std::span<const std::uint16_t> addends);

  /// A displacement of 32 bits, from the end of the instruction.
  static constexpr bool reaches(ExecAddress word, ExecAddress target) noexcept {
    const std::ptrdiff_t distance = target - (word + 4);
    return distance == static_cast<std::int32_t>(distance);
  }
  // A veneer: FF 25 02 00 00 00, jmp [rip + 2]; two bytes that nothing reaches; the target.
  static constexpr std::size_t kVeneerStride = 16;
  static constexpr std::size_t kVeneerSlot = 8;
  static CodeBytes emit_veneer(const VeneerPlan& plan);

  /// rel32 reaches 2 GiB; cells and tables stand 1 GiB behind the code (arena_map.hpp).
  static constexpr std::size_t kMaxZoneSize = std::size_t{1} << 30U;

 private:
  static constexpr std::size_t kWalkHeadSize = 64;
  static constexpr std::size_t call_size(Called called) noexcept {
    switch (called) {
      case Called::sites:
        return 5;
      case Called::functions:
        return 8;
      case Called::slots:
        return 9;
    }
    return 0;
  }
  static constexpr std::size_t hook_size(Called called) noexcept {
    return called == Called::functions ? 8 : 5;
  }
  static constexpr std::size_t kWalkTailSize =
      128;  // at most: the way out, room, the call of a hook

  static void store(std::byte* at, std::uint32_t word) noexcept {
    std::memcpy(at, &word, sizeof word);
  }
};

static_assert(X86_64::kPicJumpOffset % 4 == 0);

#if defined(__x86_64__)
using NativeArchitecture = X86_64;
#endif

}  // namespace patchbench::send
