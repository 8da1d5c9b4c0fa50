#include "harness/machine/cpu_list.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include "harness/base/text_parts.hpp"
#include "harness/base/usage_error.hpp"
#include "harness/machine/proc.hpp"
#include "harness/machine/sandbox.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {
namespace {

std::optional<int> parse_cpu(std::string_view text) {
  const auto cpu = to_number<int>(text);
  return cpu && *cpu >= 0 && *cpu < CPU_SETSIZE ? cpu : std::nullopt;
}

/// "Cpus_allowed_list:\t0-1"
std::vector<int> allowed_of_status(pid_t process) {
  constexpr std::string_view kKey = "Cpus_allowed_list:";
  std::ifstream status(
      fmt::format("/proc/{}/status", process == 0 ? "self" : std::to_string(process)));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(kKey)) {
      const auto cpus = parse_cpu_list(trimmed(std::string_view(line).substr(kKey.size())));
      if (cpus) return *cpus;
    }
  }
  throw_errno("sched_getaffinity: a seccomp filter kills it, and /proc does not say", EPERM);
}

/// As much work as a core does, compared with others of this machine; 0 where all are alike.
std::int64_t capacity_of(const std::filesystem::path& root, int cpu) {
  const auto file = root / fmt::format("sys/devices/system/cpu/cpu{}/cpu_capacity", cpu);
  return read_integer(file).value_or(0);
}

bool is_listed(const std::filesystem::path& file, int cpu) {
  const auto list = read_trimmed(file);
  const auto cpus = list ? parse_cpu_list(*list) : std::nullopt;
  return cpus && std::ranges::find(*cpus, cpu) != cpus->end();
}

/// Of kinds of x86 cores, the fastest first: their PMUs' names in sysfs since Linux 5.13.
constexpr std::array kHybrid = {"cpu_core", "cpu_atom", "cpu_lowpower"};

std::optional<std::string> hybrid_kind(const std::filesystem::path& root, int cpu) {
  for (const char* kind : kHybrid) {
    if (is_listed(root / "sys/devices" / kind / "cpus", cpu)) return kind;
  }
  return std::nullopt;
}

BusyTicks busy_ticks(const std::filesystem::path& root) {
  BusyTicks busy;
  std::ifstream stat(root / "proc/stat");
  for (std::string line; std::getline(stat, line);) {
    if (!line.starts_with("cpu")) break;
    std::istringstream words(line.substr(3));
    int cpu = 0;
    std::int64_t user = 0;
    std::int64_t nice = 0;
    std::int64_t system = 0;
    if (line[3] != ' ' && words >> cpu >> user >> nice >> system) busy[cpu] = user + nice + system;
  }
  return busy;
}

/// Whether anything but this thread wants a processor: the fourth word of /proc/loadavg is
/// "runnable/existing".
bool others_are_runnable(const std::filesystem::path& root) {
  std::istringstream words(read_trimmed(root / "proc/loadavg").value_or(""));
  const std::vector<std::string> loads{std::istream_iterator<std::string>(words), {}};
  return loads.size() > 3 && leading_number<int>(loads[3]).value_or(1) > 1;
}

/// Those of the fastest kind of core.
std::vector<int> fastest_of(const std::filesystem::path& root, std::span<const int> allowed) {
  const auto slowness = [&root](int cpu) {
    const auto kind = hybrid_kind(root, cpu);
    return std::pair(kind ? std::ranges::find(kHybrid, *kind) - kHybrid.begin() : 0,
                     -capacity_of(root, cpu));
  };
  const auto least = slowness(*std::ranges::min_element(allowed, {}, slowness));
  std::vector<int> fastest;
  std::ranges::copy_if(allowed, std::back_inserter(fastest),
                       [&](int cpu) { return slowness(cpu) == least; });
  return fastest;
}

/// Those of `cpus`, or none where nothing can be pinned.
std::vector<int> if_pinnable(std::vector<int> cpus) {
  return why_not_pinned(cpus.front()).empty() ? std::move(cpus) : std::vector<int>();
}

}  // namespace

