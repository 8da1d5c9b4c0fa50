// strategies/child_findings_test.hpp - for tests: what a child found, passed on to the test
// framework.
#pragma once

#include <patchbench_catch.hpp>

#include "child_process_test.hpp"

namespace patchbench::testing {

/// Fails unless the child ended by itself and found nothing.
inline void check_found_nothing(const ChildOutcome& outcome) {
  CAPTURE(outcome.error_output);
  CHECK(outcome.ending() == "returned");
  if (outcome.report.size() == 1 && outcome.report.front().starts_with(kSkipped)) {
    WARN(outcome.report.front());
    return;
  }
  CHECK(outcome.report == kNothing);
}

}  // namespace patchbench::testing
