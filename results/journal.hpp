// results/journal.hpp - samples.jsonl, the append-only record of a run: one line for each finished
// child of a round, and one, marked `counted` and never a round, for what a source counted in a
// cell.
//
// The journal is what an interrupted, killed or out-of-space run leaves behind, so a line is either
// complete or not there: each goes out in one write(2) on an O_APPEND descriptor, and what a failed
// write left is cut off again. Lines survive the death of the process at once, that of the machine
// after kSyncInterval at the latest. One process writes a journal at a time: it locks the file.
#pragma once

#include <chrono>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "results/file.hpp"
#include "results/json.hpp"
#include "results/model.hpp"

namespace patchbench::results {

/// One line, without its newline. Throws std::invalid_argument for a NaN or an infinity.
[[nodiscard]] std::string journal_line(const JournalEntry& entry);
/// `source` names the line in errors ("samples.jsonl:17"). Throws FormatError.
[[nodiscard]] JournalEntry parse_journal_line(std::string_view line, std::string_view source);

/// Syncing each line would keep the disk busy beside every child that is being timed.
inline constexpr std::chrono::seconds kSyncInterval{5};

/// An open journal.
class JournalWriter {
 public:
  /// Opens `file`, creating it where there is none. A last line without a newline is the trace of a
  /// writer that died in the middle of it, and is cut off. Throws std::system_error naming the
  /// file; EWOULDBLOCK while another process writes it.
  explicit JournalWriter(const std::filesystem::path& file);

  /// Throws std::system_error naming the file (ENOSPC when the disk is full); the journal then
  /// holds exactly the lines that it held before.
  void append(const JournalEntry& entry) { append(std::span(&entry, 1)); }
  /// Together: where the process is killed meanwhile, some may be missing at the end.
  void append(std::span<const JournalEntry> entries);

  [[nodiscard]] const std::filesystem::path& path() const { return file_.path(); }

 private:
  File file_;
  std::chrono::steady_clock::time_point synced_ = std::chrono::steady_clock::now();
};

/// Every complete line, in the order written. A last line without a newline is dropped; any other
/// damage is a FormatError that names the line ("samples.jsonl:17: ..."), with `source` for the
/// file.
[[nodiscard]] std::vector<JournalEntry> journal_from_text(std::string_view text,
                                                          std::string_view source);
/// Throws std::system_error when the file cannot be read.
[[nodiscard]] std::vector<JournalEntry> read_journal(const std::filesystem::path& file);

}  // namespace patchbench::results
