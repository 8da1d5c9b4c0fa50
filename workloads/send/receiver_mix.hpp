// workloads/send/receiver_mix.hpp - which classes sites meet, and in which order receivers come.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/seeded_random.hpp"
#include "workloads/send/steady_state.hpp"

namespace patchbench::send {

/// `count` different heap classes (1-based) out of `heap_classes`.
[[nodiscard]] std::vector<std::uint32_t> some_classes(std::uint32_t count,
                                                      std::uint32_t heap_classes,
                                                      SeededRandom& random);

/// Each site reads its own receivers, one a pass: sets receiver_offset of every site.
void give_each_site_its_receiver(std::vector<SitePlan>& sites);

/// Fills class_stream, passes and receivers_per_pass from the classes of each site. Random: each
/// receiver's class is drawn anew. Cyclic: a site meets its classes in turn, each site beginning at
/// a random one.
void draw_stream(SteadyState& state, bool random_receivers, SeededRandom& random);

/// The same with each receiver's class drawn from all heap classes, whatever the site was linked
/// for.
void draw_stream_of_all_classes(SteadyState& state, SeededRandom& random);

/// Of a page's worth of code or less, as the methods of one class often are.
inline constexpr std::uint32_t kSitesOfCluster = 64;
/// Sites in layout order ("linear"), or chained at random ("shuffled") or in clusters
/// ("clustered").
void set_order(SendPlan& plan, const std::string& order, std::uint64_t seed);

}  // namespace patchbench::send
