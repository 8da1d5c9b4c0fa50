// harness/run/in_flight.hpp - which case a run is at, for who resumes it after it was killed.
//
// A run that ends by itself leaves no such record. One that is killed does; whether memory ran out
// meanwhile is in the kernel's own count of processes that it killed for it. Then the case is the
// cause, and would kill every run that goes on with it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "results/model.hpp"
#include "strategies/mapping.hpp"

namespace patchbench::harness {

/// How many processes the kernel has killed since it started because memory ran out
/// (/proc/vmstat). Empty where it does not say.
[[nodiscard]] std::optional<std::int64_t> oom_kills(const std::filesystem::path& root = "/");

class InFlight {
 public:
  /// The record is a file in `directory`; where it cannot be written there is none.
  explicit InFlight(const std::filesystem::path& directory);
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
  /// Removes the record.
  ~InFlight();

  /// Before the children of a group are started.
  void begin_group();
  /// Before one of them is started or given a turn. One system call, of a microsecond.
  void at(int round, const std::string& cell) const;

 private:
  std::filesystem::path file_;
  Fd fd_;
  std::int64_t oom_kills_ = 0;
};

/// The entry of the case that the run in `directory` was at when it was killed because memory ran
/// out; empty where it was not.
[[nodiscard]] std::optional<results::JournalEntry> killed_in_flight(
    const std::filesystem::path& directory, const std::filesystem::path& root = "/");

}  // namespace patchbench::harness
