#include "harness/base/progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

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
    : stream_(stream),
      quiet_(quiet),
      terminal_(isatty(fileno(stream)) != 0),
      work_(work),
      later_s_(later_s),
      start_ns_(now_ns()) {}

Progress::~Progress() {
  if (!quiet_ && terminal_) {
    std::fputs("\r\033[K", stream_);
    std::fflush(stream_);
  }
}

void Progress::next(const Work& work) {
  share_before_ = whole_share(work_.all);
  work_ = work;
  later_s_ = std::max(0.0, later_s_ - work.expected_s);
  start_ns_ = now_ns();
}

void Progress::show(double done, std::string_view stage, std::string_view cell) {
  if (quiet_) return;
  if (terminal_) {
    rewrite(done, stage, cell);
  } else if (const double steps = whole_share(done) * kPlainLines; steps >= next_step_) {
    next_step_ = static_cast<int>(steps) + 1;
    add_line(done, stage);
  }
}

double Progress::share(double done) const {
  return work_.all > 0 ? std::min(1.0, done / work_.all) : 1;
}

double Progress::whole_share(double done) const {
  const double expected_s = work_.expected_s + later_s_;
  const double part = expected_s > 0 ? work_.expected_s / expected_s : 1;
  return share_before_ + (1 - share_before_) * part * share(done);
}

double Progress::remaining_s(double done) const {
  constexpr double kEnough = 0.02;
  const double elapsed_s = static_cast<double>(now_ns() - start_ns_) * 1e-9;
  const double left = 1 - share(done);
  return later_s_ +
         (share(done) < kEnough ? work_.expected_s * left : elapsed_s * left / share(done));
}

void Progress::rewrite(double done, std::string_view stage, std::string_view cell) {
  constexpr int kUsualWidth = 80;
  std::string line = fmt::format("{:3.0f} %  {}, {} left  {}", whole_share(done) * 100, stage,
                                 duration_text(remaining_s(done)), cell);
  const int width = terminal_width(stream_, kUsualWidth) - 1;  // the last column would wrap
  line.resize(std::min(line.size(), static_cast<std::size_t>(std::max(1, width))));
  say(stream_, "\r{}\033[K", line);
  std::fflush(stream_);
}

void Progress::add_line(double done, std::string_view stage) {
  say(stream_, "{:3.0f} %  {}, {} left\n", whole_share(done) * 100, stage,
      duration_text(remaining_s(done)));
  std::fflush(stream_);
}

}  // namespace patchbench::harness
