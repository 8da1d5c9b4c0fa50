#include "results/journal.hpp"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>

#include "results/visitors.hpp"

namespace patchbench::results {
namespace {

/// How much of a journal is complete lines.
std::size_t complete_size(std::string_view text) {
  const std::size_t newline = text.rfind('\n');
  return newline == std::string_view::npos ? 0 : newline + 1;
}

}  // namespace

std::string journal_line(const JournalEntry& entry) {
  return to_json(entry).dump(-1, ' ', false, Json::error_handler_t::replace);
}

JournalEntry parse_journal_line(std::string_view line, std::string_view source) {
  const Json document = parse_json(line, source);
  return from_json<JournalEntry>(Field(document, source));
}

JournalWriter::JournalWriter(const std::filesystem::path& file)
    : file_(file, O_RDWR | O_CREAT | O_APPEND) {
  if (!file_.lock()) {
    throw std::system_error(EWOULDBLOCK, std::generic_category(),
                            file.string() + " is being written by another process");
  }
  const std::uint64_t size = file_.size();
  if (size == 0) return;
  const std::size_t complete = complete_size(read_text(file));
  if (complete != size) file_.truncate(complete);
}

void JournalWriter::append(std::span<const JournalEntry> entries) {
  std::string lines;
  for (const JournalEntry& entry : entries) lines += journal_line(entry) + '\n';
  const std::uint64_t before = file_.size();
  const std::size_t written = file_.write_once(lines);
  if (written == lines.size()) {
    if (const auto now = std::chrono::steady_clock::now(); now - synced_ >= kSyncInterval) {
      file_.sync();
      synced_ = now;
    }
    return;
  }
  file_.truncate(before);
  throw std::system_error(ENOSPC, std::generic_category(),
                          "cannot write " + path().string() + ": only " + std::to_string(written) +
                              " of " + std::to_string(lines.size()) +
                              " bytes of a line fitted (full disk, quota or file size limit)");
}

std::vector<JournalEntry> journal_from_text(std::string_view text, std::string_view source) {
  std::string_view rest = text.substr(0, complete_size(text));
  std::vector<JournalEntry> entries;
  for (int number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    entries.push_back(parse_journal_line(rest.substr(0, end),
                                         std::string(source) + ":" + std::to_string(number)));
    rest.remove_prefix(end + 1);
  }
  return entries;
}

std::vector<JournalEntry> read_journal(const std::filesystem::path& file) {
  return journal_from_text(read_text(file), file.string());
}

}  // namespace patchbench::results
