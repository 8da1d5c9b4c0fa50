// analysis/render/wrap.hpp - text as terminals and people take it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

/// Breaks at spaces; continued lines are indented by `indent`. A word longer than a line (a path)
/// is broken where the line ends. Ends with a newline.
[[nodiscard]] std::string wrap(std::string_view text, std::size_t width, std::size_t indent = 0);

/// "sites=1024, order=linear"
[[nodiscard]] std::string spaced(const results::Params& params);

/// Things that share a text, in the order in which the texts first appeared.
class Grouping {
 public:
  /// Once, however often it is said.
  void add(const std::string& text, const std::string& member);
  [[nodiscard]] const std::vector<std::pair<std::string, std::vector<std::string>>>& groups()
      const& {
    return groups_;
  }
  void groups() && = delete;  // a loop over a temporary's

 private:
  std::vector<std::pair<std::string, std::vector<std::string>>> groups_;
};

/// "a, b, c and 9 more"; all of them where one more name would do.
[[nodiscard]] std::string joined_some(const std::vector<std::string>& texts, std::size_t most);

/// "a, b, c"
[[nodiscard]] std::string joined(const std::vector<std::string>& texts,
                                 std::string_view separator = ", ");

}  // namespace patchbench::analysis
