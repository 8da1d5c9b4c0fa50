// workloads/trace/trace_format.hpp - recorded streams of sends, and their reader.
//
// A trace is lines of text, read in one pass (docs/trace-format.md):
//
//   patchbench-trace 1
//   program json.dumps of 200 records, CPython 3.11.2
//   class int                      the next class: 0, then 1, ...
//   immediate Integer              the next class too: its instances are no objects
//   selector isDigit               the next selector
//   site 0 Parser>>peek:12         the next site, and its selector's number
//   0:0 0 1:3 0:1                  sends: SITE:CLASS, or SITE for the class that came there last
//   end 4                          how many sends there were
//
// What is damaged is refused with the name of the trace, the line, and what to do.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace patchbench::trace {

/// "FILE:LINE: what is wrong; what to do", or "FILE: ..." where no line is to blame.
class TraceError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

inline constexpr unsigned kFormatVersion = 1;
inline constexpr std::size_t kLongestLine = 4096;
inline constexpr std::size_t kMostSites = std::size_t{1} << 20U;
inline constexpr std::size_t kMostClasses = std::size_t{1} << 16U;
inline constexpr std::size_t kMostSelectors = std::size_t{1} << 16U;
/// In memory each takes four bytes.
inline constexpr std::uint64_t kMostSends = std::uint64_t{1} << 27U;

/// The lines of a file or of a text, each at most kLongestLine bytes long.
class TraceLines {
 public:
  /// Of a text that outlives it.
  TraceLines(std::string name, std::string_view text);
  /// Of an open file, which stays the caller's.
  TraceLines(std::string name, std::FILE* file);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Of the line that next() gave last, from 1.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  /// Without its end; empty behind the last one. Valid until the next call. Throws TraceError where
  /// a line is too long or the file cannot be read.
  [[nodiscard]] std::optional<std::string_view> next();
  [[noreturn]] void fail(const std::string& what) const;

 private:
  /// More of the file behind what is left; false at its end.
  bool refill();

  std::string name_;
  std::FILE* file_ = nullptr;
  std::unique_ptr<std::array<char, 16 * kLongestLine>> buffer_;
  std::string_view left_;
  std::uint64_t number_ = 0;
};

struct TraceSite {
  std::uint32_t selector = 0;
  std::string name;
};

struct TraceSend {
  std::uint32_t site = 0;
  std::uint32_t class_index = 0;
};

/// What a trace declares before it is used.
struct TraceNames {
  std::string program;
  std::vector<std::string> classes;
  std::optional<std::uint32_t> immediate;  // the class whose instances are no objects
  std::vector<std::string> selectors;
  std::vector<TraceSite> sites;
};

/// One pass over a trace; holds its declarations and none of its sends.
class TraceReader {
 public:
  /// Reads the first line. Throws TraceError, as next() does.
  explicit TraceReader(TraceLines& lines);

  /// The next send; empty behind the last one, and then the trace was whole.
  [[nodiscard]] std::optional<TraceSend> next();
  [[nodiscard]] const TraceNames& names() const noexcept { return names_; }
  [[nodiscard]] std::uint64_t sends() const noexcept { return sends_; }
  /// The names, when all sends are read.
  [[nodiscard]] TraceNames take_names() noexcept { return std::move(names_); }

 private:
  void read_first_line();
  /// Of a line that is no line of sends; true at the end of the trace.
  bool read_declaration(std::string_view line);
  void declare_class(std::string_view name, bool immediate);
  void declare_selector(std::string_view name);
  void declare_site(std::string_view text);
  void read_end(std::string_view text);
  [[nodiscard]] TraceSend read_send(std::string_view token);
  [[nodiscard]] std::uint32_t declared(std::string_view text, std::size_t count, const char* what,
                                       const char* plural) const;
  [[nodiscard]] std::string checked_name(std::string_view name, std::size_t count, std::size_t most,
                                         const char* what) const;

  TraceLines& lines_;
  TraceNames names_;
  std::string_view line_;                  // what is left of a line of sends
  std::vector<std::uint32_t> last_class_;  // of each site; kNoClassYet
  std::uint64_t sends_ = 0;
  bool ended_ = false;
};

/// A trace in memory: four bytes a send. `sends` are indices into `calls`, which has each pair of a
/// site and a class once, in the order in which they first came.
struct Trace {
  std::string name;  // of the file, or of the shipped trace
  TraceNames names;
  std::vector<TraceSend> calls;
  std::vector<std::uint32_t> sends;
};

/// Of its first `most` sends, behind which nothing is read. Throws TraceError.
[[nodiscard]] Trace read_trace(TraceLines lines, std::uint64_t most = kMostSends);
/// Reads all of it and keeps nothing. Throws TraceError.
void check_trace(TraceLines lines);

/// What `use` answers of the lines of a file; "-" is the standard input. Throws TraceError where it
/// cannot be opened; also, unless `pipes_too`, where it is no regular file and so cannot be read
/// twice.
void with_lines_of_file(const std::string& path, bool pipes_too,
                        const std::function<void(TraceLines)>& use);

}  // namespace patchbench::trace
