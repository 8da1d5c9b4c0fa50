// workloads/metrics.hpp - the one list of what workloads measure.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace patchbench {

struct MetricTraits {
  std::string_view id;
  /// It executes linked sends and patches nothing meanwhile: its cost cannot differ between
  /// strategies with the same `code` (StrategyInfo).
  bool executes_only = false;
  /// Its operations are instructions of the program itself, whose number a simulator counts. Not so
  /// for the life of a code zone, which happens in the kernel, and for differences of two runs.
  bool is_countable = true;
  /// What the harness adds to it is reported beside it: it is small enough for that to show.
  bool shows_overhead = false;
};

inline constexpr std::array kMetrics = {
    MetricTraits{.id = "send", .executes_only = true, .shows_overhead = true},
    MetricTraits{.id = "patch", .shows_overhead = true},
    MetricTraits{.id = "patch_isolated", .is_countable = false},
    MetricTraits{.id = "patch_execute"},
    MetricTraits{.id = "patch_execute_among_hits", .is_countable = false},
    MetricTraits{.id = "execute", .executes_only = true},
    MetricTraits{.id = "miss"},
    MetricTraits{.id = "miss_among_hits", .is_countable = false},
    MetricTraits{.id = "link"},
    MetricTraits{.id = "bulk_patch"},
    MetricTraits{.id = "publish", .shows_overhead = true},
    MetricTraits{.id = "reserve", .is_countable = false},
    MetricTraits{.id = "first_touch", .is_countable = false},
    MetricTraits{.id = "teardown", .is_countable = false},
};

/// Of an unknown metric, as those of tests are: nothing is assumed, and nothing is counted.
[[nodiscard]] constexpr MetricTraits traits_of(std::string_view metric) noexcept {
  const auto* const found = std::ranges::find(kMetrics, metric, &MetricTraits::id);
  return found == kMetrics.end() ? MetricTraits{.id = metric, .is_countable = false} : *found;
}

}  // namespace patchbench
