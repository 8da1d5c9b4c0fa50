// harness/machine/cpu_list.hpp - lists of processors, as the kernel and taskset write them:
// "0,2-3"; which of them a process may use, and pinning to one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace patchbench::harness {

/// Ascending, each once. Empty for anything that is not such a list.
[[nodiscard]] std::optional<std::vector<int>> parse_cpu_list(std::string_view text);

/// Those that `process` (0: this one) may run on, ascending. From /proc where a seccomp filter
/// kills sched_getaffinity. Throws std::system_error.
[[nodiscard]] std::vector<int> allowed_cpus(pid_t process = 0);

/// From here on the thread that calls runs on that processor alone. 0, or the errno of
/// sched_setaffinity(2).
[[nodiscard]] int pin_this_thread(int cpu) noexcept;

/// The kind of core that a processor is, where this machine has several: "cpu_core" and "cpu_atom"
/// as the kernel calls those of hybrid x86 processors, "capacity 1024" elsewhere. Empty where all
/// are alike. `root` is "/" but in tests.
[[nodiscard]] std::optional<std::string> core_type(const std::filesystem::path& root, int cpu);

/// Throws UsageError, as of --cpus, where they are of several kinds.
void require_alike(const std::filesystem::path& root, std::span<const int> cpus);

/// Ticks for which each processor has executed something, since boot (proc(5)).
using BusyTicks = std::map<int, std::int64_t>;

/// Of `cpus`, the last of those that have executed next to nothing between the two readings, a
/// tenth of a second apart; where there is none, the one that has executed least.
[[nodiscard]] int least_busy(std::span<const int> cpus, const BusyTicks& before,
                             const BusyTicks& after);

/// Of `allowed`, which must not be empty, the one to measure on: of the fastest kind of core, one
/// on which nothing else runs, of those the last, because interrupts go to the first ones by
/// default. Takes a tenth of a second where something else is runnable on this machine.
[[nodiscard]] int choose_processor(const std::filesystem::path& root, std::span<const int> allowed);

/// --cpus: throws UsageError for what is not a list, for a processor that this process may not use,
/// and for processors of several kinds. Without a list as choose_processor(). Empty where nothing
/// can be pinned: a sandbox refuses sched_setaffinity (sandbox.hpp), or kills for it.
[[nodiscard]] std::vector<int> choose_cpus(std::optional<std::string_view> list);

/// The one whose turn it is in a round; -1, not pinned, where there is none.
[[nodiscard]] int cpu_of_round(std::span<const int> cpus, std::size_t round);

}  // namespace patchbench::harness
