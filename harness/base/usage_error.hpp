// harness/base/usage_error.hpp - what a person asked for cannot be had, and how to ask for it.
#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace patchbench::harness {

/// Exit code 2. what() is a sentence that names the option or file and what to do.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The candidate with the smallest edit distance to `word`, if it is close enough to be a slip of
/// the keyboard: at most a third of the longer word, and never less than one.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 std::span<const std::string> candidates);

/// At most `most` candidates, the nearest first, that are nearly `word` or have it in them; whether
/// letters are small or capital makes no difference.
[[nodiscard]] std::vector<std::string> nearest_words(std::string_view word,
                                                     std::span<const std::string> candidates,
                                                     std::size_t most);

/// "unknown workload 'mik': did you mean 'mic'? Valid: mic, pic, zone"
[[nodiscard]] std::string unknown_word(std::string_view kind, std::string_view word,
                                       std::span<const std::string> candidates);

}  // namespace patchbench::harness
