#include "harness/run/resume.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/quantity/context_difference.hpp"
#include "harness/base/usage_error.hpp"
#include "results/file.hpp"
#include "results/journal.hpp"
#include "results/json.hpp"

namespace patchbench::harness {
namespace {

namespace fs = std::filesystem;
using results::Results;

/// The option's name: "--rounds" of "--rounds=7".
std::string_view name_of(std::string_view argument) {
  return argument.substr(0, argument.find('='));
}

std::string value_in(const std::vector<std::string>& arguments, std::string_view name) {
  std::vector<std::string> found;
  std::ranges::copy_if(arguments, std::back_inserter(found),
                       [name](const std::string& one) { return name_of(one) == name; });
  return found.empty() ? fmt::format("no {}", name) : fmt::format("{}", fmt::join(found, " "));
}

void compare(std::string_view what, std::string_view then, std::string_view now,
             std::vector<std::string>& differences) {
  if (then != now) differences.push_back(fmt::format("{} was '{}' and is '{}'", what, then, now));
}

void compare_contexts(const results::Context& then, const results::Context& now,
                      std::vector<std::string>& differences) {
  const analysis::ContextDifferences found = analysis::context_differences(then, now);
  for (const auto* list : {&found.decisive, &found.others}) {
    for (const analysis::Difference& one : *list) {
      compare(one.what, one.first, one.second, differences);
    }
  }
}

std::vector<std::string> cell_ids(const Results& results) {
  std::vector<std::string> ids(results.cells.size());
  std::ranges::transform(results.cells, ids.begin(), &results::Cell::id);
  return ids;
}

void compare_plan(const Results& then, const Results& now, std::vector<std::string>& differences) {
  std::ranges::move(differing_arguments(then.run.arguments, now.run.arguments),
                    std::back_inserter(differences));
  compare("baseline", then.baseline, now.baseline, differences);
  const auto status_of = [](const Results& results, const std::string& id) {
    const auto found = std::ranges::find(results.strategies, id, &results::StrategyStatus::id);
    return found == results.strategies.end() ? std::string("missing")
                                             : std::string(results::to_string(found->status));
  };
  for (const results::StrategyStatus& strategy : now.strategies) {
    compare(fmt::format("strategy {}", strategy.id), status_of(then, strategy.id),
            results::to_string(strategy.status), differences);
  }
  if (cell_ids(then) != cell_ids(now)) {
    compare("cases", fmt::format("{} of them", then.cells.size()),
            fmt::format("{}, not the same", now.cells.size()), differences);
  }
}

}  // namespace

Results read_unfinished(const fs::path& directory) {
  const fs::path file = directory / "results.json";
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    throw UsageError(fmt::format(
        "--resume: there is no {}: nothing was measured there; start the run anew", file.string()));
  }
  try {
    Results results = results::read_results(file);
    if (!results.run.interrupted) {
      throw UsageError(
          fmt::format("--resume: the run in {} is complete; bench-report makes its "
                      "report again",
                      directory.string()));
    }
    if (results.run.arguments.empty()) {
      throw UsageError(fmt::format(
          "--resume: {} does not say what was asked for: it was made by an older version",
          file.string()));
    }
    return results;
  } catch (const results::FormatError& error) {
    throw UsageError(fmt::format("--resume: {}", error.what()));
  }
}

namespace {

/// How many lines from `first` on are one group written to its end; 0 where it is torn.
std::size_t lines_of_group(std::span<const results::JournalEntry> from_first) {
  const results::JournalEntry& first = from_first.front();
  if (!first.group_size || !first.in_group) return 1;
  const auto size = static_cast<std::size_t>(*first.group_size);
  if (size > from_first.size()) return 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (from_first[i].in_group != static_cast<int>(i) || from_first[i].round != first.round) {
      return 0;
    }
  }
  return size;
}

}  // namespace

std::vector<results::JournalEntry> without_torn_groups(
    std::span<const results::JournalEntry> journal) {
  std::vector<results::JournalEntry> whole;
  for (std::size_t i = 0; i < journal.size();) {
    const std::size_t lines = lines_of_group(journal.subspan(i));
    whole.insert(whole.end(), journal.begin() + static_cast<std::ptrdiff_t>(i),
                 journal.begin() + static_cast<std::ptrdiff_t>(i + lines));
    i += std::max<std::size_t>(lines, 1);
  }
  return whole;
}

std::vector<results::JournalEntry> read_unfinished_journal(const fs::path& directory) {
  const fs::path file = directory / "samples.jsonl";
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    return {};  // it ended before the first child did
  }
  try {
    return without_torn_groups(results::read_journal(file));
  } catch (const results::FormatError& error) {
    throw UsageError(fmt::format(
        "--resume: {}; only a last line may be cut off: repair it, or start anew", error.what()));
  }
}

std::vector<std::string> differing_arguments(const std::vector<std::string>& then,
                                             const std::vector<std::string>& now) {
  std::vector<std::string_view> names;
  for (const auto* arguments : {&then, &now}) {
    for (const std::string& argument : *arguments) {
      if (std::ranges::find(names, name_of(argument)) == names.end()) {
        names.push_back(name_of(argument));
      }
    }
  }
  std::vector<std::string> differences;
  for (const std::string_view name : names) {
    const std::string before = value_in(then, name);
    const std::string after = value_in(now, name);
    if (before != after) differences.push_back(fmt::format("{} then, {} now", before, after));
  }
  return differences;
}

void require_same_run(const Results& then, const Results& now) {
  std::vector<std::string> differences;
  compare_contexts(then.context, now.context, differences);
  compare("the program's fingerprint", then.run.program, now.run.program, differences);
  compare_plan(then, now, differences);
  if (!differences.empty()) {
    throw UsageError(fmt::format(
        "--resume: this is not what the run was begun with: {}; numbers of both would not belong "
        "together",
        fmt::join(differences, "; ")));
  }
}

DoneRounds::DoneRounds(const std::vector<results::JournalEntry>& journal) {
  for (const results::JournalEntry& entry : journal) {
    if (!entry.counted.empty()) continue;
    rounds_ = std::max(rounds_, entry.round + 1);
    if (entry.status == results::CellStatus::ok) done_.emplace(entry.cell, entry.round);
  }
}

std::string program_fingerprint() {
  // The C++ library's, because it is compiled with optimisation whatever this file is compiled
  // with.
  const std::string program = results::read_text("/proc/self/exe");
  return fmt::format("hash64:{:016x}", std::hash<std::string>{}(program));
}

}  // namespace patchbench::harness
