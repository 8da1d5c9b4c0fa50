// harness/machine/cpu_list.hpp - lists of processors, as the kernel and taskset write them:
// "0,2-3"; which of them a process may use, and pinning to one.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace patchbench::harness {

/// Ascending, each once. Empty for anything that is not such a list.
[[nodiscard]] std::optional<std::vector<int>> parse_cpu_list(std::string_view text);

/// Those that `process` (0: this one) may run on, ascending. Throws std::system_error.
[[nodiscard]] std::vector<int> allowed_cpus(pid_t process = 0);

/// From here on the thread that calls runs on that processor alone. 0, or the errno of
/// sched_setaffinity(2).
[[nodiscard]] int pin_this_thread(int cpu) noexcept;

/// --cpus: throws UsageError for what is not a list and for a processor that this process may not
/// use. Without a list the last allowed processor, because interrupts go to the first ones by
/// default.
[[nodiscard]] std::vector<int> choose_cpus(std::optional<std::string_view> list);

}  // namespace patchbench::harness
