// workloads/send/changing_sites.hpp - sites of which some change their class now and then, among
// others that do not.
//
// Where all sites change in lock-step, a predictor of branches learns it. So a run here is drawn
// anew each time: which sites change, and when. What a run does is known before it begins, and the
// harness can take the same sends without a change from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "workloads/seeded_random.hpp"
#include "workloads/send/receivers.hpp"
#include "workloads/send/transition_cell.hpp"

namespace patchbench::send {

/// Sends from one patch of a run to the next.
inline constexpr std::uint32_t kSendsBetweenPatches = 16;
/// Of all sites, the share that misses in a pass is one in this number.
inline constexpr std::uint32_t kSitesPerMiss = 16;

/// One patch, as the list of a hooked walk holds it: which site, and for which of its two classes.
struct SitePatch {
  std::uint32_t site = 0;
  unsigned side = 0;  // 0 or 1

  [[nodiscard]] constexpr std::uint32_t packed() const noexcept { return site << 1U | side; }
  [[nodiscard]] static constexpr SitePatch from(std::uint32_t packed) noexcept {
    return {.site = packed >> 1U, .side = packed & 1U};
  }
};

/// A hook that does nothing. It stands once, for all strategies.
void patch_nothing(void* self, std::uint32_t index) noexcept;

/// Half of these sites, in this order: those that are walked while the others are patched. No line
/// of code holds sites of both halves, where there are more than a few sites: the patched ones are
/// then not executed in the company of others either. Empty for a single site.
[[nodiscard]] std::vector<std::uint32_t> walked_half(std::span<const std::uint32_t> order);

/// A run of a walk: `passes` passes, each with receivers of its own.
struct DrawnRun {
  std::uint64_t passes = 0;
  std::vector<std::uint32_t> list;  // packed SitePatches, one for each call of the hook
  std::size_t changes = 0;          // sites that change, each time counted
};

/// Whether the drawn changes are made. Without them the same sites are drawn, and all sends hit.
enum class Changes { made, left_out };

/// The state of sites that a machine links, each for one of its two classes, and the receivers of
/// runs. The owner patches the machine and reports it here.
class ChangingSites {
 public:
  /// `order` is how the sites are walked. Receivers go to the arena's place for streams: first one
  /// pass for each class, then room for a drawn run where there are any.
  ChangingSites(const TwoClassSites& sites, const MethodTable& table,
                std::vector<std::uint32_t> order, bool draws_runs);

  [[nodiscard]] std::span<const std::uint32_t> order() const noexcept { return order_; }
  /// walked_half() of the order.
  [[nodiscard]] std::span<const std::uint32_t> half() const noexcept { return half_; }

  /// One receiver of this class for each site.
  [[nodiscard]] const Oop* all_of(unsigned side) const noexcept {
    return stream_.data() + side * order_.size();
  }
  [[nodiscard]] std::span<const Oop> oops(unsigned side) const noexcept { return oops_[side]; }

  // --- all sites in one state ---

  /// Whether all sites are linked for the same class, which is then linked().
  [[nodiscard]] bool is_uniform() const noexcept { return is_uniform_; }
  [[nodiscard]] unsigned linked() const noexcept { return linked_; }
  [[nodiscard]] unsigned side(std::uint32_t site) const noexcept {
    return is_uniform_ ? linked_ : sides_[site];
  }
  void set_uniform(unsigned side) noexcept {
    linked_ = side;
    is_uniform_ = true;
  }

  // --- runs in which some change ---

  /// In each pass one in kSitesPerMiss sites, and at least one, has a receiver of its other class.
  void draw_misses(Changes changes);
  /// Before each stretch one of its sites is patched, and its receiver is of the new class.
  void draw_patches_ahead(Changes changes);
  /// The sites outside of half() are patched, each no more than once, while that is walked. All
  /// passes have the same receivers, those of the present state, of which all sites have one.
  void draw_patches_behind(Changes changes);

  [[nodiscard]] const DrawnRun& run() const noexcept { return run_; }
  /// Passes of a run of draw_misses() and draw_patches_ahead(), and of draw_patches_behind().
  [[nodiscard]] std::uint64_t passes() const noexcept;
  [[nodiscard]] std::uint64_t passes_behind() const noexcept;
  /// Changes of a run.
  [[nodiscard]] std::size_t misses_in_run() const noexcept;
  [[nodiscard]] std::size_t patches_ahead_in_run() const noexcept;
  [[nodiscard]] std::size_t patches_behind_in_run() const noexcept;

  [[nodiscard]] const Oop* drawn() const noexcept { return stream_.data() + 2 * order_.size(); }
  /// From one pass of drawn() to the next.
  [[nodiscard]] std::int64_t stride() const noexcept {
    return static_cast<std::int64_t>(order_.size() * sizeof(Oop));
  }
  /// The drawn run has been executed: its changes are made.
  void commit() noexcept {
    sides_.swap(drawn_sides_);
    is_uniform_ = false;
  }

 private:
  void begin_draw();
  /// A receiver for each site, of the class that drawn_sides_ says.
  void write_pass(std::uint64_t pass);

  std::vector<std::uint32_t> order_;
  std::vector<std::uint32_t> half_;
  SeededRandom random_;
  Receivers receivers_;
  std::vector<Oop> oops_[2];
  ReceiverStream stream_;
  unsigned linked_ = 0;
  bool is_uniform_ = true;
  std::vector<std::uint8_t> sides_;        // of each site; stale while uniform
  std::vector<std::uint8_t> drawn_sides_;  // after the drawn run
  std::vector<std::uint32_t> any_;         // all sites
  std::vector<std::uint32_t> behind_;      // those that are not in half_
  DrawnRun run_;
};

}  // namespace patchbench::send
