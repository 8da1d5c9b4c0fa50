// workloads/layout.hpp - the same sends with their sites at every place modulo a cache line: how
// much of a difference is layout. All other workloads draw that place anew in each round.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/mic.hpp"
#include "workloads/parameters.hpp"
#include "workloads/send/architecture.hpp"
#include "workloads/send/steady_state.hpp"
#include "workloads/workload.hpp"

namespace patchbench {

/// Sends as those of `mic`, through sites of which the first begins `offset` bytes behind a
/// multiple of 64.
struct Layout : send::SteadyStateWorkload<Layout> {
  static constexpr std::string_view kId = "layout";
  static constexpr std::size_t kLine = 64;
  static constexpr std::size_t kStep = 8;  // the words of a site stay on their boundaries

  static WorkloadInfo info() {
    Parameter offset{.name = "offset",
                     .summary =
                         "of the first send site in bytes modulo 64; drawn in each round, as "
                         "in other workloads",
                     .default_value = "drawn",
                     .standard_grid = {"drawn"},
                     .quick_grid = {"0", "24"},
                     .choices = {"drawn"},
                     .why_unavailable = &why_no_offset};
    for (std::size_t bytes = 0; bytes < kLine; bytes += kStep) {
      offset.choices.push_back(std::to_string(bytes));
      offset.standard_grid.push_back(std::to_string(bytes));
    }
    return {
        .id = std::string{kId},
        .summary = "monomorphic sites at each place modulo 64 that the architecture allows",
        .parameters = {std::move(offset), sites_parameter({"1024"}, {"1024"}), work_parameter()},
        .metrics = {"send"},
        .headline = std::vector<Headline>{},
        .small_grid = {{"offset", "0"}}};
  }

  static send::SteadyState describe(const CellRequest& request) {
    const std::string& offset = word_parameter(request, "offset");
    if (std::string reason = why_no_offset(offset); !reason.empty()) throw Unsupported(reason);
    CellRequest like_mic = request;
    like_mic.params.emplace_back("order", "linear");
    like_mic.params.emplace_back("targets", "64");
    send::SteadyState state = Mic::describe(like_mic);
    if (offset != "drawn") state.plan.site_shift = std::stoul(offset);
    return state;
  }

  template <class Strategy>
  static constexpr std::string_view unsupported() {
    return {};
  }

 private:
  static std::string why_no_offset(std::string_view offset) {
    if (offset == "drawn") return {};
    for (std::uint64_t draw = 0; draw < kLine; ++draw) {
      if (std::to_string(send::NativeArchitecture::site_shift(draw)) == offset) return {};
    }
    return "the send sites of this architecture are not shifted so far: their tags lie in pools at "
           "a fixed distance";
  }
};

}  // namespace patchbench
