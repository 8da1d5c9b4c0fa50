// harness/base/progress.hpp - how far a run is, for the person who waits for it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace patchbench::harness {

/// "0:42", "12:05", "1:02:03"
[[nodiscard]] std::string duration_text(double seconds);

/// How much there is to do.
struct Work {
  double all = 0;         // children, metrics or seconds: what show() counts in
  double expected_s = 0;  // the plan's estimate, used until there is enough to extrapolate from
};

/// One line that is rewritten where `stream` is a terminal, a plain line every twentieth of the run
/// otherwise.
class Progress {
 public:
  Progress(std::FILE* stream, bool quiet, const Work& work);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Wipes the line.
  ~Progress();

  /// Before a child starts: so much of the work is done, at `stage` ("round 3/10").
  void show(double done, std::string_view stage, std::string_view cell);

 private:
  [[nodiscard]] double share(double done) const;
  [[nodiscard]] double remaining_s(double done) const;
  void rewrite(double done, std::string_view stage, std::string_view cell);
  void add_line(double done, std::string_view stage);

  std::FILE* stream_;
  bool quiet_;
  bool terminal_;
  Work work_;
  std::int64_t start_ns_;
  int next_step_ = 1;  // in twentieths
};

/// Columns of the terminal behind `stream`, or `otherwise`.
[[nodiscard]] int terminal_width(std::FILE* stream, int otherwise);

}  // namespace patchbench::harness
