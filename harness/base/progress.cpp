#include "harness/base/progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/base/clock.hpp"
#include "harness/base/terminal.hpp"

namespace patchbench::harness {
namespace {

constexpr int kPlainLines = 20;

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
  if (isatty(fd) == 0 || ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return otherwise;
  return size.ws_col;
}

Progress::Progress(std::FILE* stream, bool quiet, const Work& work, double later_s)
    : Progress(stream, quiet, work, later_s, &now_ns) {}

Progress::Progress(std::FILE* stream, bool quiet, const Work& work, double later_s, Clock clock)
    : stream_(stream),
      quiet_(quiet),
      terminal_(isatty(fileno(stream)) != 0),
      work_(work),
      later_s_(later_s),
      clock_(std::move(clock)),
      prior_s_(work.all > 0 ? work.expected_s / work.all : 0),
      planned_(work.all),
      start_ns_(clock_()) {}

Progress::~Progress() {
  if (!quiet_ && terminal_) {
    std::fputs("\r\033[K", stream_);
    std::fflush(stream_);
  }
}

void Progress::next(const Work& work) {
  share_before_ = shown_;
  work_ = work;
  later_s_ = std::max(0.0, later_s_ - work.expected_s);
  prior_s_ = work.all > 0 ? work.expected_s / work.all : 0;
  planned_ = work.all;
  skipped_ = 0;
  start_ns_ = clock_();
}

void Progress::show(double done, std::string_view stage, std::string_view cell) {
  if (quiet_) return;
  shown_ = std::max(shown_, whole_share(done));
  if (terminal_) {
    rewrite(shown_, remaining_s(done), stage, cell);
  } else if (const double steps = shown_ * kPlainLines; steps >= next_step_) {
    next_step_ = static_cast<int>(steps) + 1;
    add_line(shown_, remaining_s(done), stage);
  }
}

double Progress::share(double done) const {
  return work_.all > 0 ? std::min(1.0, done / work_.all) : 1;
}

/// By time, so that a share and what is left say the same.
double Progress::whole_share(double done) const {
  const double left_s = remaining_s(done);
  const double part_s = left_s + static_cast<double>(clock_() - start_ns_) * 1e-9;
  const double part = part_s > 0 ? 1 - left_s / part_s : share(done);
  return share_before_ + (1 - share_before_) * std::clamp(part, 0.0, 1.0);
}

/// What a unit takes is expected as planned, as if a twentieth of the part had been seen to take
/// that.
double Progress::remaining_s(double done) const {
  constexpr double kWeight = 0.05;
  const double elapsed_s = static_cast<double>(clock_() - start_ns_) * 1e-9;
  const double planned = kWeight * planned_;
  const double seen = std::max(0.0, done - skipped_);
  const double unit_s =
      planned + seen > 0 ? (planned * prior_s_ + elapsed_s) / (planned + seen) : 0;
  return later_s_ + std::max(0.0, work_.all - done) * unit_s;
}

void Progress::rewrite(double share, double left_s, std::string_view stage, std::string_view cell) {
  constexpr int kUsualWidth = 80;
  std::string line =
      fmt::format("{:3.0f} %  {}, {} left  {}", share * 100, stage, duration_text(left_s), cell);
  const int width = terminal_width(stream_, kUsualWidth) - 1;  // the last column would wrap
  line.resize(std::min(line.size(), static_cast<std::size_t>(std::max(1, width))));
  say(stream_, "\r{}\033[K", line);
  std::fflush(stream_);
}

void Progress::add_line(double share, double left_s, std::string_view stage) {
  say(stream_, "{:3.0f} %  {}, {} left\n", share * 100, stage, duration_text(left_s));
  std::fflush(stream_);
}

}  // namespace patchbench::harness
