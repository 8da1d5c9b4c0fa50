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
  /// A step in the life of a send site: the state that it leads to. Reports show these together.
  std::string_view leads_to = {};
  /// Everything is changed at once. Reports show these together.
  bool in_bulk = false;
  /// What islands of another protection, or pages that were modified since a snapshot, cost:
  /// one operation is on a "page", a "zone" or a "snapshot". Reports show these together, over
  /// their number.
  std::string_view over_islands = {};
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
    MetricTraits{.id = "to_mic",
                 .title = "unlinked to MIC",
                 .meaning = "the first send of an unlinked site, which links it",
                 .patches = true,
                 .leads_to = "MIC"},
    MetricTraits{.id = "to_pic_2",
                 .title = "MIC to PIC of 2",
                 .meaning = "a send whose class makes a MIC a closed PIC",
                 .patches = true,
                 .leads_to = "PIC of 2"},
    MetricTraits{.id = "to_pic_3",
                 .title = "PIC of 2 to 3",
                 .meaning = "a send whose class becomes case 3 of a closed PIC",
                 .patches = true,
                 .leads_to = "PIC of 3"},
    MetricTraits{.id = "to_pic_4",
                 .title = "PIC of 3 to 4",
                 .meaning = "a send whose class becomes case 4 of a closed PIC",
                 .patches = true,
                 .leads_to = "PIC of 4"},
    MetricTraits{.id = "to_pic_5",
                 .title = "PIC of 4 to 5",
                 .meaning = "a send whose class becomes case 5 of a closed PIC",
                 .patches = true,
                 .leads_to = "PIC of 5"},
    MetricTraits{.id = "to_pic_6",
                 .title = "PIC of 5 to 6",
                 .meaning = "a send whose class becomes case 6 of a closed PIC",
                 .patches = true,
                 .leads_to = "PIC of 6"},
    MetricTraits{.id = "to_open_pic",
                 .title = "PIC of 6 to open PIC",
                 .meaning = "a send whose class no longer fits into a closed PIC",
                 .patches = true,
                 .leads_to = "open PIC"},
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
    MetricTraits{.id = "unlink_all",
                 .title = "unlink all",
                 .meaning = "unlinking a site, where all sites are unlinked",
                 .patches = true,
                 .in_bulk = true},
    MetricTraits{.id = "link_all",
                 .title = "link all",
                 .meaning = "linking a site without a send, where all sites are linked",
                 .patches = true,
                 .in_bulk = true},
    MetricTraits{.id = "compact",
                 .meaning = "moving a method, with its part of sending all sites to the copies",
                 .patches = true,
                 .in_bulk = true},
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
    MetricTraits{.id = "vma_split",
                 .title = "make an island (mprotect)",
                 .meaning = "an mprotect of a page that becomes an island",
                 .is_countable = false,
                 .over_islands = "page"},
    MetricTraits{.id = "vma_protect_page",
                 .title = "mprotect of one more page, and back",
                 .meaning = "an mprotect of a page in a zone that has its islands",
                 .is_countable = false,
                 .over_islands = "page"},
    MetricTraits{.id = "vma_protect_all",
                 .title = "mprotect of all, back to one mapping",
                 .meaning = "an mprotect of the whole zone that makes it one mapping again",
                 .is_countable = false,
                 .over_islands = "zone"},
    MetricTraits{.id = "vma_fork",
                 .title = "fork",
                 .meaning = "a fork of a process with the zone and its islands, in the parent",
                 .is_countable = false,
                 .over_islands = "zone"},
    MetricTraits{.id = "vma_touch",
                 .title = "first touch of a page",
                 .meaning = "a load from a page of which nothing is mapped yet",
                 .is_countable = false,
                 .over_islands = "page"},
    MetricTraits{.id = "vma_rollback_copy",
                 .title = "roll back by copying",
                 .meaning = "copying modified pages back, each under a scope of its own",
                 .is_countable = false,
                 .over_islands = "snapshot"},
    MetricTraits{.id = "vma_rollback_mprotect",
                 .title = "roll back by copying and mprotect",
                 .meaning = "copying back pages that their first store opened, and closing all",
                 .is_countable = false,
                 .over_islands = "snapshot"},
    MetricTraits{.id = "vma_snapshot",
                 .title = "take a snapshot, a page",
                 .meaning = "copying a page to a memfd, which is mapped over private memory",
                 .is_countable = false,
                 .over_islands = "snapshot"},
    MetricTraits{.id = "vma_rollback_dontneed",
                 .title = "roll back by MADV_DONTNEED",
                 .meaning = "dropping the modified copies of a zone that is mapped over a snapshot",
                 .is_countable = false,
                 .over_islands = "snapshot"},
    MetricTraits{.id = "vma_rollback_remap",
                 .title = "roll back by mmap",
                 .meaning = "mapping a snapshot over a zone of which pages were modified",
                 .is_countable = false,
                 .over_islands = "snapshot"},
    MetricTraits{.id = "vma_punch",
                 .title = "punch a hole (one page)",
                 .meaning = "giving a page back, which then reads as zeros",
                 .is_countable = false,
                 .over_islands = "page"},
    MetricTraits{.id = "vma_teardown",
                 .title = "give the zone back",
                 .meaning = "giving a zone with its islands back",
                 .is_countable = false,
                 .over_islands = "zone"},
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
