#include "harness/run/in_flight.hpp"

#include <fstream>
#include <limits>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "harness/base/clock.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "in-flight.txt";

}  // namespace

std::optional<std::int64_t> oom_kills(const fs::path& root) {
  std::ifstream stat(root / "proc/vmstat");
  std::string key;
  for (std::int64_t value = 0; stat >> key >> value;) {
    if (key == "oom_kill") return value;
  }
  return std::nullopt;
}

InFlight::InFlight(const fs::path& directory)
    : file_(directory / kName),
      fd_(open(file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {}

InFlight::~InFlight() {
  std::error_code ignored;
  fs::remove(file_, ignored);
}

void InFlight::begin_group() {
  oom_kills_ = oom_kills().value_or(std::numeric_limits<std::int64_t>::max());
}

void InFlight::at(int round, const std::string& cell) const {
  constexpr std::size_t kLongest = 512;  // every record covers the one before
  const std::string record =
      fmt::format("{:<{}}\n", fmt::format("{} {} {}", oom_kills_, round, cell), kLongest - 1);
  [[maybe_unused]] const ssize_t written = pwrite(fd_.get(), record.data(), record.size(), 0);
}

std::optional<results::JournalEntry> killed_in_flight(const fs::path& directory,
                                                      const fs::path& root) {
  std::ifstream record(directory / kName);
  std::int64_t kills_before = 0;
  results::JournalEntry entry;
  if (!(record >> kills_before >> entry.round >> entry.cell)) return std::nullopt;
  if (oom_kills(root).value_or(0) <= kills_before) return std::nullopt;
  entry.status = results::CellStatus::crashed;
  entry.killed_run = true;
  entry.started = utc_now();
  entry.reason = fmt::format(
      "memory ran out in round {}, and the kernel killed the run with this case: it is not begun "
      "again; take smaller parameters, or give the run more memory (dmesg says which limit)",
      entry.round + 1);
  return entry;
}

}  // namespace patchbench::harness
