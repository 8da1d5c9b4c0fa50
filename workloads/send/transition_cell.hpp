// workloads/send/transition_cell.hpp - what workloads that link, relink and unlink while measured
// have in common.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/parameters.hpp"
#include "workloads/send/receiver_mix.hpp"
#include "workloads/send/receivers.hpp"
#include "workloads/send/send_machine.hpp"
#include "workloads/workload.hpp"

namespace patchbench::send {

/// Every site with two classes, `first` and `second`, and one receiver of each.
struct TwoClassSites {
  SendPlan plan;
  std::vector<std::uint32_t> first;
  std::vector<std::uint32_t> second;
  std::uint64_t seed = 1;
};

/// Prepares the process for publishing as the request says (prepared_publish_mode).
[[nodiscard]] TwoClassSites describe_two_class_sites(const CellRequest& request);

/// What one send answers.
[[nodiscard]] std::uint64_t oracle_of_send(const MethodTable& table, const SendPlan& plan,
                                           std::size_t site, Oop receiver);

/// The sum of what all sites answer for one class each.
[[nodiscard]] std::uint64_t oracle_of_pass(const MethodTable& table, const SendPlan& plan,
                                           std::span<const Oop> receivers);

[[nodiscard]] std::vector<Oop> one_receiver_each(const Receivers& receivers,
                                                 const std::vector<std::uint32_t>& classes,
                                                 SeededRandom& random);

/// Throws WrongResult naming what was checked.
void expect_equal(std::uint64_t found, std::uint64_t expected, std::string_view what);

/// What a MIC of each site holds, linked for its first class and for its second.
template <class Machine>
[[nodiscard]] std::array<std::vector<SiteValue>, 2> mic_values(const Machine& machine,
                                                               const TwoClassSites& sites) {
  std::array<std::vector<SiteValue>, 2> values;
  for (std::uint32_t site = 0; site < machine.sites(); ++site) {
    values[0].push_back(machine.mic_value(site, sites.first[site]));
    values[1].push_back(machine.mic_value(site, sites.second[site]));
  }
  return values;
}

/// Links each site for its first class.
template <class Machine>
void prelink_first(Machine& machine, const TwoClassSites& sites) {
  std::vector<std::vector<std::uint32_t>> linked_for;
  linked_for.reserve(sites.first.size());
  for (const std::uint32_t class_index : sites.first) linked_for.push_back({class_index});
  machine.prelink(linked_for);
}

/// Throws WrongResult unless each site holds what `value_of(site)` says.
template <class Machine, class ValueOf>
void expect_linked(const Machine& machine, std::string_view what, ValueOf value_of) {
  for (std::uint32_t site = 0; site < machine.sites(); ++site) {
    if (machine.read_site(site) != value_of(site)) {
      throw WrongResult("site " + std::to_string(site) + " is not linked as it should be after " +
                        std::string{what});
    }
  }
}

/// Why a control that is never patched has no row in a workload that patches.
template <class Strategy>
[[nodiscard]] constexpr std::string_view never_patched() {
  return is_patched<Strategy>() ? std::string_view{}
                                : std::string_view{"this control's code is never patched"};
}

/// The same, and `otherwise` of strategies that change data instead of code.
template <class Strategy>
[[nodiscard]] constexpr std::string_view unless_code_is_patched(std::string_view otherwise) {
  if (!never_patched<Strategy>().empty()) return never_patched<Strategy>();
  return patched_at_run_time(Strategy::kDispatch) ? std::string_view{} : otherwise;
}

}  // namespace patchbench::send
