// workloads/send/piece.hpp - one piece of code, assembled with AsmJit for the address at which it
// will run. What the generators of all architectures share.
#pragma once

#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <string>

#include <asmjit/core.h>

#include "strategies/code_zone.hpp"
#include "workloads/send/codegen.hpp"

namespace patchbench::send {

class ThrowOnError : public asmjit::ErrorHandler {
 public:
  void handleError(asmjit::Error /*error*/, const char* message,
                   asmjit::BaseEmitter* /*origin*/) override {
    throw std::logic_error(std::string{"AsmJit: "} + message);
  }
};

/// What does not fit into a displacement would become another one, and AsmJit for x86-64 would make
/// a call through a table behind the piece of it. Neither is what was asked for.
inline void require_reach(bool reached, ExecAddress from, ExecAddress to) {
  if (reached) return;
  char text[160];
  std::snprintf(
      text, sizeof text,
      "an instruction at %#zx does not reach %#zx, %td MiB away (a branch that far needs a veneer)",
      from.value(), to.value(), (to - from) / (std::ptrdiff_t{1} << 20U));
  throw std::logic_error(text);
}

/// `Filler` says how room is filled: nop(assembler, bytes) emits at least one byte and at most so
/// many, trap(assembler) one instruction that stops whoever runs into it.
template <class Assembler, asmjit::Arch kArch, class Filler>
class AssembledPiece {
 public:
  explicit AssembledPiece(ExecAddress at) : at_(at) {
    code_.init(asmjit::Environment{kArch}, at.value());
    code_.setErrorHandler(&on_error_);
    code_.attach(&assembler);
  }

  [[nodiscard]] std::size_t offset() const { return assembler.offset(); }
  /// Where the next instruction will run.
  [[nodiscard]] ExecAddress here() const { return at_ + assembler.offset(); }

  void pad_to(std::size_t offset) {
    while (assembler.offset() < offset) Filler::nop(assembler, offset - assembler.offset());
    require_offset(offset);
  }
  /// Room that nothing may reach.
  void trap_to(std::size_t offset) {
    while (assembler.offset() < offset) Filler::trap(assembler);
    require_offset(offset);
  }

  [[nodiscard]] CodeBytes finish() {
    code_.flatten();
    code_.resolveUnresolvedLinks();
    code_.relocateToBase(at_.value());
    CodeBytes bytes(code_.codeSize());
    code_.copyFlattenedData(bytes.data(), bytes.size());
    return bytes;
  }

  Assembler assembler;

 private:
  void require_offset(std::size_t offset) const {
    if (assembler.offset() != offset) throw std::logic_error("code of a piece overran its place");
  }

  ExecAddress at_;
  ThrowOnError on_error_;
  asmjit::CodeHolder code_;
};

}  // namespace patchbench::send
