// analysis/sample_results_test.hpp - a made-up run that looks like a real one, for the tests.
//
// Costs follow a small model (a knee where sites outgrow the predictor, mprotect far above the
// rest, cells slower at many sites) with seeded noise; they are no measurement of anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "results/model.hpp"

namespace patchbench::analysis {

struct SampleOptions {
  int rounds = 5;
  bool standard = false;  // the whole grid, instead of quick's
  bool deny_sysv = true;  // sysv-shm refused by the machine
  bool crash_one = true;  // relink/file-dual dies
  bool emulated = false;
  std::uint64_t seed = 7;
};

struct SampleRun {
  results::Results results;  // summarised
  std::vector<results::JournalEntry> journal;
};

[[nodiscard]] SampleRun sample_run(const SampleOptions& options = {});

}  // namespace patchbench::analysis
