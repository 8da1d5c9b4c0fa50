#include "harness/base/progress.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include <patchbench_catch.hpp>

namespace patchbench::harness {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// "45 %  round, 0:42 left"
struct Line {
  int share = 0;
  int left_s = 0;
};

std::vector<Line> lines_in(std::FILE* file) {
  std::rewind(file);
  std::vector<Line> lines;
  std::array<char, 200> text{};
  while (std::fgets(text.data(), text.size(), file) != nullptr) {
    int share = 0;
    int minutes = 0;
    int seconds = 0;
    if (std::sscanf(text.data(), "%d %% %*[^,], %d:%d left", &share, &minutes, &seconds) == 3) {
      lines.push_back({share, 60 * minutes + seconds});
    }
  }
  return lines;
}

/// A run in made-up time: a number of units that each take a stated time.
class FakeRun {
 public:
  FakeRun(const Work& work, double later_s)
      : file_(std::tmpfile()),
        progress_(file_.get(), false, work, later_s, [this] { return ns_; }) {
    REQUIRE(file_);
  }
  Progress& progress() { return progress_; }
  void work(int units, double seconds_each, int done_before = 0) {
    for (int done = done_before; done < units; ++done) {
      progress_.show(done, "round", "case");
      const auto lines = lines_in(file_.get());
      if (lines.size() > at_s_.size()) at_s_.push_back(now_s());
      ns_ += static_cast<std::int64_t>(seconds_each * 1e9);
    }
  }
  /// How far the farthest estimate from the share `from` on was off, as a share of what was left.
  [[nodiscard]] double farthest_off(int from) {
    const auto lines = lines_in(file_.get());
    double off = 0;
    for (std::size_t i = 0; i < lines.size() && i < at_s_.size(); ++i) {
      const double left_s = now_s() - at_s_[i];
      if (lines[i].share < from || left_s < 5) continue;  // seconds are whole
      off = std::max(off, std::abs(lines[i].left_s - left_s) / left_s);
    }
    return off;
  }
  [[nodiscard]] std::vector<Line> lines() { return lines_in(file_.get()); }

 private:
  [[nodiscard]] double now_s() const { return static_cast<double>(ns_) * 1e-9; }

  std::int64_t ns_ = 0;
  std::unique_ptr<std::FILE, Close> file_;
  Progress progress_;
  std::vector<double> at_s_;  // when each line was written
};

std::vector<int> shares(const std::vector<Line>& lines) {
  std::vector<int> all;
  for (const Line& line : lines) all.push_back(line.share);
  return all;
}

}  // namespace

TEST_CASE("a run's parts are one progress, which never goes back") {
  FakeRun run({.all = 100, .expected_s = 60}, 30);
  run.work(100, 0.6);
  const int timed = run.lines().back().share;
  CHECK(timed > 50);
  CHECK(timed <= 67);  // 60 of 90 s
  run.progress().next({.all = 40, .expected_s = 30});
  run.work(40, 0.75);
  run.progress().show(40, "counting", "case");
  const std::vector<int> all = shares(run.lines());
  CHECK(std::ranges::is_sorted(all));
  CHECK(all.back() == 100);
  CHECK(run.farthest_off(0) < 0.05);
}

TEST_CASE("an estimate that was wrong is right before a third of the run is over") {
  const double slower = GENERATE(0.5, 0.8, 1.25, 2.0);
  CAPTURE(slower);
  FakeRun run({.all = 200, .expected_s = 100}, 0);
  run.work(200, 0.5 * slower);
  CHECK(run.farthest_off(33) < 0.25);
  CHECK(run.farthest_off(50) < 0.15);
  CHECK(std::ranges::is_sorted(shares(run.lines())));
}

TEST_CASE("a first unit that is not like the others does not decide the estimate") {
  FakeRun run({.all = 100, .expected_s = 100}, 0);
  run.work(1, 6);
  for (int done = 1; done < 10; ++done) run.progress().show(done, "round", "case");
  CHECK(run.lines().front().left_s < 180);
  CHECK(run.lines().front().left_s > 60);
}

TEST_CASE("what turns out to be less is expected from then on") {
  FakeRun run({.all = 100, .expected_s = 100}, 20);
  run.work(30, 1);
  run.progress().expect(60);
  run.progress().show(30, "round", "case");
  run.progress().show(30.1, "round", "case");
  CHECK(run.lines().back().left_s >= 49);
  CHECK(run.lines().back().left_s <= 51);
  CHECK(std::ranges::is_sorted(shares(run.lines())));
}

TEST_CASE("what an earlier process did says nothing of how fast this one is") {
  FakeRun run({.all = 100, .expected_s = 100}, 0);
  run.progress().skip(50);
  run.work(100, 1, 50);
  CHECK(run.farthest_off(0) < 0.05);
}

}  // namespace patchbench::harness
