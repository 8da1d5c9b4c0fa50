// analysis/counted_results_test.hpp - a made-up run with counters beside its times, for the tests.
//
// The numbers are no measurement of anything; what can be missing is.
#pragma once

#include <string>

#include "analysis/sample_results_test.hpp"
#include "results/model.hpp"

namespace patchbench::analysis {

inline constexpr const char* kNoPmu =
    "this machine shows no performance counters: in a virtual machine the hypervisor has to pass "
    "them on";
inline constexpr const char* kParanoid =
    "kernel.perf_event_paranoid is 2, which leaves the kernel's part out; as root: sysctl "
    "kernel.perf_event_paranoid=1";
inline constexpr const char* kNoTracefs =
    "tracefs may not be read (EACCES): tracepoints are for root";

struct CountedOptions {
  bool pmu = true;           // otherwise no hardware event
  bool kernel = true;        // otherwise users' own part alone
  bool tracepoints = true;   // otherwise tracefs is closed
  bool multiplexed = false;  // every hardware event of memfd-dual
  bool emulated = false;
  bool standard = false;
};

/// Sets prefetch, icache and vma in mic and relink; vma also beside a busy thread. sysv-shm is
/// denied, relink/file-dual crashed, and mprotect-toggle makes two system calls a patch.
[[nodiscard]] results::Results measured_run(const CountedOptions& options = {});

/// A counter of the set without samples.
[[nodiscard]] results::Counter event(const std::string& set, const std::string& source,
                                     const std::string& name, const std::string& scope,
                                     const std::string& per, double value);
/// As if it could not be counted.
[[nodiscard]] results::Counter without_value(results::Counter counter, const std::string& status,
                                             const std::string& reason);

}  // namespace patchbench::analysis
