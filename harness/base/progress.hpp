// harness/base/progress.hpp - how far a run is, for the person who waits for it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

namespace patchbench::harness {

/// "0:42", "12:05", "1:02:03"
[[nodiscard]] std::string duration_text(double seconds);

/// How much there is to do.
struct Work {
  double all = 0;         // children or seconds: what show() counts in
  double expected_s = 0;  // the plan's estimate, which counts for less the more has been done
};

/// Nanoseconds; a test has its own.
using Clock = std::function<std::int64_t()>;

/// One for a whole run, whose parts (timing, then counting) it puts together by how long each is
/// expected to take: its share never goes back. One line that is rewritten where `stream` is a
/// terminal, a plain line every twentieth of the run otherwise.
class Progress {
 public:
  /// `later_s`: what is expected to come behind this part.
  Progress(std::FILE* stream, bool quiet, const Work& work, double later_s = 0);
  Progress(std::FILE* stream, bool quiet, const Work& work, double later_s, Clock clock);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Wipes the line.
  ~Progress();

  /// The part before is done.
  void next(const Work& work);
  /// What is now known of how much this part is.
  void expect(double all) { work_.all = all; }
  /// So much of this part needed no time: an earlier process did it.
  void skip(double work) { skipped_ += work; }

  /// Before a child starts: so much of the part's work is done, at `stage` ("round 3/10").
  void show(double done, std::string_view stage, std::string_view cell);

 private:
  /// Of this part.
  [[nodiscard]] double share(double done) const;
  [[nodiscard]] double whole_share(double done) const;
  [[nodiscard]] double remaining_s(double done) const;
  void rewrite(double share, double left_s, std::string_view stage, std::string_view cell);
  void add_line(double share, double left_s, std::string_view stage);

  std::FILE* stream_;
  bool quiet_;
  bool terminal_;
  Work work_;
  double later_s_;
  Clock clock_;
  double prior_s_;           // expected for one unit of this part's work
  double planned_;           // this part's work as it was planned
  double skipped_ = 0;       // of this part
  double share_before_ = 0;  // of the whole, when this part began
  double shown_ = 0;         // the largest share until now
  std::int64_t start_ns_;    // of this part
  int next_step_ = 1;        // in twentieths
};

/// Columns of the terminal behind `stream`, or `otherwise`.
[[nodiscard]] int terminal_width(std::FILE* stream, int otherwise);

}  // namespace patchbench::harness
