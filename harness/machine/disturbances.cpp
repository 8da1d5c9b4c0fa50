#include "harness/machine/disturbances.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/perf_event.h>
#include <nlohmann/json.hpp>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/machine/cpu_list.hpp"
#include "harness/machine/proc.hpp"

namespace patchbench::harness {
namespace {

using std::filesystem::path;
using NamedText = std::pair<std::string, std::string>;

constexpr std::string_view kCpus = "/sys/devices/system/cpu";

std::string write_command(std::string_view value, std::string_view file) {
  return fmt::format("echo {} | sudo tee {}", value, file);
}

std::string sysctl_command(std::string_view name, std::string_view value) {
  return fmt::format("sudo sysctl {}={}", name, value);
}

std::optional<std::string> as_text(const std::optional<std::int64_t>& value) {
  return value ? std::optional(std::to_string(*value)) : std::nullopt;
}

/// The machine that is looked at.
class Machine {
 public:
  explicit Machine(const ProbeSources& sources)
      : root_(sources.environment.root),
        count_cycles_(sources.count_cycles),
        context_(read_environment(sources.environment, {})) {}

  [[nodiscard]] std::vector<Finding> findings() const {
    return {emulation(),  virtualization(), governor(),     turbo(),         smt(),
            processors(), load(),           huge_pages(),   randomization(), pmu(),
            paranoia(),   watchdog(),       numa_balance(), mappings()};
  }

 private:
  [[nodiscard]] std::optional<std::string> read(std::string_view file) const {
    return read_trimmed(root_ / path(file).relative_path());
  }
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view file) const {
    return read_integer(root_ / path(file).relative_path());
  }

  /// Where the context has `fact` from.
  [[nodiscard]] std::string source_of(std::string_view fact) const {
    return std::ranges::find(context_.sources, fact, &NamedText::first)->second;
  }

  /// Judged when there is a value.
  static Finding judged(std::string name, std::optional<std::string> value, std::string source,
                        bool disturbs, std::string why, std::string command) {
    Finding finding{std::move(name), std::move(value), std::move(source), Effect::unknown, "", ""};
    if (!finding.value) {
      finding.why = "the kernel does not say";
    } else if (disturbs) {
      finding.effect = Effect::disturbs;
      finding.why = std::move(why);
      finding.command = std::move(command);
    } else {
      finding.effect = Effect::none;
    }
    return finding;
  }

  [[nodiscard]] Finding emulation() const {
    return judged("emulation", context_.emulated ? "yes" : "no", source_of("emulated"),
                  context_.emulated,
                  "instructions are interpreted or translated: no time here means anything", "");
  }

  [[nodiscard]] Finding virtualization() const {
    return judged("virtualization", context_.virtualization, source_of("virtualization"),
                  context_.virtualization.value_or("none") != "none",
                  "neighbours can steal time, and a mapping costs more than on hardware", "");
  }

  [[nodiscard]] Finding governor() const {
    std::set<std::string> governors;
    const auto online = read("/sys/devices/system/cpu/online");
    for (const int cpu : parse_cpu_list(online.value_or("")).value_or(std::vector<int>{})) {
      const auto found = read(fmt::format("{}/cpu{}/cpufreq/scaling_governor", kCpus, cpu));
      if (found) governors.insert(*found);
    }
    std::optional<std::string> value;
    if (!governors.empty()) value = fmt::format("{}", fmt::join(governors, ", "));
    const std::string files = fmt::format("{}/cpu*/cpufreq/scaling_governor", kCpus);
    return judged("governor", value, files, value != "performance",
                  "the clock changes with the load", write_command("performance", files));
  }

  [[nodiscard]] Finding turbo() const {
    const std::string no_turbo = fmt::format("{}/intel_pstate/no_turbo", kCpus);
    const std::string boost = fmt::format("{}/cpufreq/boost", kCpus);
    const bool intel = number(no_turbo).has_value();
    std::optional<std::string> value;
    if (context_.turbo) value = *context_.turbo ? "on" : "off";
    return judged("turbo", value, source_of("turbo"), context_.turbo.value_or(false),
                  "the clock depends on temperature and on what the other cores do",
                  intel ? write_command("1", no_turbo) : write_command("0", boost));
  }

  [[nodiscard]] Finding smt() const {
    std::optional<std::string> value;
    if (context_.smt) value = *context_.smt ? "on" : "off";
    return judged("smt", value, source_of("smt"), context_.smt.value_or(false),
                  "a process on the sibling of the pinned processor slows it down",
                  write_command("off", fmt::format("{}/smt/control", kCpus)));
  }

  [[nodiscard]] Finding processors() const {
    std::optional<std::string> value;
    if (context_.cpu.online) value = std::to_string(*context_.cpu.online);
    return judged("processors", value, source_of("cpu.online"), context_.cpu.online == 1,
                  "whatever else runs here runs between the measurements", "");
  }

  [[nodiscard]] Finding load() const {
    constexpr double kQuiet = 0.5;
    std::optional<std::string> value;
    if (context_.load_average) value = fmt::format("{:.2f}", *context_.load_average);
    return judged("load", value, source_of("load_average"),
                  context_.load_average.value_or(0) > kQuiet, "something else is running here",
                  "top -o %CPU");
  }

  [[nodiscard]] Finding huge_pages() const {
    const std::string file = source_of("thp");
    return judged("transparent huge pages", context_.thp, file, context_.thp == "always",
                  "what does not ask for small pages gets large ones now and then",
                  write_command("madvise", file));
  }

