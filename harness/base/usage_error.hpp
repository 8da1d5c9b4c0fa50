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

/// At most `most` candidates, the nearest first, that are `word` but for slips of the keyboard (an
/// edit distance of at most a third of the longer one, and never less than one) or have it in them;
/// whether letters are small or capital makes no difference.
[[nodiscard]] std::vector<std::string> nearest_words(std::string_view word,
                                                     std::span<const std::string> candidates,
                                                     std::size_t most);
/// The nearest of them.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 std::span<const std::string> candidates);

/// "unknown workload 'mik': did you mean 'mic'? Valid: mic, pic, zone"
[[nodiscard]] std::string unknown_word(std::string_view kind, std::string_view word,
                                       std::span<const std::string> candidates);

}  // namespace patchbench::harness
