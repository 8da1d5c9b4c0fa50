// workloads/trace/trace_statistics.hpp - what a trace's sends do to inline caches, worked out in
// plain C++.
//
// It shares nothing with the send machine, whose misses and states are held against it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "workloads/trace/trace_format.hpp"

namespace patchbench::trace {

/// What happened in a part of a trace, in sends. `first` are those of sites that were never sent
/// through before: these link, whatever a miss does to linked sites.
struct SendCounts {
  std::uint64_t sends = 0;
  std::uint64_t first = 0;
  std::uint64_t grows = 0;    // a PIC is made or grown, or becomes an open one: on_miss=grow
  std::uint64_t relinks = 0;  // of another class than the send before at this site: on_miss=relink
};

/// By how many classes a site sees over the whole trace.
struct DegreeShare {
  std::uint64_t sites = 0;
  std::uint64_t sends = 0;
};

inline constexpr std::size_t kTraceWindows = 10;
/// Classes that a closed PIC holds; the architectures' is compared with it where they are known.
inline constexpr std::uint32_t kClosedPicClasses = 6;

struct TraceStatistics {
  SendCounts all;
  std::array<SendCounts, kTraceWindows> windows;  // as many sends in each as can be
  DegreeShare monomorphic;                        // one class
  DegreeShare polymorphic;                        // 2 to kClosedPicClasses
  DegreeShare megamorphic;                        // more
  std::uint32_t most_classes = 0;                 // that one site sees
  std::uint64_t methods = 0;                      // pairs of a class and a selector that were sent
};

[[nodiscard]] TraceStatistics statistics_of(const Trace& trace);

/// How many classes each site sees; 0 where none was sent through.
[[nodiscard]] std::vector<std::uint32_t> degrees_of(const Trace& trace);

/// Sends that miss their inline cache when the trace is replayed with all sites unlinked, and when
/// it is replayed once more. Sends through open PICs are none of them.
struct ReplayMisses {
  std::uint64_t cold = 0;
  std::uint64_t again = 0;
};
[[nodiscard]] ReplayMisses misses_of(const Trace& trace, bool relink);

}  // namespace patchbench::trace
