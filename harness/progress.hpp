// harness/progress.hpp - how far a run is, for the person who waits for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace patchbench::harness {

/// "0:42", "12:05", "1:02:03"
[[nodiscard]] std::string duration_text(double seconds);

/// One line that is rewritten where `stream` is a terminal, a plain line every twentieth of the run
/// otherwise.
class Progress {
 public:
  /// `rounds` is 0 for what has no rounds: counting. `expected_s` is the plan's estimate, used
  /// until enough has been done to extrapolate from.
  Progress(std::FILE* stream, bool quiet, std::size_t children, int rounds, double expected_s);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Wipes the line.
  ~Progress();

  /// Before a child starts: `done` are finished.
  void show(std::size_t done, int round, std::string_view cell);

 private:
  [[nodiscard]] double remaining_s(std::size_t done) const;
  [[nodiscard]] std::string stage(int round) const;
  void rewrite(std::size_t done, int round, std::string_view cell);
  void add_line(std::size_t done, int round);

  std::FILE* stream_;
  bool quiet_;
  bool terminal_;
  std::size_t children_;
  int rounds_;
  double expected_s_;
  std::int64_t start_ns_;
  std::size_t next_step_ = 1;  // in twentieths
};

/// Columns of the terminal behind `stream`, or `otherwise`.
[[nodiscard]] int terminal_width(std::FILE* stream, int otherwise);

}  // namespace patchbench::harness
