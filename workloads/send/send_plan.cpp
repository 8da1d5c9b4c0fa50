#include "workloads/send/send_plan.hpp"

#include <numeric>

#include "workloads/seeded_random.hpp"

namespace patchbench::send {

std::vector<std::uint32_t> random_order(std::size_t count, std::uint64_t seed) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  SeededRandom random{seed};
  random.shuffle(order);
  return order;
}

std::uint32_t chain_in_random_order(std::vector<SitePlan>& sites, std::uint64_t seed) {
  const std::vector<std::uint32_t> order = random_order(sites.size(), seed);
  for (std::size_t i = 0; i < order.size(); ++i) {
    sites[order[i]].next =
        i + 1 < order.size() ? order[i + 1] : static_cast<std::uint32_t>(order.size());
  }
  return order.empty() ? 0 : order.front();
}

}  // namespace patchbench::send
