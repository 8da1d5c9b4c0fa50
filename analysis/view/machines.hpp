// analysis/view/machines.hpp - what several machines say to one question: two to ten runs side by
// side.
//
// Times of two machines are no answer to anything: each cost is a ratio to the same strategy on its
// own machine, and what is compared are conclusions. Nothing here is "faster" or "slower" across
// machines. Of an emulated run only the statuses of its cells and its counts take part.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"
#include "analysis/statistics/statistics.hpp"
#include "analysis/view/figures.hpp"
#include "analysis/view/headline.hpp"

namespace patchbench::analysis {

inline constexpr std::size_t kMostMachines = 10;
inline constexpr std::string_view kMachinesTitle = "patchbench: several machines";

/// A share of a cost: what lies within it is called equal on every machine.
inline constexpr double kMachineDelta = kDefaultDelta;

/// What an interval of a ratio says to a statement.
enum class Holding { holds, not_so, open, unmeasured };

enum class Claim { costs_more, costs_less, costs_the_same };

/// `costs_more` holds where the interval lies above 1 + delta and is not so where it lies below;
/// likewise the other two. `open` where the interval has both in it.
[[nodiscard]] Holding holding(Claim claim, const std::optional<Interval>& interval,
                              double delta = kMachineDelta);

/// "indirect-cell costs more than 3 % more than rwx": one strategy in one operation, of which at
/// least one machine says so.
struct MachineConclusion {
  HeadlineColumn operation;
  std::string strategy;
  Claim claim = Claim::costs_the_same;
  std::vector<Holding> machines;  // as many as runs, in their order
};

/// Runs and what their costs are ratios to.
class Machines {
 public:
  /// Of two results or more, which outlive it.
  explicit Machines(std::span<const results::Results> runs);

  [[nodiscard]] const std::vector<Quantities>& runs() const { return runs_; }
  /// "A", "B", ...
  [[nodiscard]] std::string letter(std::size_t machine) const;
  /// The strategy that costs are ratios to: the baseline where all machines whose times mean
  /// something have the same, else the floor where they have that in common, else each its own
  /// baseline. Empty for an emulated run.
  [[nodiscard]] const std::string& reference(std::size_t machine) const {
    return references_[machine];
  }
  /// Empty where the machine has no such ratio.
  [[nodiscard]] std::optional<PairedRatio> ratio(std::size_t machine,
                                                 const HeadlineColumn& operation,
                                                 const std::string& strategy) const;
  /// Operations of the headlines, and sends of mic at every number of sites; each once, in the
  /// order of the machines.
  [[nodiscard]] std::vector<HeadlineColumn> operations() const;
  /// Strategies without controls, in the order of the machines.
  [[nodiscard]] std::vector<std::string> strategies() const;

 private:
  std::vector<Quantities> runs_;
  std::vector<std::string> references_;
};

[[nodiscard]] std::vector<MachineConclusion> conclusions_of(const Machines& machines);

[[nodiscard]] Document machines_document(std::span<const results::Results> runs);

/// machines-ratios (the headline's operations) and machines-send-by-sites. None where fewer than
/// two runs have times that mean something.
[[nodiscard]] FigureSet machines_figures(std::span<const results::Results> runs);

}  // namespace patchbench::analysis
