// harness/machine/cpuinfo.hpp - /proc/cpuinfo, which every architecture writes in its own words.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace patchbench::harness {

/// The lines of one processor, and those that belong to none (Arm boards name themselves at the
/// end).
class CpuInfo {
 public:
  explicit CpuInfo(std::vector<std::pair<std::string, std::string>> fields)
      : fields_(std::move(fields)) {}

  [[nodiscard]] bool empty() const { return fields_.empty(); }
  [[nodiscard]] std::optional<std::string> find(std::string_view key) const;
  /// Among x86's "flags".
  [[nodiscard]] bool has_flag(std::string_view flag) const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Of `cpu`, or of the first where the file does not know it.
[[nodiscard]] CpuInfo read_cpuinfo(const std::filesystem::path& root, int cpu);

/// "AMD EPYC 7763", "Cortex-A72 (Raspberry Pi 4 Model B)", "implementer 0x48 part 0xd01"
[[nodiscard]] std::optional<std::string> cpu_model(const CpuInfo& cpuinfo);
/// "GenuineIntel", "ARM"
[[nodiscard]] std::optional<std::string> cpu_vendor(const CpuInfo& cpuinfo);

struct Frequency {
  double mhz = 0;
  std::string source;
};

/// What the kernel says that `cpu` runs at now: cpufreq's scaling_cur_freq, else "cpu MHz" of
/// /proc/cpuinfo (x86), which in a virtual machine is what it was given at its start. Empty where
/// it says nothing.
[[nodiscard]] std::optional<Frequency> read_frequency(const std::filesystem::path& root, int cpu);

}  // namespace patchbench::harness
