// harness/machine/proc.hpp - small things read from /proc and /sys.
//
// `root` is "/" except in tests, which bring their own tree. What cannot be read is an empty
// optional.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "strategies/mapping.hpp"

namespace patchbench::harness {

/// The whole file without white space at its end. Files with NULs between words (device tree,
/// environ) keep them.
[[nodiscard]] std::optional<std::string> read_trimmed(const std::filesystem::path& file);

[[nodiscard]] std::optional<std::int64_t> read_integer(const std::filesystem::path& file);

/// Ticks that the hypervisor gave to others while `cpu` wanted to run, since boot (proc(5),
/// "steal"). For cpu < 0 those of all processors.
[[nodiscard]] std::optional<std::int64_t> read_steal_ticks(const std::filesystem::path& root,
                                                           int cpu);

/// Of the thread that calls, since it began (/proc/thread-self/schedstat): time for which it had a
/// processor, and time for which it could have executed and had none, because something else ran
/// there or its control group's quota was used up. Empty where the kernel keeps no such account.
struct Schedule {
  std::int64_t executed_ns = 0;
  std::int64_t waited_ns = 0;
};
class ScheduleFile {
 public:
  explicit ScheduleFile(const std::filesystem::path& root);
  /// One system call, of a microsecond.
  [[nodiscard]] std::optional<Schedule> read() const;

 private:
  Fd fd_;
};

/// This process' largest resident size. From VmHWM and not getrusage, whose maximum a child
/// inherits from the parent that it was spawned by.
[[nodiscard]] std::optional<std::int64_t> read_peak_rss_kib(const std::filesystem::path& root);

}  // namespace patchbench::harness
