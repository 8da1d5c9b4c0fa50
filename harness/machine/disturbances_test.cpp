#include "harness/machine/disturbances.hpp"

#include <algorithm>
#include <cerrno>

#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>

#include "harness/programs/temporary_directory_test.hpp"

namespace patchbench::harness {
namespace {

/// A machine that nothing is wrong with.
class QuietMachine {
 public:
  QuietMachine() {
    tree.write("proc/cpuinfo", "processor\t: 0\nmodel name\t: X\nflags\t: fpu\n");
    tree.write("proc/loadavg", "0.03 0.10 0.20 1/100 4242\n");
    tree.write("proc/sys/kernel/randomize_va_space", "2\n");
    tree.write("proc/sys/kernel/perf_event_paranoid", "-1\n");
    tree.write("proc/sys/kernel/nmi_watchdog", "0\n");
    tree.write("proc/sys/kernel/numa_balancing", "0\n");
    tree.write("proc/sys/vm/max_map_count", "1048576\n");
    tree.write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    tree.write("sys/devices/system/cpu/online", "0-1\n");
    tree.write("sys/devices/system/cpu/smt/active", "0\n");
    tree.write("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
    tree.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    tree.write("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
  }

  [[nodiscard]] std::vector<Finding> findings() const {
    return find_disturbances({.environment = {.root = tree.path(),
                                              .hypervisor = "",
                                              .arch = "x86_64",
                                              .emulator = "",
                                              .cache_maintenance = "",
                                              .breaks_architecture = [] { return false; }},
                              .count_cycles = count_cycles});
  }

  [[nodiscard]] Finding find(std::string_view name) const {
    const auto all = findings();
    const auto found = std::ranges::find(all, name, &Finding::name);
    REQUIRE(found != all.end());
    return *found;
  }

  TemporaryDirectory tree;
  int (*count_cycles)() = [] { return 0; };
};

TEST_CASE("a quiet machine disturbs nothing, and everything has its source") {
  const QuietMachine machine;
  for (const Finding& finding : machine.findings()) {
    INFO(finding.name);
    CHECK((finding.effect == Effect::none || finding.name == "virtualization"));
    CHECK_FALSE(finding.source.empty());
    CHECK(finding.source.find(machine.tree.path().string()) == std::string::npos);
    CHECK(finding.command.empty());
  }
}

TEST_CASE("each disturbance is named with the command that changes it") {
  struct Case {
    const char* file;
    const char* text;
    const char* name;
    const char* value;
    const char* command;
  };
  const auto [file, text, name, value, command] = GENERATE(
      Case{"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n", "governor",
           "performance, powersave", "scaling_governor"},
      Case{"sys/devices/system/cpu/intel_pstate/no_turbo", "0\n", "turbo", "on",
           "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"},
      Case{"sys/devices/system/cpu/smt/active", "1\n", "smt", "on", "smt/control"},
      Case{"sys/devices/system/cpu/online", "0\n", "processors", "1", ""},
      Case{"proc/loadavg", "1.50 0 0 1/1 1\n", "load", "1.50", "top"},
      Case{"sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n",
           "transparent huge pages", "always", "echo madvise"},
      Case{"proc/sys/kernel/randomize_va_space", "0\n", "address space randomisation", "0",
           "randomize_va_space=2"},
      Case{"proc/sys/kernel/perf_event_paranoid", "2\n", "perf_event_paranoid", "2",
           "perf_event_paranoid=1"},
      Case{"proc/sys/kernel/nmi_watchdog", "1\n", "nmi_watchdog", "1", "nmi_watchdog=0"},
      Case{"proc/sys/kernel/numa_balancing", "1\n", "numa_balancing", "1", "numa_balancing=0"},
      Case{"proc/sys/vm/max_map_count", "65530\n", "max_map_count", "65530", "max_map_count="});
  const QuietMachine machine;
  machine.tree.write(file, text);
  const Finding finding = machine.find(name);
  CHECK(finding.effect == Effect::disturbs);
  CHECK(finding.value == value);
  CHECK_FALSE(finding.why.empty());
  CHECK(finding.command.find(command) != std::string::npos);
  const auto all = machine.findings();
  CHECK(std::ranges::count(all, Effect::disturbs, &Finding::effect) == 1);
}

TEST_CASE("a quota of processor time disturbs, and is named with its file") {
  const QuietMachine machine;
  CHECK(machine.find("processor quota").value == "none");
  machine.tree.write("proc/self/cgroup", "0::/app\n");
  machine.tree.write("sys/fs/cgroup/app/cpu.max", "50000 100000\n");
  const Finding quota = machine.find("processor quota");
  CHECK(quota.effect == Effect::disturbs);
  CHECK(quota.value == "50 % of a processor");
  CHECK(quota.source == "/sys/fs/cgroup/app/cpu.max");
}

TEST_CASE("refused counters: another level is advised only where the level refuses") {
  QuietMachine machine;
  machine.count_cycles = [] { return EPERM; };
  machine.tree.write("proc/sys/kernel/perf_event_paranoid", "4\n");
  CHECK(machine.find("hardware counters").command.find("perf_event_paranoid=1") !=
        std::string::npos);
  machine.tree.write("proc/sys/kernel/perf_event_paranoid", "2\n");
  CHECK(machine.find("hardware counters").command.empty());
  CHECK(machine.find("hardware counters").why.find("container") != std::string::npos);
}

TEST_CASE("AMD's switch is turned the other way") {
  const QuietMachine machine;
  std::filesystem::remove(machine.tree / "sys/devices/system/cpu/intel_pstate/no_turbo");
  machine.tree.write("sys/devices/system/cpu/cpufreq/boost", "1\n");
  CHECK(machine.find("turbo").command == "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost");
}

TEST_CASE("what the machine does not say is unknown, with its source, and null for programs") {
  QuietMachine machine;
  std::filesystem::remove_all(machine.tree / "sys");
  std::filesystem::remove_all(machine.tree / "proc/sys");
  std::filesystem::remove(machine.tree / "proc/loadavg");
  for (const char* name :
       {"governor", "turbo", "smt", "processors", "load", "max_map_count", "transparent huge pages",
        "address space randomisation", "perf_event_paranoid", "nmi_watchdog", "numa_balancing"}) {
    INFO(name);
    const Finding finding = machine.find(name);
    CHECK(finding.effect == Effect::unknown);
    CHECK_FALSE(finding.value.has_value());
    CHECK_FALSE(finding.source.empty());
    CHECK(finding.command.empty());
  }
  const auto json = nlohmann::json::parse(findings_json(machine.findings()));
  const auto& governor = json.at("findings").at(2);
  CHECK(governor.at("name") == "governor");
  CHECK(governor.at("value").is_null());
  CHECK(governor.at("effect") == "unknown");
  CHECK(findings_text(machine.findings()).find("unknown   governor: unknown") != std::string::npos);
}

TEST_CASE("no counters, refused counters and counters are three things") {
  QuietMachine machine;
  CHECK(machine.find("hardware counters").value == "available");
  machine.count_cycles = [] { return ENOENT; };
  CHECK(machine.find("hardware counters").effect == Effect::disturbs);
  CHECK(machine.find("hardware counters").value == "none");
  machine.count_cycles = [] { return ENODATA; };
  CHECK(machine.find("hardware counters").value == "none");
  machine.count_cycles = [] { return EACCES; };
  CHECK(machine.find("hardware counters").effect == Effect::unknown);
  CHECK_FALSE(machine.find("hardware counters").value.has_value());
}

TEST_CASE("a virtual and an emulated machine are named") {
  QuietMachine machine;
  machine.tree.write("proc/cpuinfo", "processor\t: 0\nmodel name\t: X\nflags\t: fpu hypervisor\n");
  CHECK(machine.find("virtualization").effect == Effect::disturbs);
  CHECK(machine.find("emulation").effect == Effect::none);
}

}  // namespace
}  // namespace patchbench::harness
