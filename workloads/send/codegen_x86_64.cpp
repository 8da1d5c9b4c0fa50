#include <algorithm>
#include <array>

#include <asmjit/x86.h>

#include "workloads/send/architecture_x86_64.hpp"
#include "workloads/send/method_cache.hpp"
#include "workloads/send/piece.hpp"

namespace patchbench::send {
namespace {

namespace x86 = asmjit::x86;

// The recommended multi-byte forms (Intel SDM vol. 2B, NOP), up to nine bytes.
constexpr std::array<std::array<std::uint8_t, 9>, 9> kNops{{
    {0x90},
    {0x66, 0x90},
    {0x0f, 0x1f, 0x00},
    {0x0f, 0x1f, 0x40, 0x00},
    {0x0f, 0x1f, 0x44, 0x00, 0x00},
    {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
    {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
    {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    {0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
}};

struct Filler {
  static void nop(x86::Assembler& a, std::size_t room) {
    const std::size_t size = std::min(room, kNops.size());
    a.embed(kNops[size - 1].data(), size);
  }
  static void trap(x86::Assembler& a) { a.int3(); }
};

class Piece : public AssembledPiece<x86::Assembler, asmjit::Arch::kX64, Filler> {
 public:
  using AssembledPiece::AssembledPiece;

  /// rip-relative operand for data at an absolute address, in an instruction of this size that ends
  /// with the displacement.
  [[nodiscard]] x86::Mem at(ExecAddress data, std::uint32_t size,
                            std::size_t instruction_size) const {
    const ExecAddress displacement = here() + (instruction_size - 4);
    require_reach(X86_64::reaches(displacement, data), here(), data);
    return x86::Mem(x86::rip, static_cast<std::int32_t>(data - (here() + instruction_size)), size);
  }
  /// Makes the next instruction longer. In 64-bit mode a CS override changes nothing, unless before
  /// a conditional branch (a hint there); GNU as pads with it (-malign-branch-prefix-size).
  void prefixes(std::size_t count) {
    constexpr std::array<std::uint8_t, 3> kCsOverrides = {0x2e, 0x2e, 0x2e};
    assembler.embed(kCsOverrides.data(), std::min(count, kCsOverrides.size()));
  }
  /// An opcode as bytes, followed by 32 bits: a form that an assembler would not choose.
  template <std::size_t kSize>
  void opcode(const std::array<std::uint8_t, kSize>& bytes, std::uint32_t last) {
    assembler.embed(bytes.data(), bytes.size());
    assembler.embed(&last, sizeof last);
  }
  void jump(ExecAddress target) {
    require_reach(X86_64::reaches(here() + 1, target), here(), target);
    assembler.long_().jmp(asmjit::imm(target.value()));
  }
  void call(ExecAddress target) {
    require_reach(X86_64::reaches(here() + 1, target), here(), target);
    assembler.call(asmjit::imm(target.value()));
  }
  void jump_if(x86::CondCode condition, ExecAddress target) {
    require_reach(X86_64::reaches(here() + 2, target), here(), target);
    assembler.long_().j(condition, asmjit::imm(target.value()));
  }
};

/// eax = class tag of rdi, in 9 bytes. Every check begins with it, so all are the same.
void emit_class_tag(x86::Assembler& a) {
  const asmjit::Label tagged = a.newLabel();
  a.mov(x86::eax, x86::edi);
  a.and_(x86::eax, kImmediateBit);
  a.short_().jnz(tagged);
  a.mov(x86::eax, x86::dword_ptr(x86::rdi));
  a.bind(tagged);
}

/// CS overrides before each instruction of a site (architecture_x86_64.hpp has the tables).
struct Prefixes {
  std::size_t sum = 0;
  std::size_t tag = 0;
  std::size_t receiver = 0;
  std::size_t call = 0;
};

/// Of dispatches with the tag in a cell.
bool is_called_directly(Dispatch dispatch) {
  return dispatch == Dispatch::tag_cell || calls_stub(dispatch);
}

Prefixes prefixes_of(const DriverPlan& plan) {
  const bool linear = plan.order == SiteOrder::linear;
  if (plan.dispatch == Dispatch::target_register) {
    return linear ? Prefixes{1, 1, 1, 1} : Prefixes{0, 0, 2, 0};
  }
  if (linear) {
    return plan.dispatch == Dispatch::target_cell ? Prefixes{3, 3, 2, 0} : Prefixes{3, 3, 3, 0};
  }
  return is_called_directly(plan.dispatch) ? Prefixes{0, 0, 3, 0} : Prefixes{};
}

void emit_tag(Piece& piece, const DriverPlan& plan, ExecAddress cell, Selector selector) {
  constexpr std::array<std::uint8_t, 3> kLongMoveToEdx = {0x40, 0xc7, 0xc2};
  const bool linear = plan.order == SiteOrder::linear;
  x86::Assembler& a = piece.assembler;
  if (!tag_is_in_cell(plan.dispatch)) {
    if (linear) {
      piece.opcode(kLongMoveToEdx, selector);
    } else {
      a.mov(x86::edx, selector);
    }
  } else if (linear && is_called_directly(plan.dispatch)) {
    a.rex().mov(x86::edx, piece.at(cell, 4, 7));
  } else {
    a.mov(x86::edx, piece.at(cell, 4, 6));
  }
}

/// Operands of the form [rbx + offset] must all have a 32-bit displacement, or sites would differ
/// in length.
constexpr std::int32_t kStreamBias = 128;

void emit_receiver(Piece& piece, const DriverPlan& plan, std::int32_t offset) {
  constexpr std::array<std::uint8_t, 4> kLoadRdiByRbxWithSib = {0x48, 0x8b, 0xbc, 0x23};
  if (plan.order == SiteOrder::linear) {
    piece.opcode(kLoadRdiByRbxWithSib, static_cast<std::uint32_t>(offset + kStreamBias));
  } else {
    piece.assembler.mov(x86::rdi, x86::qword_ptr(x86::rbx, offset + kStreamBias));
  }
}

void emit_target(Piece& piece, const DriverPlan& plan, std::size_t index, ExecAddress cell,
                 std::size_t prefixes) {
  if (calls_stub(plan.dispatch)) {
    piece.call(plan.stubs + index * X86_64::stub_stride(plan.dispatch));
  } else if (target_is_in_cell(plan.dispatch)) {
    piece.assembler.call(piece.at(cell + offsetof(Cell, target), 8, 6));
  } else if (plan.dispatch == Dispatch::target_register) {
    piece.assembler.lea(x86::r11, piece.at(plan.miss_trampoline, 0, 7));
    piece.prefixes(prefixes);
    piece.assembler.call(x86::r11);
  } else {
    piece.call(plan.miss_trampoline);
  }
}

ExecAddress site_address(const DriverPlan& plan, std::size_t site) {
  return plan.at + (X86_64::driver_sites_offset() + plan.site_shift + site * X86_64::kSiteStride);
}

ExecAddress driver_end(const DriverPlan& plan) { return site_address(plan, plan.sites.size()); }

/// Where each pass begins.
ExecAddress first_address(const DriverPlan& plan) {
  return site_address(plan, plan.order == SiteOrder::shuffled ? plan.first_site : 0);
}

void emit_site(Piece& piece, const DriverPlan& plan, std::size_t index) {
  x86::Assembler& a = piece.assembler;
  const SitePlan& site = plan.sites[index];
  const ExecAddress cell =
      plan.cells + cell_offset(plan.dispatch, static_cast<std::uint32_t>(index), plan.sites.size());
  const Prefixes prefixes = prefixes_of(plan);
  const std::size_t begin = piece.offset();
  piece.prefixes(prefixes.sum);
  a.add(x86::r12, x86::rax);
  piece.prefixes(prefixes.tag);
  emit_tag(piece, plan, cell, plan.selectors[index]);
  piece.prefixes(prefixes.receiver);
  emit_receiver(piece, plan, site.receiver_offset);
  emit_target(piece, plan, index, cell, prefixes.call);
  if (plan.order == SiteOrder::shuffled) {
    piece.jump(site.next == plan.sites.size() ? driver_end(plan) : site_address(plan, site.next));
  } else if (plan.order == SiteOrder::standalone) {
    a.ret();
  }
  piece.trap_to(begin + X86_64::kSiteStride);
}

void emit_prologue(Piece& piece, const DriverPlan& plan, const asmjit::Label& done) {
  x86::Assembler& a = piece.assembler;
  a.push(x86::rbx);
  a.push(x86::r12);
  a.push(x86::r13);
  a.push(x86::r14);
  a.push(x86::r15);  // keeps rsp a multiple of 16 at each site's call
  a.lea(x86::rbx, x86::qword_ptr(x86::rdi, -kStreamBias));
  a.mov(x86::r13, x86::rsi);
  a.mov(x86::r14, x86::rdx);
  a.xor_(x86::r12d, x86::r12d);
  a.xor_(x86::eax, x86::eax);
  a.test(x86::r13, x86::r13);
  a.long_().jz(done);
  piece.jump(first_address(plan));
}

void emit_epilogue(Piece& piece, const DriverPlan& plan, const asmjit::Label& done) {
  x86::Assembler& a = piece.assembler;
  a.add(x86::rbx, x86::r14);
  a.dec(x86::r13);
  piece.jump_if(x86::CondCode::kNZ, first_address(plan));
  a.bind(done);
  a.add(x86::r12, x86::rax);
  a.mov(x86::rax, x86::r12);
  a.pop(x86::r15);
  a.pop(x86::r14);
  a.pop(x86::r13);
  a.pop(x86::r12);
  a.pop(x86::rbx);
  a.ret();
}

void emit_body(x86::Assembler& a, const MethodPlan& plan) {
  if (plan.immediate_receiver) {
    a.mov(x86::rax, x86::rdi);
    a.sar(x86::rax, 1);
  } else {
    a.mov(x86::rax, x86::qword_ptr(x86::rdi, offsetof(Object, value)));
  }
  for (std::uint32_t i = 0; i < plan.work; ++i) {
    const BodyOperation operation = body_operation(plan.method, i);
    if (operation.exclusive_or) {
      a.xor_(x86::rax, operation.constant);
    } else {
      a.add(x86::rax, operation.constant);
    }
  }
  a.ret();
}

/// One probe: jumps through the entry when its key is r11. The entry index is ecx >> shift.
void emit_probe(x86::Assembler& a, unsigned shift, std::uint32_t mask) {
  const asmjit::Label next = a.newLabel();
  a.mov(x86::r8d, x86::ecx);
  if (shift != 0) a.shr(x86::r8d, shift);
  a.and_(x86::r8d, mask);
  a.shl(x86::r8d, 4);
  a.cmp(x86::qword_ptr(x86::r10, x86::r8), x86::r11);
  a.short_().jne(next);
  a.jmp(x86::qword_ptr(x86::r10, x86::r8, 0, offsetof(MethodCacheEntry, target)));
  a.bind(next);
}

void emit_return_that_is_predicted_into_a_loop(x86::Assembler& a) {
  const asmjit::Label jump = a.newLabel();
  const asmjit::Label predicted = a.newLabel();
  a.call(jump);
  a.bind(predicted);
  a.pause();
  a.lfence();
  a.short_().jmp(predicted);
  a.bind(jump);
  a.mov(x86::qword_ptr(x86::rsp), x86::r11);
  a.ret();
}

void emit_stub(Piece& piece, Dispatch dispatch, ExecAddress slot) {
  x86::Assembler& a = piece.assembler;
  if (dispatch == Dispatch::stub_cell) {
    a.jmp(piece.at(slot, 8, 6));
    return;
  }
  a.mov(x86::r11, piece.at(slot, 8, 7));
  if (dispatch == Dispatch::stub_cell_retpoline) {
    emit_return_that_is_predicted_into_a_loop(a);
  } else {
    a.lfence();
    a.jmp(x86::r11);
  }
}

/// The key of the class tag in eax with the selector in edx, in r11, and its hash in ecx.
void emit_key_of_register(x86::Assembler& a) {
  static_assert(method_cache_key(0, 1) == std::uint64_t{1} << 32U);
  a.mov(x86::r11d, x86::edx);
  a.shl(x86::r11, 32);
  a.or_(x86::r11, x86::rax);
  a.imul(x86::ecx, x86::edx, kSelectorHashFactor);
  a.shr(x86::ecx, kSelectorHashShift);
  a.xor_(x86::ecx, x86::eax);
}

// --- walks ---

/// A site's own call needs rsp a multiple of 16 there, so it is 8 off where the site is called:
/// an even number of pushes.
void emit_walk_head(Piece& piece, bool hooked, const asmjit::Label& done) {
  x86::Assembler& a = piece.assembler;
  a.push(x86::rbx);
  a.push(x86::r12);
  a.push(x86::r13);
  a.push(x86::r14);
  if (hooked) {
    a.push(x86::rbp);
    a.push(x86::r15);
    a.push(x86::r9);
    a.push(x86::r9);
    a.mov(x86::r15, x86::rcx);
    a.mov(x86::rbp, x86::r8);
  }
  a.lea(x86::rbx, x86::qword_ptr(x86::rdi, -kStreamBias));
  a.mov(x86::r13, x86::rsi);
  a.mov(x86::r14, x86::rdx);
  a.xor_(x86::r12d, x86::r12d);
  a.xor_(x86::eax, x86::eax);
  a.test(x86::r13, x86::r13);
  a.long_().jz(done);
}

void emit_walk_end(x86::Assembler& a, bool hooked, const asmjit::Label& pass,
                   const asmjit::Label& done) {
  a.add(x86::rbx, x86::r14);
  a.dec(x86::r13);
  a.long_().jnz(pass);
  a.bind(done);
  a.add(x86::r12, x86::rax);
  a.mov(x86::rax, x86::r12);
  if (hooked) {
    a.add(x86::rsp, 16);
    a.pop(x86::r15);
    a.pop(x86::rbp);
  }
  a.pop(x86::r14);
  a.pop(x86::r13);
  a.pop(x86::r12);
  a.pop(x86::rbx);
  a.ret();
}

void emit_walk_call(Piece& piece, Called called, ExecAddress target) {
  if (called != Called::sites) piece.assembler.add(x86::r12, x86::rax);
  if (called == Called::slots) {
    piece.assembler.call(piece.at(target, 8, 6));
  } else {
    piece.call(target);
  }
}

/// Called by the walk; leaves no result for the next site to add.
void emit_call_of_hook(x86::Assembler& a) {
  a.add(x86::r12, x86::rax);
  a.mov(x86::esi, x86::dword_ptr(x86::r15));
  a.add(x86::r15, sizeof(std::uint32_t));
  a.mov(x86::rdi, x86::qword_ptr(x86::rsp, 8));  // behind the return address
  a.call(x86::rbp);
  a.xor_(x86::eax, x86::eax);
  a.ret();
}

}  // namespace

CodeBytes X86_64::emit_walk(const WalkPlan& plan) {
  Piece piece{plan.at};
  x86::Assembler& a = piece.assembler;
  const bool hooked = plan.stretch != 0;
  const asmjit::Label pass = a.newLabel();
  const asmjit::Label done = a.newLabel();
  const asmjit::Label hook = a.newLabel();
  emit_walk_head(piece, hooked, done);
  a.short_().jmp(pass);
  piece.trap_to(kWalkHeadSize);
  a.bind(pass);
  for (std::size_t i = 0; i < plan.calls.size(); ++i) {
    if (hooked && i % plan.stretch == 0) {
      if (plan.called == Called::functions) piece.prefixes(3);
      a.call(hook);
    }
    emit_walk_call(piece, plan.called, plan.calls[i]);
  }
  emit_walk_end(a, hooked, pass, done);
  if (hooked) {
    piece.trap_to((piece.offset() + 63) / 64 * 64);
    a.bind(hook);
    emit_call_of_hook(a);
  }
  piece.trap_to(walk_size(plan.called, plan.calls.size(), plan.stretch));
  return piece.finish();
}

CodeBytes X86_64::emit_veneer(const VeneerPlan& plan) {
  constexpr std::size_t kJumpSize = 6;
  Piece piece{plan.at};
  piece.assembler.jmp(piece.at(plan.at + kVeneerSlot, 8, kJumpSize));
  piece.trap_to(kVeneerSlot);
  const std::uint64_t target = plan.target.value();
  piece.assembler.embed(&target, sizeof target);
  return piece.finish();
}

CodeBytes X86_64::emit_driver(const DriverPlan& plan) {
  Piece piece{plan.at};
  const asmjit::Label done = piece.assembler.newLabel();
  emit_prologue(piece, plan, done);
  piece.trap_to(driver_sites_offset() + plan.site_shift);
  for (std::size_t i = 0; i < plan.sites.size(); ++i) emit_site(piece, plan, i);
  emit_epilogue(piece, plan, done);
  return piece.finish();
}

CodeBytes X86_64::emit_call_site() {
  Piece piece{ExecAddress{std::uintptr_t{0x1000}}};
  x86::Assembler& a = piece.assembler;
  // Two pushes leave rsp 8 off a multiple of 16; the call makes it one at the site, as in a driver.
  a.push(x86::rbx);
  a.push(x86::r12);
  a.lea(x86::rbx, x86::qword_ptr(x86::rdi, -kStreamBias));
  a.xor_(x86::r12d, x86::r12d);
  a.xor_(x86::eax, x86::eax);
  a.call(x86::rsi);
  a.pop(x86::r12);
  a.pop(x86::rbx);
  a.ret();
  return piece.finish();
}

CodeBytes X86_64::emit_return() {
  Piece piece{ExecAddress{std::uintptr_t{0x1000}}};
  piece.assembler.ret();
  return piece.finish();
}

CodeBytes X86_64::emit_sum(std::span<const std::uint16_t> addends) {
  // As bytes: an assembler takes a shorter form for addends below 128.
  constexpr std::array<std::uint8_t, 4> kNopAndAddToRax = {0x66, 0x90, 0x48, 0x05};
  Piece piece{ExecAddress{std::uintptr_t{0x1000}}};
  piece.assembler.xor_(x86::eax, x86::eax);
  piece.pad_to(kSumUnit);
  for (const std::uint32_t addend : addends) {
    piece.assembler.embed(kNopAndAddToRax.data(), kNopAndAddToRax.size());
    piece.assembler.embed(&addend, sizeof addend);
  }
  piece.assembler.ret();
  piece.trap_to((addends.size() + 2) * kSumUnit);
  return piece.finish();
}

std::size_t X86_64::method_stride(std::uint32_t work) noexcept {
  constexpr std::size_t kLoadAndReturn = 7;
  constexpr std::size_t kOperation = 4;
  const std::size_t size = unchecked_entry_offset() + kLoadAndReturn + work * kOperation;
  return (size + 63) / 64 * 64;
}

CodeBytes X86_64::emit_method(const MethodPlan& plan) {
  Piece piece{plan.at};
  emit_class_tag(piece.assembler);
  piece.assembler.cmp(x86::eax, x86::edx);
  piece.jump_if(x86::CondCode::kNE, plan.miss_trampoline);
  piece.pad_to(unchecked_entry_offset());
  emit_body(piece.assembler, plan);
  piece.trap_to(method_stride(plan.work));
  return piece.finish();
}

CodeBytes X86_64::emit_pic_prototype() {
  // Displacements are filled in for each copy; the prototype's own lead to its beginning.
  constexpr ExecAddress kNowhere{std::uintptr_t{0x1000}};
  Piece piece{kNowhere};
  x86::Assembler& a = piece.assembler;
  emit_class_tag(a);
  piece.prefixes(2);  // so that the word of the jump is aligned
  a.cmp(x86::eax, x86::edx);
  piece.jump_if(x86::CondCode::kE, kNowhere);
  piece.jump(kNowhere);
  for (unsigned index = kMaxPicCases - 1; index >= 1; --index) {
    a.cmp(x86::eax, asmjit::imm(0x7fff'ffff));  // 3D and room for 32 bits
    piece.jump_if(x86::CondCode::kE, kNowhere);
  }
  piece.jump(kNowhere);
  piece.trap_to(kPicSize);
  return piece.finish();
}

CodeBytes X86_64::emit_cell_pic(const CellPicPlan& plan) {
  Piece piece{plan.at};
  x86::Assembler& a = piece.assembler;
  emit_class_tag(a);
  if (plan.shared) {
    a.lea(x86::r11, piece.at(plan.slots, 0, 7));
    a.add(x86::r11, x86::rdx);
  }
  for (unsigned index = 0; index < kMaxPicCases; ++index) {
    const std::size_t offset = index * sizeof(Cell);
    const auto slot = static_cast<std::int32_t>(offset);
    const asmjit::Label next = a.newLabel();
    a.cmp(x86::eax,
          plan.shared ? x86::dword_ptr(x86::r11, slot) : piece.at(plan.slots + offset, 4, 6));
    a.short_().jne(next);
    a.jmp(plan.shared ? x86::qword_ptr(x86::r11, slot + 8)
                      : piece.at(plan.slots + (offset + 8), 8, 6));
    a.bind(next);
  }
  piece.jump(plan.miss_trampoline);
  piece.trap_to(kCellPicStride);
  return piece.finish();
}

CodeBytes X86_64::emit_stubs(const StubsPlan& plan) {
  Piece piece{plan.at};
  for (std::uint32_t i = 0; i < plan.sites; ++i) {
    const ExecAddress cell = plan.cells + cell_offset(plan.dispatch, i, plan.sites);
    emit_stub(piece, plan.dispatch, cell + offsetof(Cell, target));
    piece.trap_to((i + 1) * stub_stride(plan.dispatch));
  }
  return piece.finish();
}

CodeBytes X86_64::emit_tag_stub(const TagStubPlan& plan) {
  Piece piece{plan.at};
  piece.assembler.mov(x86::edx, plan.tag);
  piece.jump(plan.checked_entry);
  piece.trap_to(kTagStubStride);
  return piece.finish();
}

CodeBytes X86_64::emit_open_pic(const OpenPicPlan& plan) {
  Piece piece{plan.at};
  x86::Assembler& a = piece.assembler;
  const bool is_generic = plan.selector == 0;
  emit_class_tag(a);
  if (is_generic) {
    emit_key_of_register(a);
  } else {
    a.movabs(x86::r11, method_cache_key(0, plan.selector));
    a.or_(x86::r11, x86::rax);
    a.mov(x86::ecx, x86::eax);
    a.xor_(x86::ecx, selector_hash(plan.selector));
  }
  a.lea(x86::r10, piece.at(plan.method_cache, 0, 7));
  for (unsigned probe = 0; probe < kMethodCacheProbes; ++probe) emit_probe(a, probe, plan.mask);
  if (!is_generic) a.mov(x86::edx, plan.selector);
  piece.jump(plan.open_miss_trampoline);
  piece.trap_to(kOpenPicStride);
  return piece.finish();
}

CodeBytes X86_64::emit_trampoline(const TrampolinePlan& plan) {
  Piece piece{plan.at};
  x86::Assembler& a = piece.assembler;
  // Entered with the site's return address on the stack and left by a jump with it still there:
  // calls and returns stay paired.
  a.mov(x86::rcx, x86::qword_ptr(x86::rsp));
  a.push(x86::rdi);
  a.mov(x86::rsi, x86::rdi);
  a.movabs(x86::rdi, reinterpret_cast<std::uintptr_t>(plan.machine));
  a.movabs(x86::rax, reinterpret_cast<std::uintptr_t>(plan.function));
  a.call(x86::rax);
  a.pop(x86::rdi);
  a.jmp(x86::rax);
  piece.trap_to(kTrampolineStride);
  return piece.finish();
}

}  // namespace patchbench::send
