// workloads/send/transition_cell.hpp - what workloads that link, relink and unlink while measured
// have in common.
#pragma once

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

/// Why a control that is never patched has no row in a workload that patches.
template <class Strategy>
[[nodiscard]] constexpr std::string_view never_patched() {
  return is_patched<Strategy>() ? std::string_view{}
                                : std::string_view{"this control's code is never patched"};
}

}  // namespace patchbench::send
