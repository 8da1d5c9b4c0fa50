#include "harness/machine/disturbances.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "harness/machine/cpu_list.hpp"
#include "harness/machine/lookup.hpp"
#include "harness/machine/proc.hpp"
#include "harness/machine/sandbox.hpp"

namespace patchbench::harness {
namespace {

using std::filesystem::path;
using NamedText = std::pair<std::string, std::string>;

constexpr std::string_view kGovernors = "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor";

std::string write_command(std::string_view value, std::string_view file) {
  return fmt::format("echo {} | sudo tee {}", value, file);
}

std::string sysctl_command(std::string_view name, std::string_view value) {
  return fmt::format("sudo sysctl {}={}", name, value);
}

std::optional<std::string> as_text(const std::optional<std::int64_t>& value) {
  return value ? std::optional(std::to_string(*value)) : std::nullopt;
}

std::optional<std::string> on_or_off(const std::optional<bool>& on) {
  return on ? std::optional<std::string>(*on ? "on" : "off") : std::nullopt;
}

/// Where the context has `fact` from.
std::string source_of(const results::Context& context, std::string_view fact) {
  return std::ranges::find(context.sources, fact, &NamedText::first)->second;
}

/// Judged when there is a value.
Finding judged(std::string name, std::optional<std::string> value, std::string source,
               bool disturbs, std::string why, std::string command = {}) {
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

Finding emulation(const results::Context& context) {
  return judged("emulation", context.emulated ? "yes" : "no", source_of(context, "emulated"),
                context.emulated,
                "instructions are interpreted or translated, and no time here means anything");
}

Finding virtualization(const results::Context& context) {
  return judged("virtualization", context.virtualization, source_of(context, "virtualization"),
                context.virtualization.value_or("none") != "none",
                "neighbours can steal time, and a mapping costs more than on hardware");
}

Finding governor(const results::Context& context) {
  return judged("governor", context.governor, source_of(context, "governor"),
                context.governor != "performance",
                "the clock changes with the load; 'performance' is steadier",
                write_command("performance", kGovernors));
}

Finding turbo(const results::Context& context) {
  const std::string file = source_of(context, "turbo");
  return judged("turbo", on_or_off(context.turbo), file, context.turbo.value_or(false),
                "the clock depends on temperature and on what the other cores do",
                write_command(file.ends_with("no_turbo") ? "1" : "0", file));
}

Finding smt(const results::Context& context) {
  return judged("smt", on_or_off(context.smt), source_of(context, "smt"),
                context.smt.value_or(false),
                "a process on the sibling of the pinned processor slows it down",
                write_command("off", fmt::format("{}/smt/control", kCpus)));
}

Finding processors(const results::Context& context) {
  return judged("processors", as_text(context.cpu.online), source_of(context, "cpu.online"),
                context.cpu.online == 1, "whatever else runs here runs between the measurements");
}

Finding quota(const results::Context& context) {
  const std::optional<double>& share = context.cpu.quota;
  return judged("processor quota",
                share ? fmt::format("{:.0f} % of a processor", *share * 100) : "none",
                source_of(context, "cpu.quota"), share.has_value(),
                "the kernel stops the run in every period in which that time is used up, in the "
                "middle of what is timed; samples in which it did are flagged");
}

Finding load(const results::Context& context) {
  constexpr double kQuiet = 0.5;
  std::optional<std::string> value;
  if (context.load_average) value = fmt::format("{:.2f}", *context.load_average);
  return judged("load", value, source_of(context, "load_average"),
                context.load_average.value_or(0) > kQuiet, "something else is running here",
                "top -o %CPU");
}

Finding huge_pages(const results::Context& context) {
  const std::string file = source_of(context, "thp");
  return judged("transparent huge pages", context.thp, file, context.thp == "always",
                "what does not ask for small pages gets large ones now and then",
                write_command("madvise", file));
}

Finding randomization(const results::Context& context) {
  constexpr int kFull = 2;
  return judged("address space randomisation", as_text(context.aslr), source_of(context, "aslr"),
                context.aslr.value_or(kFull) != kFull,
                "rounds are to differ in their layout, and do so less: one accident of layout "
                "looks like a difference",
                source_of(context, "aslr") != "/proc/self/personality"
                    ? sysctl_command("kernel.randomize_va_space", "2")
                    : std::string("start it without setarch -R (and not from a debugger)"));
}

Finding pmu(int error, const results::Context& context) {
  Finding finding{"hardware counters", std::nullopt, "perf_event_open(PERF_COUNT_HW_CPU_CYCLES)",
                  Effect::unknown,     "",           ""};
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
    constexpr int kHighestForUserCode = 2;
    const std::string refused = fmt::format("refused: {}", std::strerror(error));
    if (is_killed("perf_event_open")) {
      finding.why =
          "denied: a seccomp filter kills perf_event_open; a container needs a profile "
          "that allows it";
    } else if (context.perf_event_paranoid.value_or(kHighestForUserCode) > kHighestForUserCode) {
      finding.why = refused;
      finding.command = sysctl_command("kernel.perf_event_paranoid", "1");
    } else {
      finding.why = fmt::format(
          "{}, though kernel.perf_event_paranoid allows it: {}; a container needs a profile that "
          "allows perf_event_open",
          refused, has_seccomp_filter() ? "a seccomp filter is in force" : "a sandbox refuses it");
    }
  }
  return finding;
}

/// A number that the kernel lets be set, and what it should be.
struct Setting {
  std::string_view name;    // as bench-probe has it
  std::string_view sysctl;  // "kernel.nmi_watchdog"
  std::int64_t wanted;
  bool (*disturbs)(std::int64_t value, std::int64_t wanted);
  std::string_view why;
};

constexpr bool is_more(std::int64_t value, std::int64_t wanted) { return value > wanted; }
constexpr bool is_less(std::int64_t value, std::int64_t wanted) { return value < wanted; }

constexpr std::array kSettings = {
    // Documentation/admin-guide/sysctl/kernel.rst: without CAP_PERFMON from 2 on none of the
    // kernel's events. Levels 0 and 1 forbid records of tracepoints and a processor's events of all
    // processes, which nothing here asks for.
    Setting{"perf_event_paranoid", "kernel.perf_event_paranoid", 1, is_more,
            "without privileges neither the kernel's share of a patch nor its tracepoints can be "
            "counted"},
    Setting{"nmi_watchdog", "kernel.nmi_watchdog", 0, is_more,
            "it keeps a hardware counter for itself, and interrupts"},
    Setting{"numa_balancing", "kernel.numa_balancing", 0, is_more,
            "the kernel unmaps pages to see who touches them"},
    // A toggled page in the middle of a mapping makes three of one: twice the default is enough for
    // 65,536 of them.
    Setting{"max_map_count", "vm.max_map_count", 262'144, is_less,
            "zones of many pages that are toggled one by one run out of mappings"},
};

Finding judge(const Setting& setting, const path& root) {
  std::string file = fmt::format("/proc/sys/{}", setting.sysctl);
  std::ranges::replace(file, '.', '/');
  const auto value = read_integer(root / path(file).relative_path());
  return judged(std::string(setting.name), as_text(value), file,
                value && setting.disturbs(*value, setting.wanted), std::string(setting.why),
                sysctl_command(setting.sysctl, std::to_string(setting.wanted)));
}

/// Those of all processors, "performance, powersave".
std::optional<std::string> governors(const path& root) {
  const path cpus = root / path(kCpus).relative_path();
  std::set<std::string> found;
  const auto online = parse_cpu_list(read_trimmed(cpus / "online").value_or(""));
  for (const int cpu : online.value_or(std::vector<int>{})) {
    const auto one = read_trimmed(cpus / fmt::format("cpu{}/cpufreq/scaling_governor", cpu));
    if (one) found.insert(*one);
  }
  return found.empty() ? std::nullopt : std::optional(fmt::format("{}", fmt::join(found, ", ")));
}

}  // namespace

std::vector<std::string> warnings_of(const results::Context& context) {
  std::vector<std::string> warnings;
  const auto warn = [&warnings](std::string_view subject, const Finding& finding) {
    if (finding.effect == Effect::disturbs) {
      warnings.push_back(fmt::format("{}: {}", subject, finding.why));
    }
  };
  warn("this machine is emulated", emulation(context));
  if (!context.emulated) {
    warn(fmt::format("virtual machine ({})", context.virtualization.value_or("")),
         virtualization(context));
  }
  warn(fmt::format("frequency governor '{}'", context.governor.value_or("")), governor(context));
  warn("turbo is on", turbo(context));
  warn("SMT is on", smt(context));
  warn("one processor only", processors(context));
  warn(fmt::format("quota of {:.0f} % of a processor", context.cpu.quota.value_or(0) * 100),
       quota(context));
  warn(fmt::format("load average {:.2f}", context.load_average.value_or(0)), load(context));
  return warnings;
}

std::vector<Finding> find_disturbances(const ProbeSources& sources) {
  const path& root = sources.environment.root;
  results::Context context = read_environment(sources.environment, {});
  context.governor = governors(root);
  std::ranges::find(context.sources, "governor", &NamedText::first)->second = kGovernors;
  std::vector<Finding> findings = {emulation(context),
                                   virtualization(context),
                                   governor(context),
                                   turbo(context),
                                   smt(context),
                                   processors(context),
                                   quota(context),
                                   load(context),
                                   huge_pages(context),
                                   randomization(context),
                                   pmu(sources.count_cycles(), context)};
  for (const Setting& setting : kSettings) findings.push_back(judge(setting, root));
  return findings;
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
