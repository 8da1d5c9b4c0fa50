// results/sample_test.hpp - small results and a journal entry with every field in use, for the
// tests.
#pragma once

#include "results/model.hpp"

namespace patchbench::results {

/// Three rounds; the second one lost; a ratio, counters with and without a value, a denied
/// strategy.
[[nodiscard]] Results sample_results();

[[nodiscard]] JournalEntry sample_entry(int round = 0);

}  // namespace patchbench::results