std::optional<std::vector<int>> parse_cpu_list(std::string_view text) {
  std::vector<int> cpus;
  for (const std::string& range : split(text, ',')) {
    const std::size_t dash = range.find('-');
    const std::optional<int> first = parse_cpu(std::string_view(range).substr(0, dash));
    const std::optional<int> last =
        dash == std::string::npos ? first : parse_cpu(std::string_view(range).substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    for (int cpu = *first; cpu <= *last; ++cpu) cpus.push_back(cpu);
  }
  std::ranges::sort(cpus);
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

std::vector<int> allowed_cpus(pid_t process) {
  if (is_killed("sched_getaffinity")) return allowed_of_status(process);
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(process, sizeof set, &set) != 0) throw_errno("sched_getaffinity");
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &set)) cpus.push_back(cpu);
  }
  return cpus;
}

int pin_this_thread(int cpu) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

std::optional<std::string> core_type(const std::filesystem::path& root, int cpu) {
  if (auto kind = hybrid_kind(root, cpu)) return kind;
  const auto online = read_trimmed(root / "sys/devices/system/cpu/online");
  const std::int64_t capacity = capacity_of(root, cpu);
  const auto all = online ? parse_cpu_list(*online) : std::nullopt;
  const bool alike = !all || std::ranges::all_of(*all, [&](int other) {
    return capacity_of(root, other) == capacity;
  });
  return alike ? std::nullopt : std::optional(fmt::format("capacity {}", capacity));
}

void require_alike(const std::filesystem::path& root, std::span<const int> cpus) {
  for (const int cpu : cpus) {
    const auto kind = core_type(root, cpu);
    const auto first = core_type(root, cpus.front());
    if (kind != first) {
      throw UsageError(fmt::format(
          "--cpus: processor {} is of another kind ({}) than {} ({}): rounds on both would not "
          "belong together; name processors of one kind, and compare two runs",
          cpu, kind.value_or("unknown"), cpus.front(), first.value_or("unknown")));
    }
  }
}

int least_busy(std::span<const int> cpus, const BusyTicks& before, const BusyTicks& after) {
  constexpr std::int64_t kNextToNothing = 2;  // of the ten ticks of a tenth of a second
  const auto ticks = [](const BusyTicks& of, int cpu) {
    const auto found = of.find(cpu);
    return found == of.end() ? 0 : found->second;
  };
  const auto busy = [&](int cpu) {
    return std::max<std::int64_t>(0, ticks(after, cpu) - ticks(before, cpu) - kNextToNothing);
  };
  return *std::ranges::min_element(cpus.rbegin(), cpus.rend(), {}, busy);
}

int choose_processor(const std::filesystem::path& root, std::span<const int> allowed) {
  const std::vector<int> fastest = fastest_of(root, allowed);
  if (fastest.size() == 1 || !others_are_runnable(root)) return fastest.back();
  constexpr std::chrono::milliseconds kLook{100};
  const BusyTicks before = busy_ticks(root);
  std::this_thread::sleep_for(kLook);
  return least_busy(fastest, before, busy_ticks(root));
}

int cpu_of_round(std::span<const int> cpus, std::size_t round) {
  return cpus.empty() ? -1 : cpus[round % cpus.size()];
}

std::vector<int> choose_cpus(std::optional<std::string_view> list) {
  const std::vector<int> allowed = allowed_cpus();
  if (!list) return if_pinnable({choose_processor("/", allowed)});
  const std::optional<std::vector<int>> cpus = parse_cpu_list(*list);
  if (!cpus) {
    throw UsageError(
        fmt::format("--cpus '{}' is not a list of processors: write for example --cpus=1 or "
                    "--cpus=2,4-6",
                    *list));
  }
  for (const int cpu : *cpus) {
    if (std::ranges::find(allowed, cpu) == allowed.end()) {
      throw UsageError(fmt::format("--cpus: this process may not use processor {}; it may use {}",
                                   cpu, fmt::join(allowed, ",")));
    }
  }
  require_alike("/", *cpus);
  return if_pinnable(*cpus);
}

}  // namespace patchbench::harness
