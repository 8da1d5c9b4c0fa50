#include "harness/progress.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/clock.hpp"
#include "harness/terminal.hpp"

namespace patchbench::harness {
namespace {

constexpr std::size_t kPlainLines = 20;

int percent(std::size_t done, std::size_t all) {
  return static_cast<int>(done * 100 / std::max<std::size_t>(1, all));
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
  const std::int64_t hours = whole / 3600;
  const std::int64_t minutes = whole / 60 % 60;
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60)
                   : fmt::format("{}:{:02}", minutes, whole % 60);
}

int terminal_width(std::FILE* stream, int otherwise) {
  winsize size{};
  const int fd = fileno(stream);
  if (isatty(fd) == 0 || ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return otherwise;
  }
  return size.ws_col;
}

Progress::Progress(std::FILE* stream, bool quiet, std::size_t children, int rounds,
                   double expected_s)
    : stream_(stream),
      quiet_(quiet),
      terminal_(isatty(fileno(stream)) != 0),
      children_(children),
      rounds_(rounds),
      expected_s_(expected_s),
      start_ns_(now_ns()) {}

Progress::~Progress() {
  if (!quiet_ && terminal_) {
    std::fputs("\r\033[K", stream_);
    std::fflush(stream_);
  }
}

void Progress::show(std::size_t done, int round, std::string_view cell) {
  if (quiet_) {
    return;
  }
  if (terminal_) {
    rewrite(done, round, cell);
  } else if (done * kPlainLines >= next_step_ * children_) {
    next_step_ = (done * kPlainLines / std::max<std::size_t>(1, children_)) + 1;
    add_line(done, round);
  }
}

double Progress::remaining_s(std::size_t done) const {
  const double elapsed_s = static_cast<double>(now_ns() - start_ns_) * 1e-9;
  const double share = static_cast<double>(done) / static_cast<double>(children_);
  constexpr double kEnough = 0.02;
  return share < kEnough ? expected_s_ * (1 - share) : elapsed_s * (1 - share) / share;
}

std::string Progress::stage(int round) const {
  return rounds_ > 0 ? fmt::format("round {}/{}", round + 1, rounds_) : "counting";
}

void Progress::rewrite(std::size_t done, int round, std::string_view cell) {
  constexpr int kUsualWidth = 80;
  std::string line =
      fmt::format("{:3} %  {}  {}/{}  {} left  {}", percent(done, children_), stage(round), done,
                  children_, duration_text(remaining_s(done)), cell);
  const int width = terminal_width(stream_, kUsualWidth) - 1;  // the last column would wrap
  line.resize(std::min(line.size(), static_cast<std::size_t>(std::max(1, width))));
  say(stream_, "\r{}\033[K", line);
  std::fflush(stream_);
}

void Progress::add_line(std::size_t done, int round) {
  say(stream_, "{:3} %  {}, {} left\n", percent(done, children_), stage(round),
      duration_text(remaining_s(done)));
  std::fflush(stream_);
}

}  // namespace patchbench::harness
