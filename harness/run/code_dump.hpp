// harness/run/code_dump.hpp - --dump-code: the machine code of a case, for a disassembler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/plan/catalogue.hpp"
#include "harness/run/options.hpp"
#include "workloads/workload.hpp"

namespace patchbench::harness {

/// Consecutive bytes as they lie in memory, in one file.
struct CodeImage {
  std::string file;  // "linked.bin"; "linked-2.bin" for pieces far from the first
  std::uintptr_t address = 0;
  std::vector<std::byte> bytes;  // 0 between pieces
};

/// Pieces with less than a mebibyte between them share an image. Pieces may overlap when they
/// agree.
[[nodiscard]] std::vector<CodeImage> to_images(const CodeSnapshot& snapshot);

/// "objdump -D -b binary -m i386:x86-64 --adjust-vma=0x1000 linked.bin"
[[nodiscard]] std::string objdump_command(const CodeImage& image);

/// Writes the images, a list of symbols for each moment (MOMENT.symbols: address, size, name, file,
/// offset) and disassemble.sh, which shows them piece by piece, into --out or code-<case>. Prints
/// the commands. Returns the exit code; throws UsageError for an unknown case, one without code,
/// and a file that exists.
[[nodiscard]] int dump_code(const Catalogue& catalogue, const Options& options);

}  // namespace patchbench::harness
