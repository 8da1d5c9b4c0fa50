#include "harness/machine/proc.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "harness/base/text_parts.hpp"

namespace patchbench::harness {
std::optional<std::string> read_trimmed(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (stream.bad()) return std::nullopt;
  return std::string(trimmed(text));
}

std::optional<std::int64_t> read_integer(const std::filesystem::path& file) {
  return leading_number<std::int64_t>(read_trimmed(file).value_or(""));
}

std::optional<std::int64_t> read_steal_ticks(const std::filesystem::path& root, int cpu) {
  constexpr int kStealField = 8;  // cpuN user nice system idle iowait irq softirq steal
  const std::string wanted = cpu < 0 ? "cpu" : "cpu" + std::to_string(cpu);
  std::ifstream stream(root / "proc/stat");
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word) || word != wanted) continue;
    for (int field = 0; field < kStealField && words >> word; ++field) {
    }
    return words ? leading_number<std::int64_t>(word) : std::nullopt;
  }
  return std::nullopt;
}

ScheduleFile::ScheduleFile(const std::filesystem::path& root)
    : fd_(open((root / "proc/thread-self/schedstat").c_str(), O_RDONLY | O_CLOEXEC)) {}

std::optional<Schedule> ScheduleFile::read() const {
  std::array<char, 128> buffer{};
  const ssize_t got = fd_ ? pread(fd_.get(), buffer.data(), buffer.size(), 0) : -1;
  if (got <= 0) return std::nullopt;
  std::string_view text(buffer.data(), static_cast<std::size_t>(got));
  const auto executed = take_number<std::int64_t>(text);
  text.remove_prefix(std::min<std::size_t>(1, text.size()));
  const auto waited = take_number<std::int64_t>(text);
  if (!executed || !waited) return std::nullopt;
  return Schedule{.executed_ns = *executed, .waited_ns = *waited};
}

std::optional<std::int64_t> read_peak_rss_kib(const std::filesystem::path& root) {
  constexpr std::string_view kKey = "VmHWM:";
  std::ifstream stream(root / "proc/self/status");
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(kKey)) {
      return leading_number<std::int64_t>(trimmed(std::string_view(line).substr(kKey.size())));
    }
  }
  return std::nullopt;
}

}  // namespace patchbench::harness
