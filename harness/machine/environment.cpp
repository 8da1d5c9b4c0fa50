#include "harness/machine/environment.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gnu/libc-version.h>
#include <unistd.h>

#include "harness/base/text_parts.hpp"
#include "harness/machine/build_info.hpp"
#include "harness/machine/cpu_list.hpp"
#include "harness/machine/cpuinfo.hpp"
#include "harness/machine/disturbances.hpp"
#include "harness/machine/git_revision.hpp"
#include "harness/machine/lookup.hpp"
#include "harness/machine/proc.hpp"
#include "harness/machine/virtualization.hpp"
#include "strategies/cgroup.hpp"

namespace patchbench::harness {
namespace {

using std::filesystem::path;
using NamedTexts = std::vector<std::pair<std::string, std::string>>;

// What was written into this program when it was compiled.
constexpr std::string_view kBuild = "the build (CMake)";

std::optional<int> to_int(const std::optional<std::string>& text) {
  return leading_number<int>(text.value_or(""));
}

std::optional<bool> to_bool(const std::optional<int>& number) {
  return number ? std::optional(*number != 0) : std::nullopt;
}

std::string cpu_directory(int cpu) { return fmt::format("{}/cpu{}", kCpus, cpu); }

/// "L1d" -> "48K", in the kernel's order.
NamedTexts read_caches(Lookup& lookup, int cpu) {
  const std::string directory = cpu_directory(cpu) + "/cache";
  NamedTexts caches;
  for (int index = 0;; ++index) {
    const path cache = lookup.below_root(fmt::format("{}/index{}", directory, index));
    const std::optional<std::string> level = read_trimmed(cache / "level");
    const std::optional<std::string> size = read_trimmed(cache / "size");
    if (!level || !size) break;
    const std::string type = read_trimmed(cache / "type").value_or("");
    caches.emplace_back(
        fmt::format("L{}{}", *level, type == "Data" ? "d" : (type == "Instruction" ? "i" : "")),
        *size);
  }
  lookup.ask(directory + "/index*", !caches.empty());
  return caches;
}

/// nullopt where the driver has no switch.
std::optional<bool> read_turbo(Lookup& lookup) {
  if (const auto off = lookup.integer(fmt::format("{}/intel_pstate/no_turbo", kCpus))) {
    return *off == 0;
  }
  return to_bool(lookup.integer(fmt::format("{}/cpufreq/boost", kCpus)));
}

/// The word that the kernel puts in brackets: "always [madvise] never" -> "madvise"
std::optional<std::string> read_choice(Lookup& lookup, std::string_view file) {
  const std::optional<std::string> text = lookup.text(file);
  if (!text) return std::nullopt;
  const std::size_t open = text->find('[');
  const std::size_t close = text->find(']', open);
  return close == std::string::npos ? text : text->substr(open + 1, close - open - 1);
}

std::optional<double> read_load(Lookup& lookup) {
  return leading_number<double>(lookup.text("/proc/loadavg").value_or(""));
}

NamedTexts read_mitigations(Lookup& lookup) {
  const std::string directory = fmt::format("{}/vulnerabilities", kCpus);
  NamedTexts mitigations;
  std::error_code unreadable;
  for (const auto& file :
       std::filesystem::directory_iterator(lookup.below_root(directory), unreadable)) {
    mitigations.emplace_back(file.path().filename().string(),
                             read_trimmed(file.path()).value_or("unreadable"));
  }
  std::ranges::sort(mitigations);
  lookup.ask(directory + "/*", !mitigations.empty());
  return mitigations;
}

std::optional<std::string> read_kernel(Lookup& lookup) {
  const std::optional<std::string> release = lookup.text("/proc/sys/kernel/osrelease");
  const std::optional<std::string> version = lookup.text("/proc/sys/kernel/version");
  return release && version ? std::optional<std::string>(*release + " " + *version) : release;
}

std::optional<std::vector<int>> read_online(Lookup& lookup) {
  const auto list = lookup.text(fmt::format("{}/online", kCpus));
  return list ? parse_cpu_list(*list) : std::nullopt;
}

std::optional<int> count_online(Lookup& lookup) {
  const auto cpus = read_online(lookup);
  return cpus ? std::optional(static_cast<int>(cpus->size())) : std::nullopt;
}

/// A core is what has a number of its own in its package.
std::optional<int> count_cores(Lookup& lookup) {
  std::set<std::pair<std::string, std::string>> cores;
  bool complete = true;
  for (const int cpu : read_online(lookup).value_or(std::vector<int>{})) {
    const path topology = lookup.below_root(cpu_directory(cpu) + "/topology");
    const auto package = read_trimmed(topology / "physical_package_id");
    const auto core = read_trimmed(topology / "core_id");
    complete = complete && package && core;
    if (complete) cores.emplace(*package, *core);
  }
  const bool known = complete && !cores.empty();
  lookup.ask(fmt::format("{}/cpu*/topology/{{physical_package_id,core_id}}", kCpus), known);
  return known ? std::optional(static_cast<int>(cores.size())) : std::nullopt;
}

/// kernel.randomize_va_space, and 0 where it is off for this process (setarch -R), of which its
/// children are.
std::optional<int> read_aslr(Lookup& lookup) {
  constexpr unsigned long kNoRandomize = 0x0040000;  // personality(2)
  const auto text = lookup.text("/proc/self/personality");
  const auto bits = text ? std::optional(std::strtoul(text->c_str(), nullptr, 16)) : std::nullopt;
  if (bits && (*bits & kNoRandomize) != 0) return 0;
  return lookup.integer("/proc/sys/kernel/randomize_va_space");
}

/// Of the directories "hugepages-2048kB"; none where the kernel was built without.
std::optional<std::vector<std::int64_t>> read_huge_page_sizes(Lookup& lookup) {
  constexpr std::string_view kDirectory = "/sys/kernel/mm/hugepages";
  constexpr std::string_view kPrefix = "hugepages-";
  std::error_code missing;
  std::filesystem::directory_iterator directory(lookup.below_root(kDirectory), missing);
  if (!lookup.ask(kDirectory, !missing)) return std::nullopt;
  std::vector<std::int64_t> sizes;
  for (const auto& entry : directory) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    if (const auto kib = to_int(name.substr(kPrefix.size()))) sizes.push_back(1024LL * *kib);
  }
  std::ranges::sort(sizes);
  return sizes;
}

std::optional<std::int64_t> read_thp_size(Lookup& lookup) {
  return lookup.integer("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
}

/// The words of the kernel's command line that change what is measured. The others are left out:
/// results are made to be published, and a command line may name hosts, disks and passwords.
std::optional<std::string> read_kernel_options(Lookup& lookup) {
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
  const std::optional<std::string> line = lookup.text("/proc/cmdline");
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

NamedTexts read_libraries(Lookup& lookup) {
  NamedTexts libraries;
  for (const auto& [name, version] : kLibraries) {
    if (!version.empty()) libraries.emplace_back(name, version);
  }
  lookup.ask(fmt::format("{}: the packages that were found", kBuild), !libraries.empty());
  libraries.emplace_back("glibc", gnu_get_libc_version());
  lookup.ask("gnu_get_libc_version(3)", true);
  return libraries;
}

template <typename T>
bool known(const std::optional<T>& fact) {
  return fact.has_value();
}
bool known(const NamedTexts& facts) { return !facts.empty(); }
template <typename T>
bool known(const T& /*fact*/) {
  return true;
}

/// Fills in the facts, each with its source.
class Facts {
 public:
  Facts(const EnvironmentSources& sources, const std::vector<int>& cpus, results::Context& context)
      : sources_(sources),
        cpus_(cpus),
        first_(cpus.empty() ? 0 : cpus.front()),
        context_(context) {}

  void fill(const Virtualization& machine) {
    name_machine();
    describe_cpu();
    describe_kernel();
    take("virtualization", context_.virtualization, machine.kind, machine.kind_source);
    take("emulated", context_.emulated, machine.emulated, machine.emulated_source);
    describe_memory();
    describe_frequency();
    describe_build();
  }

 private:
  /// `field` is the fact's name in results.json.
  template <typename T, typename Read>
  void fill(std::string field, T& fact, Read read) {
    Lookup lookup(sources_.root);
    fact = read(lookup);
    context_.sources.emplace_back(std::move(field), lookup.source(known(fact)));
  }

  /// A fact that is no file.
  template <typename T, typename Value>
  void take(std::string field, T& fact, Value value, std::string_view source) {
    fill(std::move(field), fact, [&](Lookup& lookup) {
      lookup.ask(source, true);
      return std::move(value);
    });
  }

  template <typename T>
  void read_text(std::string field, T& fact, std::string_view file) {
    fill(std::move(field), fact, [file](Lookup& lookup) { return lookup.text(file); });
  }

  template <typename T>
  void read_integer(std::string field, T& fact, std::string_view file) {
    fill(std::move(field), fact, [file](Lookup& lookup) { return lookup.integer(file); });
  }

  void name_machine() {
    read_text("host", context_.host, "/proc/sys/kernel/hostname");
    take("arch", context_.arch, sources_.arch, kBuild);
  }

  void describe_cpu() {
    results::Cpu& cpu = context_.cpu;
    const auto from_cpuinfo = [this](std::string field, auto& fact, auto read) {
      fill("cpu." + std::move(field), fact, [&](Lookup& lookup) {
        auto found = read(read_cpuinfo(lookup.root(), first_));
        lookup.ask("/proc/cpuinfo", found.has_value());
        return found;
      });
    };
    from_cpuinfo("model", cpu.model, cpu_model);
    from_cpuinfo("vendor", cpu.vendor, cpu_vendor);
    from_cpuinfo("microcode", cpu.microcode,
                 [](const CpuInfo& cpuinfo) { return cpuinfo.find("microcode"); });
    from_cpuinfo("family", cpu.family,
                 [](const CpuInfo& cpuinfo) { return to_int(cpuinfo.find("cpu family")); });
    from_cpuinfo("model_number", cpu.model_number,
                 [](const CpuInfo& cpuinfo) { return to_int(cpuinfo.find("model")); });
    fill("cpu.online", cpu.online, count_online);
    fill("cpu.cores", cpu.cores, count_cores);
    std::optional<std::string> pinned;
    if (!cpus_.empty()) pinned = fmt::format("{}", fmt::join(cpus_, ","));
    take("cpu.pinned", cpu.pinned, pinned, "--cpus, or sched_getaffinity(2)");
    take("cpu.core_type", cpu.core_type, core_type(sources_.root, first_),
         "/sys/devices/cpu_*/cpus, /sys/devices/system/cpu/cpu*/cpu_capacity");
    const std::optional<CpuQuota> quota = cpu_quota(sources_.root);
    take("cpu.quota", cpu.quota, quota ? std::optional(quota->processors) : std::nullopt,
         quota ? quota->source : std::string("/proc/self/cgroup"));
    fill("cpu.caches", cpu.caches, [this](Lookup& lookup) {
      NamedTexts caches = read_caches(lookup, first_);
      if (!sources_.cache_maintenance.empty()) {
        caches.emplace_back("maintenance", sources_.cache_maintenance);
        lookup.ask("what publishing does on this processor (maintenance)", true);
      }
      return caches;
    });
  }

  void describe_kernel() {
    fill("kernel", context_.kernel, read_kernel);
    fill("kernel_command_line", context_.kernel_command_line, read_kernel_options);
    read_integer("perf_event_paranoid", context_.perf_event_paranoid,
                 "/proc/sys/kernel/perf_event_paranoid");
    fill("mitigations", context_.mitigations, read_mitigations);
  }

  void describe_memory() {
    take("page_size", context_.page_size, sysconf(_SC_PAGESIZE), "sysconf(_SC_PAGESIZE)");
    fill("huge_page_sizes", context_.huge_page_sizes, read_huge_page_sizes);
    fill("thp", context_.thp, [](Lookup& lookup) {
      return read_choice(lookup, "/sys/kernel/mm/transparent_hugepage/enabled");
    });
    fill("thp_size", context_.thp_size, read_thp_size);
    fill("aslr", context_.aslr, read_aslr);
  }

  void describe_frequency() {
    read_text("governor", context_.governor, cpu_directory(first_) + "/cpufreq/scaling_governor");
    fill("turbo", context_.turbo, read_turbo);
    fill("smt", context_.smt, [](Lookup& lookup) {
      return to_bool(lookup.integer(fmt::format("{}/smt/active", kCpus)));
    });
    fill("load_average", context_.load_average, read_load);
  }

  void describe_build() {
    take("compiler", context_.compiler, std::string(kCompiler), kBuild);
    take("flags", context_.flags, std::string(kFlags), kBuild);
    take("build_type", context_.build_type, std::string(kBuildType), kBuild);
    std::optional<std::string> revision;
    if (!kGitRevision.empty()) revision = kGitRevision;
    take("git", context_.git, revision, "git describe --always --dirty, at the build");
    fill("libraries", context_.libraries, read_libraries);
    take("simulator", context_.simulator, std::optional<std::string>(),
         "what --counters=simulated runs");
    take("counting", context_.counting, std::optional<results::Counting>(),
         "what --counters opens with perf_event_open(2)");
    take("selftest", context_.selftest, std::optional<results::SelfTest>(), "bench-run --selftest");
  }

  const EnvironmentSources& sources_;
  const std::vector<int>& cpus_;
  int first_;
  results::Context& context_;
};

void warn_of_build(results::Context& context) {
  if (context.build_type != "Release" && context.build_type != "RelWithDebInfo") {
    context.warnings.push_back(
        fmt::format("build type '{}': times are those of an unoptimised build; configure with "
                    "-DCMAKE_BUILD_TYPE=Release",
                    context.build_type));
  }
  if (kSanitized) context.warnings.emplace_back("built with sanitizers: times mean nothing");
}

}  // namespace

std::string declared_emulator() {
  const char* name = std::getenv(kEmulatorVariable);
  return name == nullptr ? "" : name;
}

results::Context read_environment(const EnvironmentSources& sources, const std::vector<int>& cpus) {
  results::Context context;
  Virtualization machine = detect_virtualization(sources);
  Facts(sources, cpus, context).fill(machine);
  context.warnings = warnings_of(context);
  std::ranges::move(machine.warnings, std::back_inserter(context.warnings));
  warn_of_build(context);
  return context;
}

}  // namespace patchbench::harness
