// workloads/send/asmjit_aarch64.hpp - AsmJit's AArch64 assembler, under whichever name the
// installed version has it.
#pragma once

#if __has_include(<asmjit/a64.h>)
#  include <asmjit/a64.h>
#else
#  include <asmjit/arm/a64assembler.h>
#endif
