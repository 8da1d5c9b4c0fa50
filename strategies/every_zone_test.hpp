// strategies/every_zone_test.hpp - for tests: the zones of the registry.
#pragma once

#include <string>
#include <tuple>
#include <type_traits>

#include <patchbench_catch.hpp>

#include "child_process_test.hpp"
#include "registry.hpp"
#include "zone_traits.hpp"

namespace patchbench::testing {

using EveryStrategy = decltype(std::tuple_cat(StrategyList{}, ControlList{}));

template <class Zones, class Strategies>
struct Distinct;
template <class Zones>
struct Distinct<Zones, std::tuple<>> {
  using Type = Zones;
};
template <class... Zones, class First, class... Rest>
struct Distinct<std::tuple<Zones...>, std::tuple<First, Rest...>> {
  using Zone = typename First::Zone;
  using With = std::conditional_t<(std::is_same_v<Zone, Zones> || ...), std::tuple<Zones...>,
                                  std::tuple<Zones..., Zone>>;
  using Type = typename Distinct<With, std::tuple<Rest...>>::Type;
};

/// The zones of all strategies and controls, each once: some share one.
using EveryZone = Distinct<std::tuple<>, EveryStrategy>::Type;

template <class Visit, class... Zones>
void for_each_zone_of(Visit visit, std::type_identity<std::tuple<Zones...>> /*list*/) {
  (visit(std::type_identity<Zones>{}), ...);
}
/// visit(std::type_identity<Zone>{}) for each that this machine can have.
template <class Visit>
void for_each_zone(Visit visit) {
  for_each_zone_of(
      [&visit]<class Zone>(std::type_identity<Zone> zone) {
        if (why_unavailable<Zone>().empty()) visit(zone);
      },
      std::type_identity<EveryZone>{});
}

template <class Visit, class... Strategies>
void for_each_strategy(Visit visit, std::tuple<Strategies...> /*list*/) {
  (visit(Strategies{}), ...);
}

/// "rwx, indirect-cell-rwx": how the zone is known outside.
template <class Zone>
[[nodiscard]] std::string strategies_with() {
  std::string names;
  for_each_strategy(
      [&names]<class Strategy>(Strategy /*strategy*/) {
        if constexpr (std::is_same_v<typename Strategy::Zone, Zone>) {
          names += names.empty() ? "" : ", ";
          names += Strategy::kId;
        }
      },
      EveryStrategy{});
  return names;
}

/// Whether this machine has what the zone takes; where it lacks it, that is said once a test.
template <class Zone>
[[nodiscard]] bool is_available() {
  const std::string reason = why_unavailable<Zone>();
  if (!reason.empty()) WARN(kSkipped << strategies_with<Zone>() << ", because " << reason);
  return reason.empty();
}

}  // namespace patchbench::testing
