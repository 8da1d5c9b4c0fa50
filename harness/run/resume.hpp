// harness/run/resume.hpp - going on with a run that ended early.
//
// A run leaves in results.json what decided its plan (run.arguments) and what measured it (context,
// run.program), and in its journal what is done. Resuming plans again, refuses when anything that a
// number depends on is not as it was, and measures what is missing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "results/model.hpp"

namespace patchbench::harness {

/// What results.json in `directory` says of a run that has not come to its end. Throws UsageError
/// that names the file and what to do: there is none, it is damaged, the run is complete, or it was
/// made by a version that recorded too little.
[[nodiscard]] results::Results read_unfinished(const std::filesystem::path& directory);

/// A journal without the lines of groups (harness/plan/plan.hpp) that were not written to their
/// end: such a group is measured again as a whole.
[[nodiscard]] std::vector<results::JournalEntry> without_torn_groups(
    std::span<const results::JournalEntry> journal);

/// Its journal. Torn groups and a torn last line are left out; throws UsageError for any other
/// damage, naming the line.
[[nodiscard]] std::vector<results::JournalEntry> read_unfinished_journal(
    const std::filesystem::path& directory);

/// The options that differ, "--rounds=7 then, --rounds=20 now"; empty when there are none.
[[nodiscard]] std::vector<std::string> differing_arguments(const std::vector<std::string>& then,
                                                           const std::vector<std::string>& now);

/// Machine, program, strategies, baseline and cases: everything but load and warnings. Throws
/// UsageError that names each difference.
void require_same_run(const results::Results& then, const results::Results& now);

/// The rounds of each case that need no measuring again. What failed is measured again: it may have
/// been killed with the run, and if it fails by itself it will do so once more.
class DoneRounds {
 public:
  explicit DoneRounds(const std::vector<results::JournalEntry>& journal);
  [[nodiscard]] bool contains(const std::string& cell, int round) const {
    return done_.contains({cell, round});
  }
  [[nodiscard]] std::size_t size() const { return done_.size(); }
  /// That were begun.
  [[nodiscard]] int rounds() const { return rounds_; }

 private:
  std::set<std::pair<std::string, int>> done_;
  int rounds_ = 0;
};

/// A fingerprint of this executable's bytes: it tells two builds apart, and is no proof of origin.
[[nodiscard]] std::string program_fingerprint();

}  // namespace patchbench::harness
