#include "workloads/send/transition_cell.hpp"

namespace patchbench::send {

TwoClassSites describe_two_class_sites(const CellRequest& request) {
  constexpr std::uint32_t kClasses = 64;
  constexpr std::uint32_t kSelectors = 16;
  const std::uint32_t sites = count_parameter(request, "sites");
  SeededRandom random{request.seed};

  TwoClassSites result;
  result.plan.arena = map_arena(request.arena, request.zone);
  result.plan.site_shift = draw_site_shift(request.seed);
  result.plan.work = count_parameter(request, "work");
  result.plan.publish = prepared_publish_mode(request);
  result.plan.heap_classes = kClasses;
  result.plan.selectors = kSelectors;
  result.plan.sites.resize(sites);
  give_each_site_its_receiver(result.plan.sites);
  for (std::uint32_t i = 0; i < sites; ++i) {
    const std::vector<std::uint32_t> pair = some_classes(2, kClasses, random);
    result.first.push_back(pair[0]);
    result.second.push_back(pair[1]);
    result.plan.selector_of_site.push_back(static_cast<std::uint32_t>(random.below(kSelectors)));
  }
  result.seed = random.below(UINT64_MAX);
  return result;
}

std::uint64_t oracle_of_send(const MethodTable& table, const SendPlan& plan, std::size_t site,
                             Oop receiver) {
  const std::uint32_t class_index = table.class_of_tag(class_tag_of(receiver));
  return evaluate_method(table.method(class_index, plan.selector_of_site[site]), plan.work,
                         receiver);
}

std::uint64_t oracle_of_pass(const MethodTable& table, const SendPlan& plan,
                             std::span<const Oop> receivers) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < receivers.size(); ++i) {
    sum += oracle_of_send(table, plan, i, receivers[i]);
  }
  return sum;
}

std::vector<Oop> one_receiver_each(const Receivers& receivers,
                                   const std::vector<std::uint32_t>& classes,
                                   SeededRandom& random) {
  std::vector<Oop> oops;
  oops.reserve(classes.size());
  for (const std::uint32_t class_index : classes) {
    oops.push_back(receivers.any_of(class_index, random));
  }
  return oops;
}

void expect_equal(std::uint64_t found, std::uint64_t expected, std::string_view what) {
  if (found != expected) {
    throw WrongResult(std::string{what} + ": found " + std::to_string(found) + ", expected " +
                      std::to_string(expected));
  }
}

}  // namespace patchbench::send
