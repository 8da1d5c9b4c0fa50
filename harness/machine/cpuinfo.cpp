#include "harness/machine/cpuinfo.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include <fmt/format.h>

#include "harness/base/text_parts.hpp"
#include "harness/machine/proc.hpp"

namespace patchbench::harness {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Code {
  std::string_view code;
  std::string_view name;
};

// Arm's "Main ID Register" (MIDR_EL1): implementer codes, and part numbers of Arm's own designs as
// their technical reference manuals give them.
constexpr std::array kImplementers = {
    Code{"0x41", "ARM"},      Code{"0x42", "Broadcom"},  Code{"0x43", "Cavium"},
    Code{"0x46", "Fujitsu"},  Code{"0x48", "HiSilicon"}, Code{"0x4e", "NVIDIA"},
    Code{"0x51", "Qualcomm"}, Code{"0x61", "Apple"},     Code{"0x6d", "Microsoft"},
    Code{"0xc0", "Ampere"},
};
constexpr std::array kArmParts = {
    Code{"0xd03", "Cortex-A53"}, Code{"0xd04", "Cortex-A35"},  Code{"0xd05", "Cortex-A55"},
    Code{"0xd07", "Cortex-A57"}, Code{"0xd08", "Cortex-A72"},  Code{"0xd09", "Cortex-A73"},
    Code{"0xd0a", "Cortex-A75"}, Code{"0xd0b", "Cortex-A76"},  Code{"0xd0c", "Neoverse-N1"},
    Code{"0xd0d", "Cortex-A77"}, Code{"0xd40", "Neoverse-V1"}, Code{"0xd41", "Cortex-A78"},
    Code{"0xd44", "Cortex-X1"},  Code{"0xd46", "Cortex-A510"}, Code{"0xd47", "Cortex-A710"},
    Code{"0xd48", "Cortex-X2"},  Code{"0xd49", "Neoverse-N2"}, Code{"0xd4f", "Neoverse-V2"},
};

template <std::size_t kSize>
std::optional<std::string> name_of(const std::array<Code, kSize>& codes, std::string_view code) {
  const auto found = std::ranges::find(codes, code, &Code::code);
  return found == codes.end() ? std::nullopt : std::optional<std::string>(found->name);
}

/// Blocks stand between empty lines; one that names no processor belongs to all of them.
std::vector<Fields> read_blocks(const std::filesystem::path& root) {
  std::vector<Fields> blocks(1);
  std::ifstream stream(root / "proc/cpuinfo");
  for (std::string line; std::getline(stream, line);) {
    if (trimmed(line).empty()) {
      blocks.emplace_back();
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos) {
      const std::string_view text = line;
      blocks.back().emplace_back(trimmed(text.substr(0, colon)), trimmed(text.substr(colon + 1)));
    }
  }
  return blocks;
}

std::optional<std::string> find_in(const Fields& fields, std::string_view key) {
  const auto found = std::ranges::find(fields, key, &Fields::value_type::first);
  return found == fields.end() ? std::nullopt : std::optional<std::string>(found->second);
}

}  // namespace

std::optional<std::string> CpuInfo::find(std::string_view key) const {
  return find_in(fields_, key);
}

bool CpuInfo::has_flag(std::string_view flag) const {
  const std::vector<std::string> flags = split(find("flags").value_or(""), ' ');
  return std::ranges::find(flags, flag) != flags.end();
}

CpuInfo read_cpuinfo(const std::filesystem::path& root, int cpu) {
  const std::vector<Fields> blocks = read_blocks(root);
  const std::string wanted = std::to_string(cpu);
  const Fields* own = nullptr;
  Fields common;
  for (const Fields& block : blocks) {
    const std::optional<std::string> processor = find_in(block, "processor");
    if (!processor) {
      std::ranges::copy(block, std::back_inserter(common));
    } else if (own == nullptr || *processor == wanted) {
      own = &block;
    }
  }
  Fields fields = own != nullptr ? *own : Fields{};
  std::ranges::copy(common, std::back_inserter(fields));
  return CpuInfo(std::move(fields));
}

std::optional<std::string> cpu_model(const CpuInfo& cpuinfo) {
  if (auto model = cpuinfo.find("model name")) return model;
  std::optional<std::string> board = cpuinfo.find("Model");
  const std::optional<std::string> implementer = cpuinfo.find("CPU implementer");
  const std::optional<std::string> part = cpuinfo.find("CPU part");
  if (!implementer || !part) return board;
  const std::optional<std::string> known =
      *implementer == "0x41" ? name_of(kArmParts, *part) : std::nullopt;
  const std::string name =
      known.value_or(fmt::format("implementer {} part {}", *implementer, *part));
  return board ? fmt::format("{} ({})", name, *board) : name;
}

std::optional<std::string> cpu_vendor(const CpuInfo& cpuinfo) {
  if (auto vendor = cpuinfo.find("vendor_id")) return vendor;
  const std::optional<std::string> implementer = cpuinfo.find("CPU implementer");
  return implementer ? name_of(kImplementers, *implementer).value_or(*implementer) : implementer;
}

std::optional<Frequency> read_frequency(const std::filesystem::path& root, int cpu) {
  const std::string file =
      fmt::format("sys/devices/system/cpu/cpu{}/cpufreq/scaling_cur_freq", cpu);
  if (const auto khz = read_integer(root / file); khz && *khz > 0) {
    return Frequency{.mhz = static_cast<double>(*khz) / 1000, .source = "scaling_cur_freq"};
  }
  const auto mhz = leading_number<double>(read_cpuinfo(root, cpu).find("cpu MHz").value_or(""));
  if (!mhz || !(*mhz > 0)) return std::nullopt;
  return Frequency{.mhz = *mhz, .source = "/proc/cpuinfo"};
}

}  // namespace patchbench::harness
