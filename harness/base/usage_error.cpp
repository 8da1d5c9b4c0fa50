#include "harness/base/usage_error.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace patchbench::harness {
namespace {

/// Levenshtein's distance in which two swapped neighbours are one slip (Damerau's, restricted: no
/// pair is edited twice), one row at a time.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  std::vector<std::size_t> above = row;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::vector<std::size_t> two_above = std::exchange(above, row);
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      row[j + 1] = std::min({above[j] + (from[i] == to[j] ? 0 : 1), above[j + 1] + 1, row[j] + 1});
      if (i > 0 && j > 0 && from[i] == to[j - 1] && from[i - 1] == to[j]) {
        row[j + 1] = std::min(row[j + 1], two_above[j - 1] + 1);
      }
    }
  }
  return row.back();
}

std::string in_capitals(std::string_view word) {
  std::string capitals(word);
  std::ranges::transform(capitals, capitals.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return capitals;
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  const std::vector<std::string> words = nearest_words(word, candidates, 1);
  return words.empty() ? std::nullopt : std::optional(words.front());
}

std::vector<std::string> nearest_words(std::string_view word,
                                       std::span<const std::string> candidates, std::size_t most) {
  const std::string wanted = in_capitals(word);
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& candidate : candidates) {
    const std::string here = in_capitals(candidate);
    const bool part = wanted.size() > 2 && here.find(wanted) != std::string::npos;
    const std::size_t distance = part ? 1 : edit_distance(wanted, here);
    if (part || distance <= std::max<std::size_t>(1, std::max(wanted.size(), here.size()) / 3)) {
      near.emplace_back(distance, candidate);
    }
  }
  std::ranges::stable_sort(near, {}, &std::pair<std::size_t, std::string>::first);
  std::vector<std::string> words;
  for (const auto& [distance, candidate] : near) {
    if (words.size() < most && std::ranges::find(words, candidate) == words.end()) {
      words.push_back(candidate);
    }
  }
  return words;
}

std::string unknown_word(std::string_view kind, std::string_view word,
                         std::span<const std::string> candidates) {
  const std::optional<std::string> suggestion = nearest(word, candidates);
  return fmt::format("unknown {} '{}'{} Valid: {}", kind, word,
                     suggestion ? fmt::format(": did you mean '{}'?", *suggestion) : ".",
                     fmt::join(candidates, ", "));
}

}  // namespace patchbench::harness
