#include "harness/environment.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gnu/libc-version.h>
#include <unistd.h>

#include "harness/build_info.hpp"
#include "harness/cpu_list.hpp"
#include "harness/cpuinfo.hpp"
#include "harness/git_revision.hpp"
#include "harness/proc.hpp"
#include "harness/virtualization.hpp"
#include "harness/words.hpp"

namespace patchbench::harness {
namespace {

using std::filesystem::path;

std::optional<int> to_int(const std::optional<std::string>& text) {
  int value = 0;
  if (!text ||
      std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc{}) {
    return std::nullopt;
  }
  return value;
}

std::optional<int> read_int(const path& file) { return to_int(read_trimmed(file)); }

path cpu_directory(const path& root, int cpu) {
  return root / fmt::format("sys/devices/system/cpu/cpu{}", cpu);
}

/// "L1d" -> "48K", in the kernel's order.
std::vector<std::pair<std::string, std::string>> read_caches(const path& root, int cpu) {
  std::vector<std::pair<std::string, std::string>> caches;
  for (int index = 0;; ++index) {
    const path cache = cpu_directory(root, cpu) / fmt::format("cache/index{}", index);
    const std::optional<std::string> level = read_trimmed(cache / "level");
    const std::optional<std::string> size = read_trimmed(cache / "size");
    if (!level || !size) {
      return caches;
    }
    const std::string type = read_trimmed(cache / "type").value_or("");
    caches.emplace_back(
        fmt::format("L{}{}", *level, type == "Data" ? "d" : (type == "Instruction" ? "i" : "")),
        *size);
  }
}

/// nullopt where the driver has no switch.
std::optional<bool> read_turbo(const path& root) {
  const path cpus = root / "sys/devices/system/cpu";
  if (const std::optional<int> off = read_int(cpus / "intel_pstate/no_turbo")) {
    return *off == 0;
  }
  const std::optional<int> boost = read_int(cpus / "cpufreq/boost");
  return boost ? std::optional<bool>(*boost != 0) : std::nullopt;
}

std::optional<bool> read_smt(const path& root) {
  const std::optional<int> active = read_int(root / "sys/devices/system/cpu/smt/active");
  return active ? std::optional<bool>(*active != 0) : std::nullopt;
}

/// The word that the kernel puts in brackets: "always [madvise] never" -> "madvise"
std::optional<std::string> read_choice(const path& file) {
  const std::optional<std::string> text = read_trimmed(file);
  if (!text) {
    return std::nullopt;
  }
  const std::size_t open = text->find('[');
  const std::size_t close = text->find(']', open);
  return close == std::string::npos ? text : text->substr(open + 1, close - open - 1);
}

std::optional<double> read_load(const path& root) {
  const std::optional<std::string> text = read_trimmed(root / "proc/loadavg");
  double value = 0;
  if (!text ||
      std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc{}) {
    return std::nullopt;
  }
  return value;
}

std::vector<std::pair<std::string, std::string>> read_mitigations(const path& root) {
  std::vector<std::pair<std::string, std::string>> mitigations;
  std::error_code unreadable;
  for (const auto& file : std::filesystem::directory_iterator(
           root / "sys/devices/system/cpu/vulnerabilities", unreadable)) {
    mitigations.emplace_back(file.path().filename().string(),
                             read_trimmed(file.path()).value_or("unreadable"));
  }
  std::ranges::sort(mitigations);
  return mitigations;
}

std::optional<std::string> read_kernel(const path& root) {
  const std::optional<std::string> release = read_trimmed(root / "proc/sys/kernel/osrelease");
  const std::optional<std::string> version = read_trimmed(root / "proc/sys/kernel/version");
  return release && version ? std::optional<std::string>(*release + " " + *version) : release;
}

std::optional<int> count_online(const path& root) {
  const std::optional<std::string> list = read_trimmed(root / "sys/devices/system/cpu/online");
  if (!list) {
    return std::nullopt;
  }
  const std::optional<std::vector<int>> cpus = parse_cpu_list(*list);
  return cpus ? std::optional<int>(static_cast<int>(cpus->size())) : std::nullopt;
}

results::Cpu read_cpu(const path& root, const std::vector<int>& cpus) {
  const int first = cpus.empty() ? 0 : cpus.front();
  const CpuInfo cpuinfo = read_cpuinfo(root, first);
  results::Cpu cpu;
  cpu.model = cpu_model(cpuinfo);
  cpu.vendor = cpu_vendor(cpuinfo);
  cpu.microcode = cpuinfo.find("microcode");
  cpu.family = to_int(cpuinfo.find("cpu family"));
  cpu.model_number = to_int(cpuinfo.find("model"));
  cpu.online = count_online(root);
  if (!cpus.empty()) {
    cpu.pinned = fmt::format("{}", fmt::join(cpus, ","));
  }
  cpu.caches = read_caches(root, first);
  return cpu;
}

void describe_build(results::Context& context) {
  context.compiler = kCompiler;
  context.flags = kFlags;
  context.build_type = kBuildType;
  context.git = kGitRevision;
  for (const auto& [name, version] : kLibraries) {
    if (!version.empty()) {
      context.libraries.emplace_back(name, version);
    }
  }
  context.libraries.emplace_back("glibc", gnu_get_libc_version());
}

/// The words of the kernel's command line that change what is measured. The others are left out:
/// results are made to be published, and a command line may name hosts, disks and passwords.
std::optional<std::string> read_kernel_options(const path& root) {
  constexpr std::array<std::string_view, 24> kOptions = {
      "mitigations",  "nosmt",
      "isolcpus",     "nohz_full",
      "rcu_nocbs",    "idle",
      "processor",    "intel_idle",
      "intel_pstate", "amd_pstate",
      "cpufreq",      "transparent_hugepage",
      "hugepages",    "default_hugepagesz",
      "nopti",        "pti",
      "spectre_v2",   "spec_store_bypass_disable",
      "retbleed",     "norandmaps",
      "maxcpus",      "preempt",
      "nokaslr",      "kasan"};
  const std::optional<std::string> line = read_trimmed(root / "proc/cmdline");
  if (!line) return std::nullopt;
  std::istringstream words(*line);
  std::string kept;
  for (std::string word; words >> word;) {
    const std::string_view name = std::string_view(word).substr(0, word.find_first_of("=."));
    if (std::ranges::find(kOptions, name) != kOptions.end()) {
      kept += (kept.empty() ? "" : " ") + word;
    }
  }
  return kept;
}

/// What makes times noisier, or not times at all.
void warn_of_disturbances(results::Context& context) {
  const auto warn = [&](std::string text) { context.warnings.push_back(std::move(text)); };
  if (context.emulated) {
    warn("this machine is emulated: results are checked, but no time here means anything");
  } else if (context.virtualization && *context.virtualization != "none") {
    warn(
        fmt::format("virtual machine ({}): neighbours can steal time, and a mapping costs more "
                    "than on hardware",
                    *context.virtualization));
  }
  if (context.governor && *context.governor != "performance") {
    warn(
        fmt::format("frequency governor '{}': the clock changes with load; 'performance' is "
                    "steadier (cpupower frequency-set -g performance)",
                    *context.governor));
  }
  if (context.turbo.value_or(false)) {
    warn("turbo is on: the clock depends on temperature and on what the other cores do");
  }
  if (context.smt.value_or(false)) {
    warn("SMT is on: a process on the sibling of the pinned processor slows it down");
  }
  if (context.cpu.online.value_or(2) == 1) {
    warn("one processor only: whatever else runs here runs between the measurements");
  }
  if (context.load_average.value_or(0) > 0.5) {
    warn(fmt::format("load average {:.2f}: something else is running here", *context.load_average));
  }
}

void warn_of_build(results::Context& context) {
  if (context.build_type != "Release" && context.build_type != "RelWithDebInfo") {
    context.warnings.push_back(
        fmt::format("build type '{}': times are those of an unoptimised build; configure with "
                    "-DCMAKE_BUILD_TYPE=Release",
                    context.build_type));
  }
  if (kSanitized) {
    context.warnings.emplace_back("built with sanitizers: times mean nothing");
  }
}

}  // namespace

std::string declared_emulator() {
  const char* name = std::getenv("PATCHBENCH_EMULATED");
  return name == nullptr ? "" : name;
}

results::Context read_environment(const EnvironmentSources& sources, const std::vector<int>& cpus) {
  const path& root = sources.root;
  const int first = cpus.empty() ? 0 : cpus.front();
  Virtualization machine = detect_virtualization(sources);
  results::Context context;
  context.host = read_trimmed(root / "proc/sys/kernel/hostname").value_or("unknown");
  context.arch = sources.arch;
  context.cpu = read_cpu(root, cpus);
  if (!sources.cache_maintenance.empty()) {
    context.cpu.caches.emplace_back("maintenance", sources.cache_maintenance);
  }
  context.kernel = read_kernel(root);
  context.kernel_command_line = read_kernel_options(root);
  context.virtualization = std::move(machine.kind);
  context.emulated = machine.emulated;
  context.page_size = sysconf(_SC_PAGESIZE);
  context.governor = read_trimmed(cpu_directory(root, first) / "cpufreq/scaling_governor");
  context.turbo = read_turbo(root);
  context.smt = read_smt(root);
  context.aslr = read_int(root / "proc/sys/kernel/randomize_va_space");
  context.thp = read_choice(root / "sys/kernel/mm/transparent_hugepage/enabled");
  context.perf_event_paranoid = read_int(root / "proc/sys/kernel/perf_event_paranoid");
  context.load_average = read_load(root);
  context.mitigations = read_mitigations(root);
  describe_build(context);
  warn_of_disturbances(context);
  std::ranges::move(machine.warnings, std::back_inserter(context.warnings));
  warn_of_build(context);
  return context;
}

std::string version_text() { return fmt::format("{} ({})", kVersion, kGitRevision); }

}  // namespace patchbench::harness
