// analysis/quantity/answer.hpp - what a run recommends, and what that rests on.
//
// Everything follows from intervals. A strategy is recommended where it is the cheapest, or where
// the interval of its ratio to the cheapest lies within run.delta of 1; what the run cannot tell
// apart is named.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analysis/quantity/quantities.hpp"

namespace patchbench::analysis {

/// How a VM uses its inline caches.
struct Profile {
  double rate = 0;  // patches a send, 0 to 1
  std::int64_t sites = 0;
  int threads = 1;  // that execute the code while one of them patches
};

/// "RATE,SITES,THREADS": "0.001,4096,1", or "1/1000,4096,1". Throws std::invalid_argument, which
/// says what is wrong.
[[nodiscard]] Profile profile_from_text(const std::string& text);

/// "1 patch in 1,000 sends, 2 threads"
[[nodiscard]] std::string profile_text(const results::ProfileAnswer& profile);

/// Few and many sites, each patched rarely and often: what is recommended when nobody asked for a
/// profile. Empty where the run measured no sends of `mic`.
[[nodiscard]] std::vector<Profile> usual_profiles(const Quantities& run);

/// A send of `mic` and `rate` of a patch of `relink` with its first execution, both at the cases
/// nearest to the profile's sites, summed within each round. Controls take no part, nor what this
/// machine refuses.
[[nodiscard]] results::ProfileAnswer answer_for(const Quantities& run, const Profile& profile);

/// For each strategy but the baseline, at the few and at the many sites of the usual profiles, with
/// the patches of the case that comes nearest. Which differences there are is what the ratios'
/// verdicts say; where one is inconclusive, so is the break-even.
[[nodiscard]] std::vector<results::BreakEvenAnswer> break_even_answers(const Quantities& run);

/// Puts a break-even that was measured (relink_rate.hpp) in place of the one of the same strategy
/// at the nearest number of sites, where it is not inconclusive.
void prefer_measured(const Quantities& run, const std::vector<results::RatePair>& pairs,
                     std::vector<results::BreakEvenAnswer>& answers);

/// Of a finished run. For no profiles the usual ones. Of an emulated run without costs.
[[nodiscard]] results::Answer answer_of(const Quantities& run,
                                        std::span<const Profile> profiles = {});

/// As its results have it; of a file of before it was recorded, found now.
[[nodiscard]] results::Answer answer_in(const Quantities& run);

}  // namespace patchbench::analysis
