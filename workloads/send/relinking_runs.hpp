// workloads/send/relinking_runs.hpp - runs of sends of which a given share misses and relinks.
//
// Each run is drawn anew: which sites miss, and when. So no predictor of branches learns it. How
// many sends and misses a run has is the same for all runs, and known before the first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "workloads/seeded_random.hpp"
#include "workloads/send/receivers.hpp"
#include "workloads/send/transition_cell.hpp"

namespace patchbench::send {

/// The smallest share that can be asked for: a run of it has a million sends.
inline constexpr double kSmallestShare = 1e-6;
/// How far the share of a run may be from what was asked for, as a part of it.
inline constexpr double kShareTolerance = 0.01;

struct RunSize {
  std::uint64_t passes = 0;  // over all sites
  std::uint64_t misses = 0;  // at least one
};

/// The fewest passes with thousands of sends, or a thousand misses, of which whole misses are the
/// share within kShareTolerance. `sites` is not 0; throws std::invalid_argument for a share outside
/// [kSmallestShare, 1].
[[nodiscard]] RunSize size_of_run(std::size_t sites, double share);

/// Passes in a row that read the same receivers, or, with a stride, those of one pass after the
/// other.
struct RunSegment {
  const Oop* receivers = nullptr;
  std::uint64_t passes = 0;
  std::int64_t stride = 0;  // bytes
};

/// The state of sites that a machine links, each for one of its two classes, and the receivers of a
/// run. A site misses where its receiver is of the other class than the one before; the owner's
/// machine relinks it then.
///
/// Receivers stay in the inner caches: a long run has no more than kRows of passes with receivers
/// of their own, and repeats each of them. What misses of such a pass misses the first time.
class RelinkingRuns {
 public:
  /// Receivers go to the arena's place for streams. All sites begin with their first class.
  RelinkingRuns(const TwoClassSites& sites, const MethodTable& table, double share);

  [[nodiscard]] std::uint64_t sends() const noexcept { return size_.passes * sites_; }
  [[nodiscard]] std::uint64_t misses() const noexcept { return size_.misses; }

  /// The next run. It allocates nothing.
  void draw();
  /// Of the drawn run. Valid until the next is drawn.
  [[nodiscard]] std::span<const RunSegment> segments() const noexcept { return segments_; }
  /// The drawn run has been executed: its sites are linked anew.
  void commit() noexcept { sides_.swap(drawn_sides_); }

  /// One pass instead of a drawn run, in which all sites miss or all hit.
  void set_pass(bool all_miss);

  /// The class that the site is linked for, 0 or 1.
  [[nodiscard]] unsigned side(std::uint32_t site) const noexcept { return sides_[site]; }

 private:
  /// Which of all the receivers are of another class than the one before.
  void draw_flips();
  /// A receiver for each site, of the class that drawn_sides_ says.
  void write_row(std::size_t row);
  [[nodiscard]] std::span<Oop> row(std::size_t number) {
    return stream_.receivers().subspan(number * sites_, sites_);
  }

  std::size_t sites_;
  RunSize size_;
  std::size_t rows_;  // passes with receivers of their own; before them, one of the present state
  SeededRandom random_;
  Receivers receivers_;
  std::vector<Oop> oops_[2];
  ReceiverStream stream_;
  std::vector<std::uint8_t> sides_;
  std::vector<std::uint8_t> drawn_sides_;  // after the drawn run
  std::vector<std::uint32_t> places_;      // of receivers in the rows, in random order
  std::vector<std::uint8_t> flips_;        // of each place
  std::vector<std::uint32_t> passes_;      // numbers of passes, in random order; few rows alone
  std::vector<RunSegment> segments_;
};

}  // namespace patchbench::send