  [[nodiscard]] Finding randomization() const {
    constexpr int kFull = 2;
    std::optional<std::string> value;
    if (context_.aslr) value = std::to_string(*context_.aslr);
    return judged("address space randomisation", value, source_of("aslr"),
                  context_.aslr.value_or(kFull) != kFull,
                  "rounds are to differ in their layout, and do so less: one accident of layout "
                  "looks like a difference",
                  sysctl_command("kernel.randomize_va_space", "2"));
  }

  [[nodiscard]] Finding pmu() const {
    Finding finding{"hardware counters", std::nullopt, "perf_event_open(PERF_COUNT_HW_CPU_CYCLES)",
                    Effect::unknown,     "",           ""};
    const int error = count_cycles_();
    if (error == 0) {
      finding.value = "available";
      finding.effect = Effect::none;
    } else if (error == ENOENT || error == ENODEV || error == EOPNOTSUPP || error == ENOSYS ||
               error == ENODATA) {
      finding.value = "none";
      finding.effect = Effect::disturbs;
      finding.why =
          fmt::format("no counter can say why a difference arises ({})", std::strerror(error));
    } else {
      finding.why = fmt::format("refused: {}", std::strerror(error));
      finding.command = sysctl_command("kernel.perf_event_paranoid", "1");
    }
    return finding;
  }

  // Documentation/admin-guide/sysctl/kernel.rst: without CAP_PERFMON from 2 on none of the kernel's
  // events. Levels 0 and 1 forbid records of tracepoints and a processor's events of all processes,
  // which nothing here asks for.
  [[nodiscard]] Finding paranoia() const {
    constexpr int kHighest = 1;
    const std::string file = "/proc/sys/kernel/perf_event_paranoid";
    const auto level = number(file);
    return judged(
        "perf_event_paranoid", as_text(level), file, level.value_or(kHighest) > kHighest,
        "without privileges neither the kernel's share of a patch nor its tracepoints can "
        "be counted",
        sysctl_command("kernel.perf_event_paranoid", std::to_string(kHighest)));
  }

  [[nodiscard]] Finding watchdog() const {
    const std::string file = "/proc/sys/kernel/nmi_watchdog";
    const auto on = number(file);
    return judged("nmi_watchdog", as_text(on), file, on.value_or(0) != 0,
                  "it keeps a hardware counter for itself, and interrupts",
                  sysctl_command("kernel.nmi_watchdog", "0"));
  }

  [[nodiscard]] Finding numa_balance() const {
    const std::string file = "/proc/sys/kernel/numa_balancing";
    const auto on = number(file);
    return judged("numa_balancing", as_text(on), file, on.value_or(0) != 0,
                  "the kernel unmaps pages to see who touches them",
                  sysctl_command("kernel.numa_balancing", "0"));
  }

  [[nodiscard]] Finding mappings() const {
    // A toggled page in the middle of a mapping makes three of one: twice the default is enough
    // for 65,536 of them.
    constexpr std::int64_t kEnough = 262'144;
    const std::string file = "/proc/sys/vm/max_map_count";
    const auto most = number(file);
    return judged("max_map_count", as_text(most), file, most.value_or(kEnough) < kEnough,
                  "zones of many pages that are toggled one by one run out of mappings",
                  sysctl_command("vm.max_map_count", std::to_string(kEnough)));
  }

  path root_;
  int (*count_cycles_)();
  results::Context context_;
};

}  // namespace

int count_cycles() {
  constexpr int kSteps = 10'000;
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.size = sizeof attributes;
  attributes.config = PERF_COUNT_HW_CPU_CYCLES;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  const long opened = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (opened < 0) return errno;
  const int fd = static_cast<int>(opened);
  volatile int step = 0;
  while (step < kSteps) step = step + 1;
  std::uint64_t cycles = 0;
  const bool counted = ::read(fd, &cycles, sizeof cycles) == sizeof cycles && cycles > 0;
  close(fd);
  return counted ? 0 : ENODATA;
}

std::vector<Finding> find_disturbances(const ProbeSources& sources) {
  return Machine(sources).findings();
}

std::string_view to_string(Effect effect) {
  switch (effect) {
    case Effect::none:
      return "ok";
    case Effect::disturbs:
      return "disturbs";
    case Effect::unknown:
      return "unknown";
  }
  return "unknown";
}

std::string findings_text(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{:<9} {}: {}\n", to_string(finding.effect), finding.name,
                        finding.value.value_or("unknown"));
    if (!finding.why.empty()) text += fmt::format("          {}\n", finding.why);
    text += fmt::format("          read from {}\n", finding.source);
    if (!finding.command.empty()) text += fmt::format("          change: {}\n", finding.command);
  }
  const auto count = std::ranges::count(findings, Effect::disturbs, &Finding::effect);
  return text + fmt::format(
                    "\n{} of {} disturb a run here. scripts/tune-host apply sets what can "
                    "be set, and restores it.\n",
                    count, findings.size());
}

std::string findings_json(const std::vector<Finding>& findings) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    const auto or_null = [](const std::string& text) {
      return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
    };
    list.push_back({{"name", finding.name},
                    {"value", or_null(finding.value.value_or(""))},
                    {"source", finding.source},
                    {"effect", to_string(finding.effect)},
                    {"why", or_null(finding.why)},
                    {"command", or_null(finding.command)}});
  }
  return nlohmann::ordered_json{{"findings", std::move(list)}}.dump(
             1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

}  // namespace patchbench::harness
