#include "harness/machine/environment.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include <nlohmann/json.hpp>
#include <patchbench_catch.hpp>

#include "harness/machine/cpuinfo.hpp"
#include "harness/machine/emulator.hpp"
#include "harness/machine/proc.hpp"
#include "harness/machine/virtualization.hpp"
#include "harness/programs/temporary_directory_test.hpp"
#include "results/json.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kX86 =
    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n"
    "model name\t: Intel(R) Xeon(R) Gold 6130\nmicrocode\t: 0x2006b06\nflags\t\t: fpu vme sse2\n\n"
    "processor\t: 1\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 86\n"
    "model name\t: The other one\nflags\t\t: fpu vme sse2\n\n";

constexpr std::string_view kRaspberry =
    "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n\n"
    "processor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\n"
    "Hardware\t: BCM2835\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n";

/// A bare x86 machine that nothing is wrong with.
class FakeMachine {
 public:
  FakeMachine() {
    tree.write("proc/cpuinfo", kX86);
    tree.write("proc/loadavg", "0.03 0.10 0.20 1/100 4242\n");
    tree.write("proc/cmdline",
               "root=/dev/sda1 quiet mitigations=off isolcpus=2,3 log_host=secret\n");
    tree.write("proc/sys/kernel/hostname", "quiet-box\n");
    tree.write("proc/sys/kernel/osrelease", "6.1.0\n");
    tree.write("proc/sys/kernel/version", "#1 SMP Debian\n");
    tree.write("proc/sys/kernel/randomize_va_space", "2\n");
    tree.write("proc/sys/kernel/perf_event_paranoid", "-1\n");
    tree.write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    cpu("online", "0-3\n");
    cpu("smt/active", "0\n");
    cpu("intel_pstate/no_turbo", "1\n");
    cpu("cpu0/cpufreq/scaling_governor", "performance\n");
    for (const int number : {0, 1, 2, 3}) {  // two cores of two threads
      const fs::path topology = fs::path("cpu" + std::to_string(number)) / "topology";
      cpu(topology / "physical_package_id", "0\n");
      cpu(topology / "core_id", std::to_string(number / 2) + "\n");
    }
    tree.write("sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
    tree.write("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n");
    tree.write("sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "2097152\n");
    cpu("cpu0/cache/index0/level", "1\n");
    cpu("cpu0/cache/index0/type", "Data\n");
    cpu("cpu0/cache/index0/size", "32K\n");
    cpu("cpu0/cache/index1/level", "3\n");
    cpu("cpu0/cache/index1/type", "Unified\n");
    cpu("cpu0/cache/index1/size", "22528K\n");
    cpu("vulnerabilities/spectre_v2", "Mitigation: IBRS\n");
    cpu("vulnerabilities/meltdown", "Not affected\n");
  }

  void cpu(const fs::path& name, std::string_view text) const {
    tree.write(fs::path("sys/devices/system/cpu") / name, text);
  }
  [[nodiscard]] EnvironmentSources sources() const {
    return {.root = tree.path(),
            .hypervisor = hypervisor,
            .arch = arch,
            .emulator = emulator,
            .cache_maintenance = cache_maintenance,
            .breaks_architecture = breaks_architecture};
  }
  [[nodiscard]] results::Context read(const std::vector<int>& cpus = {0}) const {
    return read_environment(sources(), cpus);
  }

  TemporaryDirectory tree;
  std::string hypervisor;
  std::string arch = "x86_64";
  std::string emulator;
  std::string cache_maintenance = "DC CVAU every 64 bytes";
  bool (*breaks_architecture)() = [] { return false; };
};

bool warns(const results::Context& context, std::string_view part) {
  return std::ranges::any_of(context.warnings, [part](const std::string& warning) {
    return warning.find(part) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("a machine as its files describe it") {
  const results::Context context = FakeMachine().read();
  CHECK(context.host == "quiet-box");
  CHECK(context.arch == "x86_64");
  CHECK(context.kernel == "6.1.0 #1 SMP Debian");
  CHECK(context.kernel_command_line == "mitigations=off isolcpus=2,3");
  CHECK(context.cpu.model == "Intel(R) Xeon(R) Gold 6130");
  CHECK(context.cpu.vendor == "GenuineIntel");
  CHECK(context.cpu.family == 6);
  CHECK(context.cpu.model_number == 85);
  CHECK(context.cpu.microcode == "0x2006b06");
  CHECK(context.cpu.online == 4);
  CHECK(context.cpu.cores == 2);
  CHECK(context.cpu.pinned == "0");
  CHECK(context.cpu.caches ==
        std::vector<std::pair<std::string, std::string>>{
            {"L1d", "32K"}, {"L3", "22528K"}, {"maintenance", "DC CVAU every 64 bytes"}});
  CHECK(context.virtualization == "none");
  CHECK_FALSE(context.emulated);
  CHECK(context.governor == "performance");
  CHECK(context.turbo == false);
  CHECK(context.smt == false);
  CHECK(context.aslr == 2);
  CHECK(context.thp == "madvise");
  CHECK(context.thp_size == 2097152);
  CHECK(context.huge_page_sizes == std::vector<std::int64_t>{2097152, 1073741824});
  CHECK(context.perf_event_paranoid == -1);
  CHECK(context.load_average == 0.03);
  CHECK(context.mitigations ==
        std::vector<std::pair<std::string, std::string>>{{"meltdown", "Not affected"},
                                                         {"spectre_v2", "Mitigation: IBRS"}});
}

TEST_CASE("nothing disturbs a quiet machine but the build") {
  const results::Context context = FakeMachine().read();
  for (const std::string& warning : context.warnings) {
    INFO(warning);
    CHECK((warning.starts_with("build type") || warning.starts_with("built with")));
  }
}

TEST_CASE("the build is described") {
  const results::Context context = FakeMachine().read();
  CHECK_FALSE(context.compiler.empty());
  CHECK(context.git != "");
  CHECK(context.page_size >= 4096);
  CHECK(std::ranges::find(context.libraries, "benchmark",
                          &std::pair<std::string, std::string>::first) != context.libraries.end());
}

TEST_CASE("what cannot be read is unknown, never zero") {
  const TemporaryDirectory empty;
  const results::Context context = read_environment({.root = empty.path(),
                                                     .hypervisor = "",
                                                     .arch = "aarch64",
                                                     .emulator = "",
                                                     .cache_maintenance = "",
                                                     .breaks_architecture = [] { return false; }},
                                                    {2});
  CHECK_FALSE(context.host.has_value());
  CHECK_FALSE(context.kernel.has_value());
  CHECK_FALSE(context.cpu.model.has_value());
  CHECK_FALSE(context.cpu.family.has_value());
  CHECK_FALSE(context.cpu.online.has_value());
  CHECK_FALSE(context.cpu.cores.has_value());
  CHECK_FALSE(context.huge_page_sizes.has_value());
  CHECK_FALSE(context.thp_size.has_value());
  CHECK(context.cpu.caches.empty());
  CHECK_FALSE(context.virtualization.has_value());
  CHECK_FALSE(context.governor.has_value());
  CHECK_FALSE(context.turbo.has_value());
  CHECK_FALSE(context.smt.has_value());
  CHECK_FALSE(context.aslr.has_value());
  CHECK_FALSE(context.thp.has_value());
  CHECK_FALSE(context.perf_event_paranoid.has_value());
  CHECK_FALSE(context.load_average.has_value());
  CHECK(context.mitigations.empty());
}

std::string source_of(const results::Context& context, std::string_view fact) {
  const auto found =
      std::ranges::find(context.sources, fact, &std::pair<std::string, std::string>::first);
  return found == context.sources.end() ? "" : found->second;
}

/// The names of all facts in results.json, "cpu.model" and the like; what is concluded from them is
/// none.
std::set<std::string> facts_in(const results::Context& context) {
  results::Results results;
  results.context = context;
  const auto json = nlohmann::json::parse(results::to_json_text(results)).at("context");
  std::set<std::string> names;
  for (const auto& [name, value] : json.items()) {
    if (name == "cpu") {
      for (const auto& [part, unused] : value.items()) names.insert("cpu." + part);
    } else if (name != "sources" && name != "warnings") {
      names.insert(name);
    }
  }
  return names;
}

TEST_CASE("every fact in results.json has its source, known or not") {
  const TemporaryDirectory empty;
  const FakeMachine machine;
  EnvironmentSources nothing = machine.sources();
  nothing.root = empty.path();
  nothing.cache_maintenance = "";
  for (const results::Context& context :
       {machine.read(), read_environment(nothing, {}), read_environment({}, {})}) {
    for (const std::string& fact : facts_in(context)) {
      INFO(fact << ": Facts in environment.cpp says of each where it is from");
      CHECK_FALSE(source_of(context, fact).empty());
    }
    for (const auto& [fact, source] : context.sources) {
      INFO(fact << ": " << source);
      CHECK(facts_in(context).contains(fact));
      CHECK(source.find(empty.path().string()) == std::string::npos);
      CHECK(source.find(machine.tree.path().string()) == std::string::npos);
    }
  }
}

TEST_CASE("a source is what answered, of what is unknown what was asked") {
  const FakeMachine machine;
  const auto source = [&machine](std::string_view fact) { return source_of(machine.read(), fact); };
  const std::string intel = "/sys/devices/system/cpu/intel_pstate/no_turbo";
  const std::string others = "/sys/devices/system/cpu/cpufreq/boost";
  CHECK(source("turbo") == intel);
  fs::remove_all(machine.tree / "sys/devices/system/cpu/intel_pstate");
  CHECK(source("turbo") == intel + ", " + others);
  machine.cpu("cpufreq/boost", "1\n");
  CHECK(source("turbo") == others);
  CHECK(source("host") == "/proc/sys/kernel/hostname");
  CHECK(source("cpu.microcode") == "/proc/cpuinfo");
  CHECK(source_of(machine.read({3}), "governor") ==
        "/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor");
  CHECK(source("cpu.cores").find("/cpu*/topology/{physical_package_id,core_id}") !=
        std::string::npos);
  fs::remove(machine.tree / "sys/devices/system/cpu/cpu2/topology/core_id");
  CHECK_FALSE(machine.read().cpu.cores.has_value());
  CHECK(source("page_size") == "sysconf(_SC_PAGESIZE)");
}

TEST_CASE("who emulates or virtualises has for its source what said so") {
  FakeMachine machine;
  CHECK(source_of(machine.read(), "virtualization") == "/proc/cpuinfo");
  machine.tree.write("sys/class/dmi/id/sys_vendor", "QEMU\n");
  CHECK(source_of(machine.read(), "virtualization") ==
        "/sys/class/dmi/id/{product_name,sys_vendor,board_vendor,bios_vendor}");
  machine.emulator = "gem5";
  CHECK(source_of(machine.read(), "virtualization") == "PATCHBENCH_EMULATED");
  CHECK(source_of(machine.read(), "emulated") == "PATCHBENCH_EMULATED");
}

TEST_CASE("the processor is the one that is pinned to") {
  CHECK(FakeMachine().read({1, 3}).cpu.model == "The other one");
  CHECK(FakeMachine().read({1, 3}).cpu.pinned == "1,3");
  CHECK(FakeMachine().read({9}).cpu.model == "Intel(R) Xeon(R) Gold 6130");
}

TEST_CASE("whatever disturbs is warned of before the run") {
  const FakeMachine machine;
  SECTION("governor") {
    machine.cpu("cpu0/cpufreq/scaling_governor", "powersave\n");
    CHECK(warns(machine.read(), "'powersave'"));
  }
  SECTION("turbo, as Intel's driver says it") {
    machine.cpu("intel_pstate/no_turbo", "0\n");
    CHECK(machine.read().turbo == true);
    CHECK(warns(machine.read(), "turbo"));
  }
  SECTION("turbo, as the others do") {
    fs::remove_all(machine.tree / "sys/devices/system/cpu/intel_pstate");
    machine.cpu("cpufreq/boost", "1\n");
    CHECK(machine.read().turbo == true);
  }
  SECTION("SMT") {
    machine.cpu("smt/active", "1\n");
    CHECK(warns(machine.read(), "SMT"));
  }
  SECTION("load") {
    machine.tree.write("proc/loadavg", "1.75 1 1 1/100 4242\n");
    CHECK(warns(machine.read(), "load average 1.75"));
  }
  SECTION("one processor") {
    machine.cpu("online", "0\n");
    CHECK(warns(machine.read(), "one processor"));
  }
}

TEST_CASE("hypervisors, by what the processor says") {
  const auto [signature, kind] = GENERATE(
      std::pair<std::string, std::string>{"KVMKVMKVM", "kvm"}, std::pair{"VMwareVMware", "vmware"},
      std::pair{"Microsoft Hv", "microsoft"}, std::pair{"XenVMMXenVMM", "xen"});
  FakeMachine machine;
  machine.hypervisor = signature;
  const results::Context context = machine.read();
  CHECK(context.virtualization == kind);
  CHECK_FALSE(context.emulated);
  CHECK(warns(context, "virtual machine (" + kind + ")"));
}

TEST_CASE("an emulator is distinguished from a hypervisor") {
  FakeMachine machine;
  SECTION("by what its processor says") {
    machine.hypervisor = "TCGTCGTCGTCG";
    CHECK(machine.read().virtualization == "qemu");
  }
  SECTION("by its processor's name") {
    machine.tree.write("proc/cpuinfo",
                       "processor\t: 0\nmodel name\t: QEMU TCG CPU version 2.5+\nflags\t: fpu\n");
  }
  SECTION("by its Arm board's name") {
    machine.arch = "aarch64";
    machine.tree.write("proc/cpuinfo",
                       "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n");
    machine.tree.write("sys/class/dmi/id/product_name", "QEMU Virtual Machine\n");
    machine.tree.write("sys/class/dmi/id/sys_vendor", "QEMU\n");
    CHECK(machine.read().virtualization == "qemu");
  }
  SECTION("by its Arm processor's name") {
    machine.arch = "aarch64";
    machine.tree.write("proc/cpuinfo",
                       "processor\t: 0\nCPU implementer\t: 0x00\nCPU part\t: 0x051\n");
    CHECK(machine.read().virtualization == "unknown emulator");
  }
  SECTION("by what a processor cannot do") {
    machine.arch = "aarch64";
    machine.tree.write("proc/cpuinfo", kRaspberry);
    machine.tree.write("proc/device-tree/compatible", "linux,dummy-virt");
    machine.breaks_architecture = [] { return true; };
    CHECK(machine.read().virtualization == "qemu");
    CHECK_FALSE(warns(machine.read(), "nothing says whether"));
  }
  SECTION("by whoever started it") {
    machine.emulator = "gem5";
    CHECK(machine.read().virtualization == "gem5");
  }
  SECTION("by the program that runs this one") {
    fs::create_directories(machine.tree / "proc/thread-self");
    fs::create_symlink("/usr/bin/qemu-aarch64-static", machine.tree / "proc/thread-self/exe");
    CHECK(machine.read().virtualization == "qemu-user");
  }
  SECTION("by the processor of the host") {
    machine.arch = "aarch64";
    CHECK(machine.read().virtualization == "qemu-user");
  }
  CHECK(machine.read().emulated);
  CHECK(warns(machine.read(), "no time here means anything"));
}

TEST_CASE("a program is started once more by the kernel, or by the emulator that runs it") {
  const FakeMachine machine;
  CHECK(execution_of_self(machine.tree.path()).file == machine.tree / "proc/self/exe");
  fs::create_directories(machine.tree / "proc/self");
  fs::create_directories(machine.tree / "proc/thread-self");
  fs::create_symlink("/opt/bench-run", machine.tree / "proc/self/exe");
  fs::create_symlink("/opt/bench-run", machine.tree / "proc/thread-self/exe");
  CHECK(execution_of_self(machine.tree.path()).words == std::vector<std::string>{"bench-run"});
  fs::remove(machine.tree / "proc/thread-self/exe");
  fs::create_symlink("/usr/bin/qemu-aarch64", machine.tree / "proc/thread-self/exe");
  const Execution again = execution_of_self(machine.tree.path());
  CHECK(again.file == machine.tree / "proc/thread-self/exe");
  CHECK(again.words == std::vector<std::string>{"qemu-user", "/opt/bench-run"});
}

TEST_CASE("KVM on QEMU's board is not an emulator") {
  FakeMachine machine;
  machine.arch = "aarch64";
  machine.tree.write("proc/cpuinfo", kRaspberry);
  machine.tree.write("sys/class/dmi/id/product_name", "KVM Virtual Machine\n");
  machine.tree.write("sys/class/dmi/id/sys_vendor", "QEMU\n");
  CHECK(machine.read().virtualization == "kvm");
  CHECK_FALSE(machine.read().emulated);
}

TEST_CASE("QEMU's board without firmware leaves it open") {
  FakeMachine machine;
  machine.arch = "aarch64";
  machine.tree.write("proc/cpuinfo", kRaspberry);
  machine.tree.write("proc/device-tree/compatible", std::string_view("linux,dummy-virt\0", 17));
  CHECK(machine.read().virtualization == "qemu");
  CHECK(warns(machine.read(), "nothing says whether"));
}

TEST_CASE("the emulator that the environment declares has a name") {
  setenv("PATCHBENCH_EMULATED", "gem5", 1);
  CHECK(declared_emulator() == "gem5");
  unsetenv("PATCHBENCH_EMULATED");
  CHECK(declared_emulator().empty());
}

TEST_CASE("the hypervisor flag alone says that there is one") {
  FakeMachine machine;
  machine.tree.write("proc/cpuinfo", "processor\t: 0\nmodel name\t: X\nflags\t: fpu hypervisor\n");
  CHECK(machine.read().virtualization == "unknown hypervisor");
}

TEST_CASE("a board with a device tree and no trace of a hypervisor is a machine") {
  FakeMachine machine;
  machine.arch = "aarch64";
  machine.tree.write("proc/cpuinfo", kRaspberry);
  machine.tree.write("proc/device-tree/compatible", "raspberrypi,4-model-b");
  CHECK(machine.read().virtualization == "none");
}

TEST_CASE("Arm's processors have names") {
  const TemporaryDirectory tree;
  tree.write("proc/cpuinfo", kRaspberry);
  CHECK(cpu_model(read_cpuinfo(tree.path(), 0)) == "Cortex-A72 (Raspberry Pi 4 Model B Rev 1.4)");
  CHECK(cpu_model(read_cpuinfo(tree.path(), 1)) == "Cortex-A76 (Raspberry Pi 4 Model B Rev 1.4)");
  CHECK(cpu_vendor(read_cpuinfo(tree.path(), 0)) == "ARM");
  tree.write("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x48\nCPU part\t: 0xd01\n");
  CHECK(cpu_model(read_cpuinfo(tree.path(), 0)) == "implementer 0x48 part 0xd01");
  CHECK(cpu_vendor(read_cpuinfo(tree.path(), 0)) == "HiSilicon");
}

TEST_CASE("steal time is the eighth number") {
  const TemporaryDirectory tree;
  tree.write("proc/stat",
             "cpu  1 2 3 4 5 6 7 88 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
             "cpu1 1 2 3 4 5 6 7 80 9 10\nintr 5\n");
  CHECK(read_steal_ticks(tree.path(), 1) == 80);
  CHECK(read_steal_ticks(tree.path(), -1) == 88);
  CHECK_FALSE(read_steal_ticks(tree.path(), 2).has_value());
  tree.write("proc/stat", "cpu0 1 2 3\n");
  CHECK_FALSE(read_steal_ticks(tree.path(), 0).has_value());
}

TEST_CASE("what a thread had of a processor, and how long it waited for one") {
  const TemporaryDirectory tree;
  CHECK_FALSE(ScheduleFile(tree.path()).read().has_value());
  tree.write("proc/thread-self/schedstat", "5000000 70000 12\n");
  const auto schedule = ScheduleFile(tree.path()).read();
  REQUIRE(schedule);
  CHECK(schedule->executed_ns == 5'000'000);
  CHECK(schedule->waited_ns == 70'000);
}

TEST_CASE("addresses that are not randomised for this process are off, whatever the kernel has") {
  FakeMachine machine;
  machine.tree.write("proc/self/personality", "00000000\n");
  CHECK(machine.read().aslr == 2);
  machine.tree.write("proc/self/personality", "00040000\n");
  const results::Context context = machine.read();
  CHECK(context.aslr == 0);
  CHECK(std::ranges::find(context.sources, "aslr", &std::pair<std::string, std::string>::first)
            ->second == "/proc/self/personality");
}

TEST_CASE("a quota of processor time is part of the context, and a warning") {
  FakeMachine machine;
  machine.tree.write("proc/self/cgroup", "0::/app\n");
  machine.tree.write("sys/fs/cgroup/app/cpu.max", "20000 100000\n");
  const results::Context context = machine.read();
  CHECK(context.cpu.quota == 0.2);
  CHECK(std::ranges::any_of(context.warnings, [](const std::string& warning) {
    return warning.starts_with("quota of 20 % of a processor");
  }));
}

TEST_CASE("peak memory is this process' own") {
  const TemporaryDirectory tree;
  tree.write("proc/self/status", "Name:\tx\nVmHWM:\t    5212 kB\n");
  CHECK(read_peak_rss_kib(tree.path()) == 5212);
  CHECK(read_peak_rss_kib("/").value() > 0);
}

}  // namespace patchbench::harness
