#include "harness/programs/trace_text.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace patchbench::harness {
namespace {

using trace::DegreeShare;
using trace::SendCounts;
using trace::Trace;
using trace::TraceStatistics;
using TraceJson = nlohmann::ordered_json;

struct NamedShare {
  std::string_view classes;
  DegreeShare share;
};

std::array<NamedShare, 3> shares_of(const TraceStatistics& statistics) {
  return {{{"1", statistics.monomorphic},
           {"2-6", statistics.polymorphic},
           {">6", statistics.megamorphic}}};
}

double percent_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

std::uint64_t sites_sent_through(const TraceStatistics& statistics) {
  return statistics.monomorphic.sites + statistics.polymorphic.sites + statistics.megamorphic.sites;
}

std::string window_line(std::string_view title, const SendCounts& counts) {
  const auto share = [&](std::uint64_t part) { return percent_of(part, counts.sends); };
  return fmt::format("  {:<9}{:>12}{:>13.3f}{:>13.3f}{:>17.3f}\n", title, counts.sends,
                     share(counts.first), share(counts.first + counts.grows),
                     share(counts.relinks));
}

/// The sites that see most classes, at most so many, and none of one class.
std::string widest_sites_text(const Trace& trace) {
  constexpr std::size_t kMost = 8;
  const std::vector<std::uint32_t> degrees = trace::degrees_of(trace);
  std::vector<std::size_t> sites(degrees.size());
  std::iota(sites.begin(), sites.end(), std::size_t{0});
  std::ranges::stable_sort(sites, std::ranges::greater{},
                           [&](std::size_t site) { return degrees[site]; });
  sites.resize(std::min(sites.size(), kMost));
  std::string text;
  for (const std::size_t site : sites) {
    if (degrees[site] < 2) break;
    const trace::TraceSite& one = trace.names.sites[site];
    text += fmt::format("  {:>7}  {} at {}\n", degrees[site], trace.names.selectors[one.selector],
                        one.name);
  }
  return text.empty() ? "" : "\nclasses  the sites that see most\n" + text;
}

}  // namespace

std::string trace_text(const Trace& trace) {
  const TraceStatistics statistics = statistics_of(trace);
  const std::uint64_t sites = sites_sent_through(statistics);
  std::string text = fmt::format(
      "{}: {}\n{} sends at {} sites, of {} selectors to {} classes: {} methods\n\n"
      "classes a site sees        sites            sends\n",
      trace.name, trace.names.program, statistics.all.sends, sites, trace.names.selectors.size(),
      trace.names.classes.size(), statistics.methods);
  for (const auto& [classes, share] : shares_of(statistics)) {
    text += fmt::format("  {:<12}{:>9}{:>7.1f} %{:>10}{:>6.1f} %\n", classes, share.sites,
                        percent_of(share.sites, sites), share.sends,
                        percent_of(share.sends, statistics.all.sends));
  }
  text +=
      "\nIn per cent of the sends: those of sites that were never sent through, misses where PICs\n"
      "grow (these included), and changes of class, each of which relinks where MICs are "
      "rewritten.\n\n"
      "  tenth          sends  first sends  misses, grow  changes of class\n";
  for (std::size_t i = 0; i < statistics.windows.size(); ++i) {
    text += window_line(std::to_string(i + 1), statistics.windows[i]);
  }
  return text + window_line("all", statistics.all) + widest_sites_text(trace);
}

std::string trace_json(const Trace& trace) {
  const TraceStatistics statistics = statistics_of(trace);
  TraceJson degrees = TraceJson::array();
  for (const auto& [classes, share] : shares_of(statistics)) {
    degrees.push_back({{"classes", classes}, {"sites", share.sites}, {"sends", share.sends}});
  }
  TraceJson windows = TraceJson::array();
  for (const SendCounts& counts : statistics.windows) {
    windows.push_back({{"sends", counts.sends},
                       {"first", counts.first},
                       {"grows", counts.grows},
                       {"relinks", counts.relinks}});
  }
  const TraceJson all = {{"name", trace.name},
                         {"program", trace.names.program},
                         {"sends", statistics.all.sends},
                         {"sites", sites_sent_through(statistics)},
                         {"classes", trace.names.classes.size()},
                         {"selectors", trace.names.selectors.size()},
                         {"methods", statistics.methods},
                         {"most_classes", statistics.most_classes},
                         {"degrees", std::move(degrees)},
                         {"windows", std::move(windows)}};
  // Names are bytes of a file, which need not be UTF-8.
  return all.dump(2, ' ', false, TraceJson::error_handler_t::replace) + "\n";
}

}  // namespace patchbench::harness
