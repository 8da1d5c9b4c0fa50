#include "analysis/view/titles.hpp"

#include <algorithm>
#include <array>

namespace patchbench::analysis {
namespace {

struct Title {
  std::string_view metric;
  std::string_view title;
  std::string_view among_hits;  // the metric
};

constexpr std::array<Title, 6> kTitles = {{
    {"patch", "patch (burst)", ""},
    {"patch_isolated", "patch (isolated)", ""},
    {"patch_execute", "patch + execute (every send)", "patch_execute_among_hits"},
    {"patch_execute_among_hits", "patch + execute (among hits)", ""},
    {"miss", "miss (every send)", "miss_among_hits"},
    {"miss_among_hits", "miss (among hits)", ""},
}};

const Title* find_title(std::string_view metric) {
  const auto found = std::find_if(kTitles.begin(), kTitles.end(),
                                  [metric](const Title& title) { return title.metric == metric; });
  return found == kTitles.end() ? nullptr : &*found;
}

}  // namespace

std::string metric_title(std::string_view metric) {
  const Title* found = find_title(metric);
  return std::string(found == nullptr ? metric : found->title);
}

std::string_view among_hits(std::string_view metric) {
  const Title* found = find_title(metric);
  return found == nullptr ? std::string_view{} : found->among_hits;
}

}  // namespace patchbench::analysis
