// workloads/metrics.hpp - the one list of what workloads measure, in presentation order.
//
// A results file carries it, and titles, columns and counting follow.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace patchbench {

struct MetricTraits {
  std::string_view id;
  /// At the head of a table: what was patched or missed meanwhile. Empty: the id says it.
  std::string_view title = {};
  std::string_view meaning = {};  // of one operation
  std::string_view unit = "ns";
  /// It executes linked sends and patches nothing meanwhile: its cost cannot differ between
  /// strategies with the same `code` (StrategyInfo).
  bool executes_only = false;
  /// Its operations are instructions of the program itself, whose number a simulator counts. Not so
  /// for the life of a code zone, which happens in the kernel, and for differences of two runs.
  bool is_countable = true;
  /// Changing code or cells is part of each operation.
  bool patches = false;
  /// Its cost is what --publish=MODE is about: tables have a column for each mode.
  bool publishes = false;
  /// What the harness adds to it is reported beside it: it is small enough for that to show.
  bool shows_overhead = false;
  /// The metric of the same change among sends that hit, which a predictor cannot learn.
  std::string_view among_hits = {};
  /// What new code costs: each operation is a method, or a method's part of what is done for all.
  /// Reports show these together, first what happens at install time.
  bool installs = false;
  /// Other threads execute what is patched, or are what is timed. Reports show these together.
  bool beside_executors = false;
  /// Each operation is a send of a recorded program, in its order. Reports show these together.
  bool replays = false;
  /// The metric of the same operations while nothing is patched.
  std::string_view undisturbed = {};
};

inline constexpr std::array kMetrics = {
    MetricTraits{.id = "send",
                 .meaning = "a send through a linked site",
                 .executes_only = true,
                 .shows_overhead = true},
    MetricTraits{
        .id = "replay",
        .title = "replay (from unlinked)",
        .meaning = "a send of a recorded program whose sites are unlinked at its beginning",
        .patches = true,
        .replays = true},
    MetricTraits{.id = "replay_warm",
                 .title = "replay (once more)",
                 .meaning = "a send of a recorded program whose sites are linked",
                 .executes_only = true,
                 .replays = true},
    MetricTraits{.id = "link",
                 .meaning = "the first send of an unlinked site, which links it",
                 .patches = true},
    MetricTraits{.id = "patch",
                 .title = "patch (burst)",
                 .meaning = "a patch, one right after the other",
                 .patches = true,
                 .publishes = true,
                 .shows_overhead = true},
    MetricTraits{.id = "patch_isolated",
                 .title = "patch (isolated)",
                 .meaning = "a patch with sends to other sites before the next",
                 .is_countable = false,
                 .patches = true,
                 .publishes = true},
    MetricTraits{.id = "patch_execute",
                 .title = "patch + execute (every send)",
                 .meaning = "a patch and one execution of what it changed",
                 .patches = true,
                 .publishes = true,
                 .among_hits = "patch_execute_among_hits"},
    MetricTraits{.id = "patch_execute_among_hits",
                 .title = "patch + execute (among hits)",
                 .meaning = "a patch of a site among many that hit, and the first send through it",
                 .is_countable = false,
                 .patches = true,
                 .publishes = true},
    MetricTraits{.id = "patch_beside_executors",
                 .title = "patch (beside executors)",
                 .meaning = "a patch of a site that other threads execute meanwhile",
                 .is_countable = false,
                 .patches = true,
                 .beside_executors = true},
    MetricTraits{.id = "visible",
                 .title = "patch to visible",
                 .meaning = "a patch until every executor has executed what it changed",
                 .is_countable = false,
                 .patches = true,
                 .beside_executors = true},
    MetricTraits{.id = "send_undisturbed",
                 .title = "executor's send",
                 .meaning = "a send in an executor while nothing is patched",
                 .is_countable = false,
                 .beside_executors = true},
    MetricTraits{.id = "send_beside_patches",
                 .title = "executor's send (beside patches)",
                 .meaning = "a send in an executor while sites are patched at an interval",
                 .is_countable = false,
                 .patches = true,
                 .beside_executors = true,
                 .undisturbed = "send_undisturbed"},
    MetricTraits{
        .id = "execute", .meaning = "the same execution without a patch", .executes_only = true},
    MetricTraits{.id = "miss",
                 .title = "miss (every send)",
                 .meaning = "a send that misses and links its site anew",
                 .patches = true,
                 .among_hits = "miss_among_hits"},
    MetricTraits{.id = "miss_among_hits",
                 .title = "miss (among hits)",
                 .meaning = "a miss among sends that hit, beyond a hit",
                 .is_countable = false,
                 .patches = true},
    MetricTraits{.id = "send_relinking",
                 .title = "send (a share relinks)",
                 .meaning = "a send of which a share misses and relinks its site, hits included",
                 .patches = true},
    MetricTraits{.id = "bulk_patch",
                 .meaning = "unlinking a site, where all sites are unlinked at once",
                 .patches = true},
    MetricTraits{.id = "publish",
                 .meaning = "publishing a function that was stored to",
                 .publishes = true,
                 .shows_overhead = true},
    MetricTraits{.id = "install",
                 .meaning = "storing, publishing and first executing a new method",
                 .is_countable = false,
                 .publishes = true,
                 .installs = true},
    MetricTraits{.id = "install_total",
                 .title = "install (new zone)",
                 .meaning = "the same, with its part of making and prefaulting the zone",
                 .is_countable = false,
                 .publishes = true,
                 .installs = true},
    MetricTraits{.id = "prefault",
                 .meaning = "a method's part of faulting all pages in beforehand",
                 .is_countable = false,
                 .installs = true},
    MetricTraits{.id = "reserve", .meaning = "reserving a code zone", .is_countable = false},
    MetricTraits{.id = "first_touch",
                 .meaning = "writing, publishing and executing a page for the first time",
                 .is_countable = false},
    MetricTraits{.id = "teardown", .meaning = "giving a code zone back", .is_countable = false},
};

/// Of an unknown metric, as those of tests are: nothing is assumed, and nothing is counted.
[[nodiscard]] constexpr MetricTraits traits_of(std::string_view metric) noexcept {
  const auto* const found = std::ranges::find(kMetrics, metric, &MetricTraits::id);
  return found == kMetrics.end() ? MetricTraits{.id = metric, .is_countable = false} : *found;
}

[[nodiscard]] constexpr std::string_view title_of(const MetricTraits& metric) noexcept {
  return metric.title.empty() ? metric.id : metric.title;
}

}  // namespace patchbench
