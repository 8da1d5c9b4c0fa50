// analysis/view/knee.hpp - from which number of sites on a send costs more, and which caches have
// the size of the code that is executed there.
#pragma once

#include "analysis/quantity/quantities.hpp"
#include "analysis/render/document.hpp"

namespace patchbench::analysis {

/// How much more than at the best smaller number of sites, as a ratio.
inline constexpr double kKneeFrom = 1.25;
/// Fewer sizes have no knee.
inline constexpr int kFewestSizes = 4;

/// A row for each series of cases of `mic` that differ in their sites alone, and each strategy: the
/// first size whose send costs kKneeFrom times as much as at the best smaller one, by the lower end
/// of the 95 % interval of the ratio inside the rounds; the code and the cells that are executed
/// and read there and at the size before; and the caches of this machine between the two. That a
/// cache has that size is no proof that it is the cause. Without a table where no series has enough
/// sizes.
[[nodiscard]] Section knee_section(const Quantities& run);

}  // namespace patchbench::analysis
