// harness/counters/event_group.hpp - events that count together or not at all.
//
// They count from when they are opened until they are closed, and what happened between two
// readings is the difference of these: nothing is started and stopped, so that a reading is all
// that a measured stretch of code has around it. Readings go by the processor's own instruction
// (user_read.hpp) where the kernel allows that for every event of the group, else by one read(2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "harness/counters/event.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {

/// Since the group was opened. Less running than enabled: the kernel shared the counters with
/// others, and the counts are of a part of the time.
struct GroupTimes {
  std::uint64_t enabled_ns = 0;
  std::uint64_t running_ns = 0;
};

enum class ReadPath { fastest, system_call };

class EventGroup {
 public:
  /// Opens `events`, at least one, for the thread that calls. Throws std::system_error naming the
  /// call; EINVAL also where no processor has counters for all of them at once.
  explicit EventGroup(std::span<const Event> events, ReadPath path = ReadPath::fastest);

  /// One count for each event, in their order. Throws std::system_error naming the call.
  void read(std::span<std::uint64_t> counts) const;
  [[nodiscard]] GroupTimes times() const;
  [[nodiscard]] std::size_t size() const { return fds_.size(); }
  /// "rdpmc", "mrs" or "read"
  [[nodiscard]] std::string_view path() const;

 private:
  void map_pages();
  /// Takes the kernel's answer to a reading of the n-th event: how many, times, counts.
  void ask_kernel(std::size_t event) const;

  bool apart_;
  std::vector<Fd> fds_;
  std::vector<Mapping> pages_;                 // one an event, or none where user code may not read
  mutable std::vector<std::uint64_t> answer_;  // here, because allocating one would be counted
};

}  // namespace patchbench::harness
