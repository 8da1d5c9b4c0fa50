#include "harness/machine/cpu_list.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include "harness/base/text_parts.hpp"
#include "harness/base/usage_error.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {
namespace {

std::optional<int> parse_cpu(std::string_view text) {
  const auto cpu = to_number<int>(text);
  return cpu && *cpu >= 0 && *cpu < CPU_SETSIZE ? cpu : std::nullopt;
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

std::vector<int> choose_cpus(std::optional<std::string_view> list) {
  const std::vector<int> allowed = allowed_cpus();
  if (!list) return {allowed.back()};
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
  return *cpus;
}

}  // namespace patchbench::harness
