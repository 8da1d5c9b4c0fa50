// harness/machine/proc.hpp - small things read from /proc and /sys.
//
// `root` is "/" except in tests, which bring their own tree. What cannot be read is an empty
// optional.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace patchbench::harness {

/// The whole file without white space at its end. Files with NULs between words (device tree,
/// environ) keep them.
[[nodiscard]] std::optional<std::string> read_trimmed(const std::filesystem::path& file);

[[nodiscard]] std::optional<std::int64_t> read_integer(const std::filesystem::path& file);

/// Ticks that the hypervisor gave to others while `cpu` wanted to run, since boot (proc(5),
/// "steal"). For cpu < 0 those of all processors.
[[nodiscard]] std::optional<std::int64_t> read_steal_ticks(const std::filesystem::path& root,
                                                           int cpu);

/// This process' largest resident size. From VmHWM and not getrusage, whose maximum a child
/// inherits from the parent that it was spawned by.
[[nodiscard]] std::optional<std::int64_t> read_peak_rss_kib(const std::filesystem::path& root);

}  // namespace patchbench::harness
