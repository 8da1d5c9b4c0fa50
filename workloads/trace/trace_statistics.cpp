#include "workloads/trace/trace_statistics.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace patchbench::trace {
namespace {

constexpr std::uint32_t kNothingYet = std::numeric_limits<std::uint32_t>::max();

/// The classes that sites have met, of which a new one makes a cache grow until it is an open PIC,
/// and the one that each met last.
class SiteHistories {
 public:
  explicit SiteHistories(const Trace& trace)
      : trace_(trace),
        met_(trace.names.sites.size()),
        last_call_(trace.names.sites.size(), kNothingYet),
        is_known_(trace.calls.size()) {}

  void add(std::uint32_t call, SendCounts& counts) {
    const std::uint32_t site = trace_.calls[call].site;
    ++counts.sends;
    if (met_[site] == 0) {
      ++counts.first;
    } else {
      if (last_call_[site] != call) ++counts.relinks;
      // One class more than a closed PIC holds opens it; then nothing misses any more.
      if (!is_known_[call] && met_[site] <= kClosedPicClasses) ++counts.grows;
    }
    if (!is_known_[call]) ++met_[site];
    is_known_[call] = true;
    last_call_[site] = call;
  }

 private:
  const Trace& trace_;
  std::vector<std::uint32_t> met_;
  std::vector<std::uint32_t> last_call_;
  std::vector<bool> is_known_;
};

void add(SendCounts& all, const SendCounts& more) {
  all.sends += more.sends;
  all.first += more.first;
  all.grows += more.grows;
  all.relinks += more.relinks;
}

std::vector<std::uint64_t> sends_of_sites(const Trace& trace) {
  std::vector<std::uint64_t> sends(trace.names.sites.size());
  for (const std::uint32_t call : trace.sends) ++sends[trace.calls[call].site];
  return sends;
}

}  // namespace

std::vector<std::uint32_t> degrees_of(const Trace& trace) {
  std::vector<std::uint32_t> degrees(trace.names.sites.size());
  for (const TraceSend& call : trace.calls) ++degrees[call.site];
  return degrees;
}

TraceStatistics statistics_of(const Trace& trace) {
  TraceStatistics statistics;
  SiteHistories histories(trace);
  const std::size_t count = trace.sends.size();
  for (std::size_t window = 0; window < kTraceWindows; ++window) {
    const std::size_t end = count * (window + 1) / kTraceWindows;
    for (std::size_t i = count * window / kTraceWindows; i < end; ++i) {
      histories.add(trace.sends[i], statistics.windows[window]);
    }
    add(statistics.all, statistics.windows[window]);
  }
  const std::vector<std::uint64_t> sends = sends_of_sites(trace);
  const std::vector<std::uint32_t> degrees = degrees_of(trace);
  for (std::size_t site = 0; site < degrees.size(); ++site) {
    if (degrees[site] == 0) continue;
    DegreeShare& share = degrees[site] == 1                   ? statistics.monomorphic
                         : degrees[site] <= kClosedPicClasses ? statistics.polymorphic
                                                              : statistics.megamorphic;
    ++share.sites;
    share.sends += sends[site];
    statistics.most_classes = std::max(statistics.most_classes, degrees[site]);
  }
  std::set<std::pair<std::uint32_t, std::uint32_t>> methods;
  for (const TraceSend& call : trace.calls) {
    methods.emplace(call.class_index, trace.names.sites[call.site].selector);
  }
  statistics.methods = methods.size();
  return statistics;
}

ReplayMisses misses_of(const Trace& trace, bool relink) {
  SiteHistories histories(trace);
  const auto replay = [&] {
    SendCounts counts;
    for (const std::uint32_t call : trace.sends) histories.add(call, counts);
    return counts.first + (relink ? counts.relinks : counts.grows);
  };
  const std::uint64_t cold = replay();
  return {.cold = cold, .again = replay()};
}

}  // namespace patchbench::trace
