#include "workloads/send/send_plan.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "workloads/seeded_random.hpp"
#include "workloads/send/architecture.hpp"

namespace patchbench::send {

std::size_t draw_site_shift(std::uint64_t seed) {
  // Apart from what else is drawn from this seed.
  constexpr std::uint64_t kShifts = 0x5317'e5b1;
  SeededRandom random{seed ^ kShifts};
  return NativeArchitecture::site_shift(random.below(UINT64_MAX));
}

std::vector<std::uint32_t> random_order(std::size_t count, std::uint64_t seed) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  SeededRandom random{seed};
  random.shuffle(order);
  return order;
}

std::uint32_t chain_in_random_order(std::vector<SitePlan>& sites, std::uint64_t seed,
                                    std::uint32_t cluster) {
  std::vector<std::uint32_t> order;
  for (const std::uint32_t number : random_order((sites.size() + cluster - 1) / cluster, seed)) {
    const std::size_t end =
        std::min<std::size_t>(sites.size(), (number + 1) * std::size_t{cluster});
    for (std::size_t site = number * std::size_t{cluster}; site < end; ++site) {
      order.push_back(static_cast<std::uint32_t>(site));
    }
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    sites[order[i]].next =
        i + 1 < order.size() ? order[i + 1] : static_cast<std::uint32_t>(order.size());
  }
  return order.empty() ? 0 : order.front();
}

}  // namespace patchbench::send
